// Read first: the three stages, a line each.
#include <filbert/pipeline.h>

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "load/own_model.h"
#include "postprocess/answers.h"
#include "postprocess/decision.h"
#include "tokenize/load.h"

namespace filbert {

std::vector<Classification> TextClassificationPipeline::operator()(std::span<const TextInput> texts,
                                                                   const ClassifyOptions& options) const {
  return (*this)(tokenize(texts, options), options);                                          // stage 1: input_ids
}

std::vector<Classification> TextClassificationPipeline::operator()(const BatchEncoding& inputs,
                                                                   const ClassifyOptions& options) const {
  check_options(options, config());
  check_rows(inputs);
  const Tensor logits = model_(inputs).logits;                                                // stage 2: logits
  const Tensor scores = scores_of(logits, options, config(), decision());                     // stage 3: scores
  return answers(inputs, logits, scores, options, config(), decision());                      //          and their labels
}

Classification TextClassificationPipeline::operator()(std::string_view text, const ClassifyOptions& options) const {
  const TextInput input{text, std::nullopt};
  return (*this)(std::span(&input, 1), options).front();
}

BatchEncoding TextClassificationPipeline::tokenize(std::span<const TextInput> texts, const ClassifyOptions& options) const {
  check_options(options, config());
  if (options.max_length && config().max_tokens && *options.max_length > max_length()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_length: expected at most {}, which this model takes, found {}",
                                                         max_length(), *options.max_length));
  }
  const bool windows = options.long_text == LongText::windows;
  return tokenizer()(texts, {.truncation = options.truncation,
                             .max_length = options.max_length.value_or(max_length()),
                             .return_overflowing_tokens = windows,
                             .stride = options.stride,
                             .return_offsets_mapping = windows,
                             .offset_unit = options.offset_unit,
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
                                                       AutoModelForSequenceClassification model, std::shared_ptr<const Decision> decision)
    : tokenizer_(std::move(tokenizer)), model_(std::move(model)), decision_(std::move(decision)) {}

const std::map<int, std::string>& TextClassificationPipeline::id2label(const ClassifyOptions& options) const {
  const Decision* const in_use = decision_in_use(options, decision());
  return in_use ? in_use->id2label : config().id2label;
}

TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                    const ModelOptions& options, const DecisionChoice& decision) {
  if (task != "text-classification" && task != "sentiment-analysis") {
    throw Error(ErrorKind::unsupported, fmt::format("task: expected \"text-classification\", found \"{}\"; entities.h has that for tokens", task));
  }
  const std::filesystem::path directory = find_checkpoint(checkpoint, hub);                   // stage 0: load
  auto model = AutoModelForSequenceClassification::from_pretrained(directory, options);
  auto decided = load_decision(decision, directory, model.config());
  return {load_tokenizer(directory), std::move(model), std::move(decided)};
}

TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const ModelOptions& options,
                                    const DecisionChoice& decision) {
  return pipeline(task, checkpoint, HubOptions{}, options, decision);
}

std::filesystem::path default_model() {
  return own_model("FILBERT_MODEL", "the built-in model", {FILBERT_INSTALLED_MODEL, FILBERT_SOURCE_MODEL});
}

}  // namespace filbert
