#include "serve/explain_request.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/number_list.h"
#include "explain/option_words.h"
#include "explain/report_html.h"
#include "serve/classify_json.h"
#include "serve/entities_json.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

// What bounds the memory of an explanation: some methods have a number for each pair of units, or a byte for each unit of each masked text.
constexpr std::size_t kMostBytes = 16'384;          // of text and text_pair
constexpr std::size_t kMostBytesOfFreeUnits = 8192;  // where units are not of what the model sees alone, or are as small as one likes
constexpr std::size_t kMostSamples = 100'000, kMostEvals = 20'000;
constexpr std::size_t kMostOfAnExpression = 1000;  // bytes
constexpr std::size_t kMostSimilar = 200;            // whose sentences go through the model, and stand whole in the answer

// `model` is set already.
void read_common(const JsonValue& root, const HttpRequest& request, SlowRequest& slow) {
  check_tokenizer(*slow.model);
  slow.text = {std::string(root.at("text").as_string()), string_field(root, "text_pair")};
  const std::string format = string_field(root, "format").value_or("json");
  if (format != "json" && format != "html") root.at("format").fail("json or html");
  slow.html = format == "html";
  const bool accepts_events = request.header("accept").find("text/event-stream") != std::string_view::npos;
  slow.events = bool_field(root, "stream").value_or(accepts_events);
  if (slow.html && slow.events) root.at("format").fail("json beside stream: a page is no event");
  slow.body = simdjson::minify(root.raw());
}

void check_size(const ServedText& text, const ExplainOptions& explain) {
  const bool free = explain.compat != ExplainCompat::none || explain.unit == ExplainUnit::regex;
  const std::size_t bytes = text.text.size() + (text.text_pair ? text.text_pair->size() : 0), most = free ? kMostBytesOfFreeUnits : kMostBytes;
  if (bytes > most) throw Problem(ProblemKind::too_large, fmt::format("text: expected at most {} bytes to explain, found {}", most, bytes));
}

// A list of names, or one with commas between.
std::vector<std::string> as_methods(const JsonValue& value) {
  std::vector<std::string> methods;
  if (value.is_array()) {
    value.for_each_element([&](const JsonValue& method) { methods.emplace_back(method.as_string()); });
  } else {
    std::string_view rest = value.as_string();
    for (std::size_t comma = 0; comma != std::string_view::npos; rest.remove_prefix(std::min(comma + 1, rest.size()))) {
      comma = rest.find(',');
      methods.emplace_back(rest.substr(0, comma));
    }
  }
  if (methods.empty()) value.fail("at least one method");
  if (methods.size() > 16) value.fail("each method once");
  return methods;
}

std::string short_string(const JsonValue& value) {
  const std::string_view text = value.as_string();
  if (text.size() > kMostOfAnExpression) {
    throw Problem(ProblemKind::invalid, fmt::format("{}: expected at most {} bytes, found {}", value.where(), kMostOfAnExpression, text.size()));
  }
  return std::string(text);
}

void read_what(const JsonValue& root, const Config& config, bool of_entity, ReportOptions& report) {
  ExplainOptions& explain = report.explain;
  for (const std::string_view key : {"method", "methods"}) {
    if (const auto methods = root.find(key)) report.methods = as_methods(*methods);
  }
  explain.label = string_field(root, "label");
  if (const auto target = root.find("target")) {
    if (of_entity) {
      set_entity_target(target->as_string(), explain, "");
    } else {
      set_target(target->as_string(), config, explain, "");
    }
  }
  if (const auto unit = root.find("unit")) set_unit(short_string(*unit), explain, "");
  if (const auto mask = root.find("mask")) set_mask(short_string(*mask), explain, "");
  if (const auto package = root.find("compat")) explain.compat = explain_compat_from_name(package->as_string());
  explain.bow = !bool_field(root, "no_bow").value_or(false);
  if (const auto function = root.find("function_to_apply")) explain.function_to_apply = function_to_apply_from_name(function->as_string());
  if (const auto threshold = number_field(root, "threshold", 0, 1)) explain.threshold = static_cast<float>(*threshold);
  explain.max_length = count_field(root, "max_length", {.least = 1});
  if (const auto unit = root.find("offset_unit")) explain.offset_unit = offset_unit_from_name(unit->as_string());
}

