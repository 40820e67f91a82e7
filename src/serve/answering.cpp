#include "serve/answering.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "postprocess/answers.h"

namespace filbert::serve {
namespace {

// Takes the same time wherever two keys of one length differ.
bool equal_keys(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  unsigned char difference = 0;
  for (std::size_t at = 0; at < left.size(); ++at) difference |= static_cast<unsigned char>(left[at] ^ right[at]);
  return difference == 0;
}

// Options as the server's own limit has them.
void limit_lengths(ClassifyPlan& plan, const ServeLimits& limits) {
  if (!limits.max_length) return;
  const std::size_t most = std::min(*limits.max_length, plan.model->max_length());
  for (std::optional<std::size_t>* length : {&plan.options.max_length, &plan.entities.max_length}) *length = std::min(length->value_or(most), most);
}

// Stage 1 as the plan's model has it.
BatchEncoding rows_of(std::span<const TextInput> texts, const ClassifyPlan& plan) {
  if (plan.model->task() == Task::sequence_classification) return plan.model->classifier().tokenize(texts, plan.options);
  std::vector<std::string_view> views;
  for (const TextInput& text : texts) views.push_back(text.text);
  return plan.model->finder().tokenize(views, plan.entities);
}

// Of those texts that have no problem yet.
BatchEncoding encode_good(const std::vector<TextInput>& texts, const ClassifyPlan& plan, const std::vector<std::optional<Problem>>& problems) {
  std::vector<TextInput> good;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    if (!problems[text]) good.push_back(texts[text]);
  }
  return good.empty() ? BatchEncoding() : rows_of(good, plan);
}

// All texts at once; if one of them is not to be had, each by itself, so that it fails alone.
BatchEncoding encode(const std::vector<TextInput>& texts, const ClassifyPlan& plan, std::vector<std::optional<Problem>>& problems) {
  try {
    return rows_of(texts, plan);
  } catch (const Error&) {
    rows_of({}, plan);  // throws: a bad option is no text's fault
    for (std::size_t text = 0; text < texts.size(); ++text) {
      try {
        rows_of(std::span(&texts[text], 1), plan);
      } catch (const std::exception& error) {
        problems[text] = to_problem(error);
      }
    }
    return encode_good(texts, plan, problems);
  }
}

// The rows of `inputs` whose samples stay.
BatchEncoding rows_that_stay(const BatchEncoding& inputs, const std::vector<bool>& stays) {
  BatchEncoding kept;
  const std::vector<std::size_t>& samples = inputs.overflow_to_sample_mapping;
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    if (!stays[row]) continue;
    copy_row(inputs, row, kept);
    kept.rows.back() = inputs.rows[row];
    if (!samples.empty()) kept.overflow_to_sample_mapping.push_back(samples[row]);
  }
  return kept;
}

// Rows of the client's own making, before they share a batch with others: what the model would refuse.
BatchEncoding good_rows(const BatchEncoding& rows, const Config& config, std::vector<std::optional<Problem>>& problems) {
  std::vector<bool> stays(rows.batch_size());
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    const auto ids = std::span(rows.input_ids).subspan(rows.row_starts[row], rows.row_length(row));
    const auto types = std::span(rows.token_type_ids).subspan(rows.row_starts[row], rows.row_length(row));
    const auto outside = [](std::size_t size) { return [=](std::int32_t id) { return id < 0 || static_cast<std::size_t>(id) >= size; }; };
    const auto bad = std::find_if(ids.begin(), ids.end(), outside(config.vocab_size));
    const auto bad_type = std::find_if(types.begin(), types.end(), outside(std::max<std::size_t>(config.type_vocab_size, 1)));
    if (config.max_tokens && ids.size() > *config.max_tokens) {
      problems[row] = Problem(ProblemKind::invalid, fmt::format("input_ids: expected at most {} tokens, found {}", *config.max_tokens, ids.size()));
    } else if (bad != ids.end()) {
      problems[row] = Problem(ProblemKind::invalid, fmt::format("input_ids: expected ids below {}, found {}", config.vocab_size, *bad));
    } else if (bad_type != types.end()) {
      problems[row] = Problem(ProblemKind::invalid, fmt::format("token_type_ids: expected ids below {}, found {}", config.type_vocab_size, *bad_type));
    }
    stays[row] = !problems[row];
  }
  return rows_that_stay(rows, stays);
}

// A text that was cut where that is refused is a problem; of windows none is. The others are made rows of again.
void refuse_truncated(const std::vector<TextInput>& texts, const ClassifyPlan& plan, std::vector<std::optional<Problem>>& problems, BatchEncoding& inputs) {
  bool is_cut = false;
  for (std::size_t text = 0, row = 0; text < texts.size(); ++text) {
    if (problems[text]) continue;
    if (inputs.rows[row].truncated) {
      is_cut = true;
      problems[text] = Problem(ProblemKind::invalid, fmt::format("inputs: expected at most {} tokens, found {}", inputs.row_length(row),
                                                                 inputs.rows[row].tokens_total));
    }
    ++row;
  }
  if (is_cut) inputs = encode_good(texts, plan, problems);
}

