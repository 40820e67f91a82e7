// Read first: the three stages, a line each.
#include <filbert/pipeline.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/load.h"

namespace filbert {
namespace {

// Throws Error(invalid_argument) unless each row of ids, which a caller may have filled by hand, has its facts.
void check_rows(const BatchEncoding& inputs) {
  if (inputs.rows.size() + 1 == inputs.row_starts.size()) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("rows: expected one less than the {} of row_starts, found {}; add_row() fills both",
                                                       inputs.row_starts.size(), inputs.rows.size()));
}

// What the caller sees of one row's scores.
Classification describe(const BatchEncoding& inputs, std::size_t row, std::span<const float> logits,
                        std::span<const float> scores, const Config& config, const ClassifyOptions& options) {
  const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
  return {.label = config.id2label.at(static_cast<int>(best)),
          .score = scores[best],
          .scores = options.top_k ? top_k(scores, config.id2label, *options.top_k) : label_scores(scores, config.id2label),
          .logits = {logits.begin(), logits.end()},
          .tokens_total = inputs.rows[row].tokens_total,
          .tokens_used = inputs.row_length(row),
          .truncated = inputs.rows[row].truncated,
          .invalid_utf8 = inputs.rows[row].invalid_utf8};
}

}  // namespace

std::vector<Classification> TextClassificationPipeline::operator()(std::span<const TextInput> texts,
                                                                   const ClassifyOptions& options) const {
  return (*this)(tokenize(texts, options), options);                                          // stage 1: input_ids
}

std::vector<Classification> TextClassificationPipeline::operator()(const BatchEncoding& inputs,
                                                                   const ClassifyOptions& options) const {
  check_rows(inputs);
  const Tensor logits = model_(inputs).logits;                                                // stage 2: logits
  const auto function = options.function_to_apply.value_or(default_function_to_apply(config()));
  const Tensor scores = apply(function, logits);                                              // stage 3: scores

  std::vector<Classification> answers;
  answers.reserve(inputs.batch_size());
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    answers.push_back(describe(inputs, row, logits[row], scores[row], config(), options));
  }
  return answers;
}

Classification TextClassificationPipeline::operator()(std::string_view text, const ClassifyOptions& options) const {
  const TextInput input{text, std::nullopt};
  return (*this)(std::span(&input, 1), options).front();
}

BatchEncoding TextClassificationPipeline::tokenize(std::span<const TextInput> texts, const ClassifyOptions& options) const {
  if (options.max_length && *options.max_length > max_length()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_length: expected at most {}, which this model takes, found {}",
                                                         max_length(), *options.max_length));
  }
  return tokenizer()(texts, {.truncation = options.truncation,
                             .max_length = options.max_length.value_or(max_length()),
                             .return_offsets_mapping = false,
                             .num_threads = model_.num_threads()});
}

std::size_t TextClassificationPipeline::max_length() const {
  const std::size_t of_model = config().default_max_length();
  return has_tokenizer() ? std::min(of_model, tokenizer_->model_max_length().value_or(of_model)) : of_model;
}

const Tokenizer& TextClassificationPipeline::tokenizer() const {
  if (!tokenizer_) {
    throw Error(ErrorKind::not_found, fmt::format("{}: expected tokenizer.json, vocab.txt or another vocabulary, which texts need, found "
                                                  "none", config().path.parent_path().string()));
  }
  return *tokenizer_;
}

TextClassificationPipeline::TextClassificationPipeline(std::optional<Tokenizer> tokenizer,
                                                       AutoModelForSequenceClassification model)
    : tokenizer_(std::move(tokenizer)), model_(std::move(model)) {}

TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                    const ModelOptions& options) {
  if (task != "text-classification" && task != "sentiment-analysis") {
    throw Error(ErrorKind::unsupported, fmt::format("task: expected \"text-classification\", found \"{}\"", task));
  }
  const std::filesystem::path directory = find_checkpoint(checkpoint, hub);                   // stage 0: load
  auto model = AutoModelForSequenceClassification::from_pretrained(directory, options);
  return {load_tokenizer(directory), std::move(model)};
}

TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const ModelOptions& options) {
  return pipeline(task, checkpoint, HubOptions{}, options);
}

std::filesystem::path default_model() {
  const char* wanted = std::getenv("FILBERT_MODEL");
  if (wanted != nullptr && *wanted != '\0') return wanted;
  for (const char* place : {FILBERT_INSTALLED_MODEL, FILBERT_SOURCE_MODEL}) {
    if (std::filesystem::exists(std::filesystem::path(place) / "config.json")) return place;
  }
  throw Error(ErrorKind::not_found, fmt::format("the built-in model: expected it at {} or {}, found neither; name another by "
                                                "FILBERT_MODEL", FILBERT_INSTALLED_MODEL, FILBERT_SOURCE_MODEL));
}

}  // namespace filbert
