// /explain, /attention and /similar: what `filbert explain`, `attention` and `similar` make of a text, or of an entity in it, in the slow lane. Whoever listens to
// events hears how far an explanation is, and each part of it when it is there. Tested by explain_api_test.cpp and explain_entity_api_test.cpp.
#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "explain/contexts_json.h"
#include "explain/contexts_page.h"
#include "explain/explain_json.h"
#include "explain/report_html.h"
#include "serve/classify_json.h"
#include "serve/explain_request.h"
#include "serve/own_api.h"

namespace filbert::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenEvents = std::chrono::milliseconds(100);
constexpr std::size_t kMostNumbers = 4'000'000;        // of an attention map in JSON: about 40 MB
constexpr std::size_t kMostNumbersOfAPage = 16'000'000;  // of a byte each

void check_offered(const ServeContext& context) {
  if (context.explain) return;
  throw Problem(ProblemKind::forbidden, "this server does not explain, since others than its own machine can ask it; --explain lets it");
}

std::string one_line(JsonWriter& json) {
  std::string line = json.take_line();
  line.pop_back();
  return line;
}

ExplainReport& report_of(ExplainReport& report) { return report; }
ExplainReport& report_of(EntityExplanation& explanation) { return explanation.report; }

// Tells of progress, at most ten times a second beside the beginnings and ends of parts; and of each part that is there.
class Teller {
 public:
  Teller(SlowWork& work, const ExplainRequest& asked) : work_(work), asked_(asked) {}

  // Of a text or an entity; `so_far` may be none.
  template <class Explanation>
  void operator()(const ReportProgress& progress, const Explanation* so_far) {
    const Clock::time_point now = Clock::now();
    const bool changes = so_far != nullptr || progress.part != part_;
    if (!changes && now - last_ < kBetweenEvents) return;
    last_ = now;
    part_ = progress.part;
    JsonWriter json;
    json.begin_object();
    json.field("part", progress.part);
    json.field("done", progress.done);
    json.field("total", progress.total);
    json.field("texts", progress.texts);
    json.end_object();
    work_.send("progress", one_line(json));
    if (so_far == nullptr) return;
    Explanation told = *so_far;
    report_of(told).model = asked_.model->model_id;
    write_json(told, json);
    work_.send("partial", one_line(json));
  }

 private:
  SlowWork& work_;
  const ExplainRequest& asked_;
  Clock::time_point last_ = {};
  std::string part_;
};

std::string page_of(const ExplainReport& report, const ExplainedContexts* contexts) { return contexts ? html_report(report, *contexts) : html_report(report); }
std::string page_of(const EntityExplanation& explanation, const ExplainedContexts*) { return html_report(explanation); }

void write(const ExplainReport& report, const ExplainedContexts* contexts, JsonWriter& json) { write_json(report, json, contexts); }
void write(const EntityExplanation& explanation, const ExplainedContexts*, JsonWriter& json) { write_json(explanation, json); }

// With what only the server knows of it.
template <class Explanation>
HttpResponse response_of(const ExplainRequest& asked, Explanation explanation, const ExplainedContexts* contexts = nullptr) {
  ExplainReport& report = report_of(explanation);
  report.model = asked.model->model_id;
  report.command = "POST /explain " + asked.body;
  std::tie(report.model_sha256, report.tokenizer_sha256) = asked.model->fingerprint->hashes();
  if (asked.html) return {.content_type = "text/html; charset=utf-8", .body = page_of(explanation, contexts)};
  JsonWriter json;
  write(explanation, contexts, json);
  return json_response(json);
}

// The entity that is asked for, of those that the model finds or by its place.
Entity entity_of(const ExplainRequest& asked) {
  if (asked.entity) return *asked.entity;
  return wanted_entities(asked.model->finder(), asked.text.text, asked.choice, asked.report.explain, "").front();
}

EntityExplanation explained_entity(const ExplainRequest& asked, const EntityExplainOptions& options) {
  const Entity entity = entity_of(asked);
  EntityExplanation explanation = explain_entity(asked.model->finder(), asked.text.text, entity, options);
  if (!asked.entity) return explanation;
  // What the request does not say of it: how sure the model is of its type (of a mere label that stays unknown), and what stands there.
  const ExplainReport& report = explanation.report;
  if (!asked.entity_has_score) {
    const auto& scores = report.text.classification.scores;
    const auto type = std::ranges::find(scores, entity.entity, &LabelScore::label);
    explanation.entity.score = type != scores.end() ? type->score : std::numeric_limits<float>::quiet_NaN();
  }
  if (!asked.entity_has_word) explanation.entity.word = part_of(report.text.text, entity.offset, report.options.offset_unit);
  return explanation;
}

// Whether to stop; a tenth of the time is for what cannot be stopped, and for the answer.
std::function<bool()> cancelled_in_time(SlowWork& work) {
  return [&work, end = Clock::now() + work.time_left * 9 / 10] { return work.cancelled() || Clock::now() >= end; };
}