void read_how(const JsonValue& root, const ServeLimits& limits, ReportOptions& report) {
  if (const auto budget = root.find("budget_ms")) {
    report.explain.budget = std::chrono::milliseconds(as_count(*budget, {.most = static_cast<std::size_t>(limits.explain_timeout.count())}));
  }
  if (const auto seed = count_field(root, "seed", {.most = std::numeric_limits<std::uint32_t>::max()})) {
    report.lime.seed = report.shap.seed = report.gradients.seed = static_cast<std::uint32_t>(*seed);
  }
  if (const auto algorithm = root.find("algorithm")) report.shap.algorithm = shap_algorithm_from_name(algorithm->as_string());
  report.shap.max_evals = count_field(root, "max_evals", {.least = 2, .most = kMostEvals}).value_or(report.shap.max_evals);
  report.shap.half_width = number_field(root, "half_width", 0, 1e9).value_or(report.shap.half_width);
  report.lime.num_samples = count_field(root, "num_samples", {.least = 2, .most = kMostSamples}).value_or(report.lime.num_samples);
  report.lime.num_features = count_field(root, "num_features", {.least = 1}).value_or(report.lime.num_features);
  if (const auto selection = root.find("feature_selection")) report.lime.feature_selection = feature_selection_from_name(selection->as_string());
}

