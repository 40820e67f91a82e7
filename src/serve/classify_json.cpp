#include "serve/classify_json.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "postprocess/answers.h"

namespace filbert::serve {

void check_tokenizer(const ServedModel& model) {
  if (model.has_tokenizer()) return;
  throw Problem(ProblemKind::unsupported, fmt::format("the model \"{}\" has no tokenizer: expected rows of input_ids, found texts", model.name));
}

std::shared_ptr<const ServedModel> model_for_texts(const ServeContext& context, std::string_view name) {
  auto model = context.models.at(name);
  check_tokenizer(*model);
  return model;
}

std::shared_ptr<const ServedModel> classifier_at(const ServeContext& context, std::string_view name) {
  auto model = context.models.at(name, Task::sequence_classification);
  (void)model->classifier();
  return model;
}

void check_options(const ServedModel& model, const ClassifyOptions& options) {
  if (model.has_tokenizer()) {
    model.classifier().tokenize({}, options);
  } else {
    filbert::check_options(options, model.config());
  }
}

void check_row(const ServedModel& model, const ServeLimits& limits, std::span<const std::int32_t> input_ids, std::string_view where) {
  const Config& config = model.config();
  const std::size_t most = std::min(config.max_tokens.value_or(static_cast<std::size_t>(-1)), limits.max_length.value_or(static_cast<std::size_t>(-1)));
  if (input_ids.empty()) throw Problem(ProblemKind::empty, fmt::format("{}: expected at least one id, found none", where));
  if (input_ids.size() > most) {
    throw Problem(ProblemKind::invalid, fmt::format("{}: expected at most {} ids, found {}", where, most, input_ids.size()));
  }
  for (const std::int32_t id : input_ids) {
    if (static_cast<std::size_t>(id) >= config.vocab_size) {
      throw Problem(ProblemKind::invalid, fmt::format("{}: expected ids from 0 to {}, found {}", where, config.vocab_size - 1, id));
    }
  }
}

std::size_t most_window_tokens(std::size_t cut, std::size_t whole, std::size_t length, std::size_t stride) {
  constexpr std::size_t kSpecial = 4;
  const std::size_t taken = kSpecial + whole + stride;
  return (cut / (length > taken ? length - taken : 1) + 1) * length;
}

void check_window_tokens(std::size_t tokens) {
  constexpr std::size_t kMostTokens = 8'000'000;
  if (tokens <= kMostTokens) return;
  throw Problem(ProblemKind::too_large, fmt::format("input: expected windows of at most {} tokens in all, found texts that may have {}; a smaller stride, or "
                                                    "fewer or shorter texts in a request, make them fewer", kMostTokens, tokens));
}

const Classification& answer_of(const Outcome& outcome) {
  if (outcome.problem) throw *outcome.problem;
  const auto is_finite = [](const LabelScore& score) { return std::isfinite(score.score); };
  if (!std::all_of(outcome.classification.scores.begin(), outcome.classification.scores.end(), is_finite)) {
    throw Problem(ProblemKind::failed, "the model gives a score for this text that is not a number");
  }
  return outcome.classification;
}

std::vector<LabelScore> descending(std::vector<LabelScore> scores, std::optional<std::size_t> top_k) {
  std::stable_sort(scores.begin(), scores.end(), [](const LabelScore& left, const LabelScore& right) { return left.score > right.score; });
  if (top_k && *top_k < scores.size()) scores.resize(*top_k);
  return scores;
}

std::size_t count_characters(const std::vector<ServedText>& texts) {
  std::size_t count = 0;
  for (const ServedText& text : texts) count += count_code_points(text.text) + (text.text_pair ? count_code_points(*text.text_pair) : 0);
  return count;
}

HttpResponse json_response(JsonWriter& json, int status, HttpFields headers) {
  return {.status = status, .headers = std::move(headers), .body = json.take_line()};
}

}  // namespace filbert::serve