// `run` gives the answer, in the slow lane.
template <typename Request>
Plan slow_plan(Request asked, HttpResponse (*run)(const Request&, SlowWork&)) {
  SlowPlan plan;
  plan.model = asked.model;
  plan.events = asked.events;
  plan.run = [asked = std::move(asked), run](SlowWork& work) { return run(asked, work); };
  return plan;
}

HttpResponse explained(const ExplainRequest& asked, SlowWork& work) {
  ReportOptions options = asked.report;
  options.explain.cancelled = cancelled_in_time(work);
  Teller teller(work, asked);
  if (asked.model->task() == Task::token_classification) {
    EntityExplainOptions of_entity{.explain = options.explain, .methods = options.methods, .gradients = options.gradients, .stride = asked.choice.stride};
    if (asked.events) of_entity.progress = [&teller](const ReportProgress& progress, const EntityExplanation* so_far) { teller(progress, so_far); };
    return response_of(asked, explained_entity(asked, of_entity));
  }
  if (asked.events) options.progress = [&teller](const ReportProgress& progress) { teller(progress, progress.so_far); };
  const TextClassificationPipeline& classifier = asked.model->classifier();
  ExplainReport report = explain(classifier, {asked.text.text, asked.text.text_pair}, options);
  if (!asked.contexts) return response_of(asked, std::move(report));
  const ExplainedContexts contexts =
      explained_contexts(classifier, *asked.model->index, report, {.top_k = kHitsOfAWord, .cancelled = options.explain.cancelled});
  return response_of(asked, std::move(report), &contexts);
}

Plan explain_text(const HttpRequest& request, std::string_view, const ServeContext& context) {
  check_offered(context);
  return slow_plan(read_explain(request, context), explained);
}

// Numbers that the map of a text of so many tokens has.
std::size_t numbers_of(const AttentionRequest& asked, std::size_t tokens) {
  const Config& config = asked.model->classifier().config();
  const std::size_t layers = std::min(asked.attention.layers ? asked.attention.layers->size() : config.num_hidden_layers, config.num_hidden_layers);
  const std::size_t heads = std::min(asked.attention.heads ? asked.attention.heads->size() : config.num_attention_heads, config.num_attention_heads);
  const std::size_t vectors = 2 * (std::size_t{asked.neurons.value_or(false)} + std::size_t{asked.attention.values_contexts}) * layers +
                              std::size_t{asked.attention.hidden_states} * (layers + 1);
  return layers * heads * tokens * tokens + vectors * tokens * config.hidden_size;
}

HttpResponse attended(const AttentionRequest& asked, SlowWork&) {
  const TextClassificationPipeline& classifier = asked.model->classifier();
  const TextInput text{asked.text.text, asked.text.text_pair};
  const std::size_t tokens = classifier.tokenize(std::span(&text, 1), {.max_length = asked.attention.max_length}).total_tokens();
  const std::size_t numbers = numbers_of(asked, tokens), most = asked.html ? kMostNumbersOfAPage : kMostNumbers;
  if (numbers > most) {
    throw Problem(ProblemKind::too_large, fmt::format("text: expected attention of at most {} numbers, found {} of {} tokens; layers, heads and max_length "
                                                      "make it smaller", most, numbers, tokens));
  }
  AttentionOptions options = asked.attention;
  options.queries_keys = asked.neurons.value_or(asked.html && (tokens <= kMostNeuronTokens || asked.page.view == "neuron"));
  AttentionMap map = attention_map(classifier, text, options);
  map.model = asked.model->model_id;
  map.command = "POST /attention " + asked.body;
  if (asked.html) return {.content_type = "text/html; charset=utf-8", .body = attention_html(map, asked.page)};
  return {.body = attention_json(map)};
}

Plan attend(const HttpRequest& request, std::string_view, const ServeContext& context) {
  check_offered(context);
  return slow_plan(read_attention(request, context), attended);
}

HttpResponse found_similar(const SimilarRequest& asked, SlowWork& work) {
  SimilarOptions options = asked.similar;
  options.cancelled = cancelled_in_time(work);
  SimilarReport report = similar(asked.model->classifier(), *asked.model->index, {asked.text.text, asked.text.text_pair}, asked.token, options);
  report.model = asked.model->model_id;
  report.command = "POST /similar " + asked.body;
  if (asked.html) return {.content_type = "text/html; charset=utf-8", .body = html_report(report)};
  JsonWriter json;
  write_json(report, json);
  return json_response(json);
}

Plan find_similar(const HttpRequest& request, std::string_view, const ServeContext& context) {
  check_offered(context);
  return slow_plan(read_similar(request, context), found_similar);
}

constexpr Route kRoutes[] = {
    {"POST", "/explain", true, own_problem, explain_text},
    {"POST", "/attention", true, own_problem, attend},
    {"POST", "/similar", true, own_problem, find_similar},
};

}  // namespace

std::span<const Route> explain_routes() { return kRoutes; }

}  // namespace filbert::serve