void read_gradients(const JsonValue& root, GradientOptions& options) {
  if (const auto embedding = root.find("embedding")) options.embedding = gradient_embedding_from_name(embedding->as_string());
  if (const auto baseline = root.find("baseline")) options.baseline = gradient_baseline_from_name(baseline->as_string());
  options.num_steps = count_field(root, "num_steps", {.least = 1, .most = 10'000}).value_or(options.num_steps);
  if (const auto gap = number_field(root, "max_gap", 0, 1)) options.max_gap = gap;
  options.num_samples = count_field(root, "noise_samples", {.least = 1, .most = 10'000}).value_or(options.num_samples);
  options.noise = number_field(root, "noise", 0, 100).value_or(options.noise);
}

// The model of that name, or the first that does what is asked for: one that labels tokens for an entity, else one that labels texts.
std::shared_ptr<const ServedModel> model_of(const JsonValue& root, const ServeContext& context) {
  auto model = context.models.at(string_field(root, "model").value_or(""), root.find("entity") ? Task::token_classification : Task::sequence_classification);
  const bool of_entity = model->task() == Task::token_classification;
  const auto refuse = [&](std::string_view field, bool is_there) {
    if (!is_there) return;
    throw Problem(ProblemKind::invalid, fmt::format("{}: expected none for \"{}\", which labels {}, found one", field, model->name,
                                                    of_entity ? "tokens" : "texts"));
  };
  if (of_entity) {
    refuse("text_pair", root.find("text_pair").has_value());
    for (const std::string_view field : {"with_attention", "with_contexts"}) refuse(field, bool_field(root, field).value_or(false));
  } else {
    for (const std::string_view field : {"entity", "aggregation_strategy", "stride"}) refuse(field, root.find(field).has_value());
  }
  return model;
}

// A number, what stands there, or an object as /v1/entities gives it.
void read_entity(const JsonValue& root, ExplainRequest& asked) {
  const auto field = root.find("entity");
  constexpr std::string_view kExpected = "an entity's number, what stands there, or {\"start\", \"end\", \"entity_group\"}";
  if (!field) throw Problem(ProblemKind::invalid, fmt::format("entity: expected {}, since \"{}\" labels tokens; found none", kExpected, asked.model->name));
  if (!field->is_object()) {
    asked.choice.entity = field->is_string() ? std::string(field->as_string()) : std::to_string(as_count(*field, {}));
    return;
  }
  constexpr std::string_view kFields[] = {"entity_group", "entity", "score", "index", "word", "start", "end"};
  refuse_unknown_fields(*field, kFields);
  Entity entity;
  const auto type = field->find("entity_group");
  entity.entity = (type ? *type : field->at("entity")).as_string();
  entity.offset = {as_count(field->at("start"), {}), as_count(field->at("end"), {})};
  if (entity.offset.end < entity.offset.begin) field->at("end").fail("no less than start");
  if (const auto score = number_field(*field, "score", 0, 1)) entity.score = static_cast<float>(*score), asked.entity_has_score = true;
  if (const auto word = string_field(*field, "word")) entity.word = *word, asked.entity_has_word = true;
  asked.entity = std::move(entity);
}

// What the model refuses whatever the text, and texts that would be too many windows.
void check_entity(const ExplainRequest& asked, const ServeLimits& limits) {
  ClassifyPlan plan;
  plan.model = asked.model;
  plan.texts = {asked.text};
  plan.entities = {.aggregation_strategy = asked.choice.aggregation_strategy, .max_length = asked.report.explain.max_length, .stride = asked.choice.stride};
  check_entities(plan, limits);
}

void read_entity_options(const JsonValue& root, ExplainRequest& asked) {
  read_entity(root, asked);
  if (const auto strategy = root.find("aggregation_strategy")) {
    asked.choice.aggregation_strategy = aggregation_strategy_from_name(strategy->as_string());
    if (asked.choice.aggregation_strategy == AggregationStrategy::none) strategy->fail("simple, first, average or max, which make entities");
  }
  asked.choice.stride = count_field(root, "stride", {});
}

// "0,2,5-7", a number, or an array of numbers.
std::optional<std::vector<std::size_t>> numbers_field(const JsonValue& root, std::string_view key) {
  constexpr Bounds kBounds{.most = 9999};
  const auto field = root.find(key);
  if (!field) return std::nullopt;
  if (field->is_string()) return parse_number_list(field->where(), field->as_string());
  if (!field->is_array()) return std::vector{as_count(*field, kBounds)};
  std::vector<std::size_t> numbers;
  field->for_each_element([&](const JsonValue& number) { numbers.push_back(as_count(number, kBounds)); });
  return numbers;
}

// A number is a place in the row; a string a word.
TokenChoice as_token(const JsonValue& value) {
  if (value.is_string()) return {{}, std::string(value.as_string())};
  return {as_count(value, {}), {}};
}

// By `token`, or by `position`, a character of the text or of its pair.
TokenChoice read_token(const JsonValue& root, const ServedText& text) {
  const auto token = root.find("token"), position = root.find("position");
  if (token && position) position->fail("none beside token");
  for (const std::string_view field : {"offset_unit", "sequence_id"}) {
    if (const auto found = root.find(field); found && !position) found->fail("position beside it");
  }
  if (token) return as_token(*token);
  if (!position) throw Problem(ProblemKind::invalid, "token: expected the number of a token or a word of the text, or position, found neither");
  TokenChoice choice;
  choice.sequence_id = static_cast<std::int32_t>(count_field(root, "sequence_id", {.most = 1}).value_or(0));
  if (choice.sequence_id == 1 && !text.text_pair) root.at("sequence_id").fail("0, since there is no text_pair");
  const OffsetUnit unit = offset_unit_from_name(string_field(root, "offset_unit").value_or("code_points"));
  choice.position = OffsetBytes(choice.sequence_id == 1 ? *text.text_pair : text.text, unit)(as_count(*position, {}));
  return choice;
}

[[noreturn]] void refuse_without_index(const ServedModel& model) {
  throw Problem(ProblemKind::unsupported, fmt::format("model: expected one with an index, found \"{}\", which has none: filbert index makes one of many texts, "
                                                      "filbert serve --index takes it", model.name));
}

// The model of that name, or the first that has an index.
std::shared_ptr<const ServedModel> indexed_model(const JsonValue& root, const ServeContext& context) {
  const std::string name = string_field(root, "model").value_or("");
  const auto& all = context.models.all();
  const auto first = std::ranges::find_if(all, [](const auto& model) { return model->index != nullptr; });
  auto model = name.empty() && first != all.end() ? *first : classifier_at(context, name);
  if (!model->index) refuse_without_index(*model);
  return model;
}

}  // namespace

ExplainRequest read_explain(const HttpRequest& request, const ServeContext& context) {
  constexpr std::string_view kFields[] = {
      "model", "text", "text_pair", "format", "stream", "method", "methods", "label", "target", "unit", "mask", "compat", "no_bow",
      "function_to_apply", "threshold", "max_length", "offset_unit", "budget_ms", "seed", "algorithm", "max_evals", "half_width",
      "num_samples", "num_features", "feature_selection", "embedding", "baseline", "num_steps", "max_gap", "noise_samples", "noise",
      "values_only", "with_attention", "with_contexts", "entity", "aggregation_strategy", "stride"};
  ExplainRequest asked;
  bool of_entity = false;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kFields);
    asked.model = model_of(root, context);
    of_entity = asked.model->task() == Task::token_classification;
    read_common(root, request, asked);
    ReportOptions& report = asked.report;
    if (of_entity) {
      read_entity_options(root, asked);
      report.methods = {"occlusion"};
    }
    read_what(root, asked.model->config(), of_entity, report);
    read_how(root, context.limits, report);
    read_gradients(root, report.gradients);
    if (!of_entity) apply_compat(report, "");
    check_size(asked.text, report.explain);
    const bool values_only = bool_field(root, "values_only").value_or(false);
    report.counterfactuals = report.faithfulness = !values_only;
    report.max_other_labels = asked.html && !values_only ? 7 : 0;
    report.attention = bool_field(root, "with_attention").value_or(false);
    asked.contexts = bool_field(root, "with_contexts").value_or(false);
    if (asked.contexts && !asked.model->index) refuse_without_index(*asked.model);
    if (report.attention && !asked.html) root.at("with_attention").fail("\"format\": \"html\" beside it; /attention has the other formats");
  });
  if (of_entity) {
    check_entity(asked, context.limits);
    return asked;
  }
  check_options(*asked.model, {.function_to_apply = asked.report.explain.function_to_apply, .threshold = asked.report.explain.threshold,
                               .max_length = asked.report.explain.max_length});
  return asked;
}