bool is_finite(std::span<const float> logits) {
  return std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); });
}

Problem not_finite() { return {ProblemKind::failed, "the model gives a score for this text that is not a number"}; }

// Stage 3 of a model that labels texts.
void conclude_texts(const Classifying& classifying, ClassifyResult& result) {
  const BatchJob& job = *classifying.job;
  const ClassifyPlan& plan = classifying.plan;
  const Config& config = plan.model->config();
  const Decision* const decision = plan.model->classifier().decision();
  const Tensor scores = scores_of(job.logits, plan.options, config, decision);
  auto all = answers(job.inputs, job.logits, scores, plan.options, config, decision);
  for (std::size_t sample = 0; sample < all.size(); ++sample) {
    Outcome& outcome = result.outcomes[classifying.text_of_sample[sample]];
    outcome.classification = std::move(all[sample]);
    if (!outcome.problem && !is_finite(outcome.classification.logits)) outcome.problem = not_finite();
  }
}

// Stage 3 of a model that labels tokens. Of rows of the client's own making there are the logits alone: nothing says what text they stand for.
void conclude_tokens(const Classifying& classifying, ClassifyResult& result) {
  const BatchJob& job = *classifying.job;
  const ClassifyPlan& plan = classifying.plan;
  const std::vector<std::size_t>& samples = job.inputs.overflow_to_sample_mapping;
  for (std::size_t row = 0; row < job.inputs.batch_size(); ++row) {
    Outcome& outcome = result.outcomes[classifying.text_of_sample[samples.empty() ? row : samples[row]]];
    for (std::size_t token = job.inputs.row_starts[row]; token < job.inputs.row_starts[row + 1]; ++token) {
      if (!outcome.problem && !is_finite(job.logits[token])) outcome.problem = not_finite();
      if (plan.wants_token_logits) outcome.token_logits.insert(outcome.token_logits.end(), job.logits[token].begin(), job.logits[token].end());
    }
  }
  if (plan.texts.empty()) return;
  std::vector<std::string_view> texts;
  for (const std::size_t text : classifying.text_of_sample) texts.push_back(plan.texts[text].text);
  auto all = plan.model->finder().answers(job.inputs, job.logits, texts, plan.entities);
  for (std::size_t sample = 0; sample < all.size(); ++sample) result.outcomes[classifying.text_of_sample[sample]].entities = std::move(all[sample]);
}

std::size_t unknown_tokens(const ServedModel& model, const BatchEncoding& inputs, std::size_t row) {
  std::size_t count = 0;
  for (std::size_t at = inputs.row_starts[row]; at < inputs.row_starts[row + 1]; ++at) {
    const auto id = static_cast<std::size_t>(inputs.input_ids[at]);
    count += id < model.is_unknown.size() && model.is_unknown[id] != 0;
  }
  return count;
}

}  // namespace

void check_key(const HttpRequest& request, const std::vector<std::string>& api_keys) {
  if (api_keys.empty()) return;
  std::string_view key = request.header("authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (key.size() > kScheme.size() && (key.starts_with(kScheme) || key.starts_with("bearer "))) {
    key.remove_prefix(kScheme.size());
  } else {
    key = request.header("x-api-key");
  }
  bool known = false;
  for (const std::string& each : api_keys) known |= equal_keys(each, key);
  if (!known) {
    throw Problem(ProblemKind::unauthorized, key.empty() ? "expected the header \"Authorization: Bearer KEY\", found none" : "this key is not known here");
  }
}

HttpFields cors_fields(const HttpRequest& request, const std::vector<std::string>& origins) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || origins.empty()) return {};
  const bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
  if (!any && std::find(origins.begin(), origins.end(), origin) == origins.end()) return {{"vary", "origin"}};
  return {{"access-control-allow-origin", any ? "*" : std::string(origin)},
          {"access-control-expose-headers", "x-request-id, retry-after"},
          {"vary", "origin"}};
}

bool is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("origin").empty() && !request.header("access-control-request-method").empty();
}

HttpResponse preflight(const HttpRequest& request, const std::vector<std::string>& origins) {
  HttpFields fields = cors_fields(request, origins);
  if (fields.size() > 1) {
    fields.emplace_back("access-control-allow-methods", "GET, POST, OPTIONS");
    fields.emplace_back("access-control-allow-headers", "authorization, content-type, priority, traceparent, x-api-key, x-request-id, x-request-timeout-ms");
    fields.emplace_back("access-control-max-age", "600");
  }
  return {.status = 204, .content_type = "", .headers = std::move(fields)};
}

std::chrono::milliseconds time_of(const HttpRequest& request, std::optional<std::chrono::milliseconds> of_plan, std::chrono::milliseconds most) {
  const std::string_view wanted = request.header("x-request-timeout-ms");
  if (wanted.empty()) return std::min(of_plan.value_or(most), most);
  long long number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error != std::errc{} || end != wanted.data() + wanted.size() || number <= 0) {
    throw Problem(ProblemKind::invalid, fmt::format("X-Request-Timeout-Ms: expected a whole number above 0, found \"{}\"", wanted));
  }
  return std::min(std::chrono::milliseconds(number), most);
}

int urgency_of(std::string_view priority) {
  for (std::size_t at = 0; at + 2 < priority.size(); ++at) {
    const bool begins = at == 0 || priority[at - 1] == ' ' || priority[at - 1] == ',';
    const bool ends = at + 3 == priority.size() || priority[at + 3] == ',' || priority[at + 3] == ';' || priority[at + 3] == ' ';
    if (begins && ends && priority.substr(at, 2) == "u=" && priority[at + 2] >= '0' && priority[at + 2] <= '7') return priority[at + 2] - '0';
  }
  return 3;
}

Classifying tokenize(ClassifyPlan plan, const ServeLimits& limits) {
  const Clock::time_point begin = Clock::now();
  Classifying classifying;
  const bool of_rows = plan.rows.batch_size() != 0;
  const std::size_t count = of_rows ? plan.rows.batch_size() : plan.texts.size();
  if (count == 0) throw Problem(ProblemKind::empty, "expected a text, found none");
  if (count > limits.max_client_batch_size) {
    throw Problem(ProblemKind::too_large, fmt::format("expected at most {} texts, found {}", limits.max_client_batch_size, count));
  }
  limit_lengths(plan, limits);
  classifying.problems.resize(count);
  BatchEncoding inputs;
  if (of_rows) {
    inputs = good_rows(plan.rows, plan.model->config(), classifying.problems);
  } else {
    std::vector<TextInput> texts;
    for (const ServedText& each : plan.texts) texts.push_back({each.text, each.text_pair});
    inputs = encode(texts, plan, classifying.problems);
    if (plan.refuse_truncation && inputs.overflow_to_sample_mapping.empty()) refuse_truncated(texts, plan, classifying.problems, inputs);
  }
  for (std::size_t text = 0; text < count; ++text) {
    if (!classifying.problems[text]) classifying.text_of_sample.push_back(text);
  }
  if (inputs.batch_size() != 0) {
    classifying.job = std::make_shared<BatchJob>();
    classifying.job->model = plan.model;
    classifying.job->inputs = std::move(inputs);
  }
  classifying.plan = std::move(plan);
  classifying.tokenize_ms = milliseconds(Clock::now() - begin);
  return classifying;
}

ClassifyResult conclude(const Classifying& classifying, Metrics& metrics) {
  ClassifyResult result;
  result.timings.tokenize_ms = classifying.tokenize_ms;
  result.outcomes.resize(classifying.problems.size());
  for (std::size_t text = 0; text < result.outcomes.size(); ++text) result.outcomes[text].problem = classifying.problems[text];
  const ServedModel& model = *classifying.plan.model;
  const bool of_tokens = model.task() == Task::token_classification;
  std::vector<std::size_t> tokens(result.outcomes.size()), unknown(result.outcomes.size());
  if (const BatchJob* job = classifying.job.get()) {
    result.timings.queue_ms = job->queue_ms;
    result.timings.infer_ms = job->infer_ms;
    result.total_tokens = job->computed_tokens;
    const std::vector<std::size_t>& samples = job->inputs.overflow_to_sample_mapping;
    for (std::size_t row = 0; row < job->inputs.batch_size(); ++row) {
      const std::size_t text = classifying.text_of_sample[samples.empty() ? row : samples[row]];
      if (job->problems[row]) result.outcomes[text].problem = job->problems[row];
      tokens[text] += job->inputs.row_length(row);
      unknown[text] += unknown_tokens(model, job->inputs, row);
    }
    of_tokens ? conclude_tokens(classifying, result) : conclude_texts(classifying, result);
  }
  for (std::size_t text = 0; text < result.outcomes.size(); ++text) {
    Outcome& outcome = result.outcomes[text];
    outcome.of_tokens = of_tokens;
    metrics.outcome(model.name, outcome, unknown[text], tokens[text]);
    const bool has_entities = of_tokens && classifying.plan.entities.aggregation_strategy != AggregationStrategy::none;
    if (has_entities && !outcome.problem) metrics.entities(model.name, outcome.entities.entities);
  }
  return result;
}

}  // namespace filbert::serve