AttentionRequest read_attention(const HttpRequest& request, const ServeContext& context) {
  constexpr std::string_view kFields[] = {
      "model", "text", "text_pair", "format", "stream", "layers", "heads", "layer", "head", "view", "neurons", "values", "hidden_states",
      "function_to_apply", "max_length"};
  AttentionRequest asked;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kFields);
    asked.model = classifier_at(context, string_field(root, "model").value_or(""));
    read_common(root, request, asked);
    asked.attention.layers = numbers_field(root, "layers");
    asked.attention.heads = numbers_field(root, "heads");
    asked.page.layer = count_field(root, "layer", {.most = 9999});
    asked.page.heads = numbers_field(root, "head");
    asked.page.view = string_field(root, "view").value_or(asked.page.view);
    asked.neurons = bool_field(root, "neurons");
    asked.attention.values_contexts = bool_field(root, "values").value_or(false);
    asked.attention.hidden_states = bool_field(root, "hidden_states").value_or(false);
    if (const auto function = root.find("function_to_apply")) asked.attention.function_to_apply = function_to_apply_from_name(function->as_string());
    asked.attention.max_length = count_field(root, "max_length", {.least = 1});
  });
  check_options(*asked.model, {.function_to_apply = asked.attention.function_to_apply, .max_length = asked.attention.max_length});
  return asked;
}

SimilarRequest read_similar(const HttpRequest& request, const ServeContext& context) {
  constexpr std::string_view kFields[] = {"model", "text", "text_pair", "format", "stream", "token", "position", "offset_unit", "sequence_id",
                                          "layer", "by", "heads", "top_k", "mask", "attention"};
  SimilarRequest asked;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kFields);
    asked.model = indexed_model(root, context);
    read_common(root, request, asked);
    check_size(asked.text, {});
    asked.token = read_token(root, asked.text);
    asked.similar.layer = count_field(root, "layer", {.most = 9999});
    if (const auto by = root.find("by")) asked.similar.by = similar_by_from_name(by->as_string());
    if (auto heads = numbers_field(root, "heads")) asked.similar.heads = std::move(*heads);
    asked.similar.top_k = count_field(root, "top_k", {.least = 1, .most = kMostSimilar}).value_or(asked.similar.top_k);
    if (const auto mask = root.find("mask")) asked.similar.mask = as_token(*mask);
    asked.similar.attention = bool_field(root, "attention").value_or(true);
    asked.similar.mask_each = asked.html;
  });
  return asked;
}

}  // namespace filbert::serve
