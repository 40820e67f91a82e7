// An Explainer's methods from inside the model: its text as a row of tokens, its target as a function of logits, and units' values as the sums
// of those of their tokens.
#include <filbert/error.h>

#include <fmt/format.h>

#include "explain/explainer.h"
#include "explain/gradients.h"

namespace filbert {
namespace {

ScoreOfLogits::Kind kind_of(ExplainTarget target, FunctionToApply function) {
  if (target != ExplainTarget::probability || function == FunctionToApply::none) return ScoreOfLogits::Kind::logit;
  return function == FunctionToApply::sigmoid ? ScoreOfLogits::Kind::sigmoid : ScoreOfLogits::Kind::softmax;
}

}  // namespace

std::vector<std::size_t> Explainer::Impl::units_of(std::size_t token) const {
  const Offset& of_token = encoding.offset_mapping[token];
  std::vector<std::size_t> units;
  for (std::size_t unit = 0; unit < places_.size(); ++unit) {
    const auto& [sequence_id, span] = places_[unit];
    if (sequence_id == encoding.sequence_ids[token] && of_token.begin < span.end && of_token.end > span.begin) units.push_back(unit);
  }
  return units;
}

const Model& Explainer::Impl::exact_model() {
  return filbert::exact_model(classifier.model().internals(), Task::sequence_classification, exact_model_);
}

GradientExplanation Explainer::Impl::gradients(GradientMethod method, const GradientOptions& wanted) {
  if (options.compat != ExplainCompat::none) {
    throw Error(ErrorKind::unsupported, fmt::format("method: expected no compat beside {}, found {}", name(method), name(options.compat)));
  }
  const std::size_t label = label_id(wanted.label);
  ScoreOfLogits target{.kind = kind_of(options.target, function), .label = label, .against = {}};
  if (options.target == ExplainTarget::contrast) target.against = label_id(text.against);
  const Tokenizer& tokenizer = classifier.tokenizer();
  const std::optional<std::string> mask_word = tokenizer.mask_token();
  GradientExplanation result = gradients_of({.model = exact_model(),
                                             .row = encoding,
                                             .pad_id = pad_id_of(classifier.config()),
                                             .mask_id = mask_word ? tokenizer.token_to_id(*mask_word) : std::nullopt,
                                             .target = target,
                                             .budget = budget},
                                            method, wanted);
  result.values.assign(text.units.size(), 0);
  for (std::size_t token = 0; token < result.token_values.size(); ++token) {
    result.tokens.emplace_back(tokenizer.id_to_token(encoding.input_ids[token]));
    const std::vector<std::size_t> units = units_of(token);
    for (const std::size_t unit : units) result.values[unit] += result.token_values[token] / static_cast<double>(units.size());
    if (units.empty()) result.special += result.token_values[token];
  }
  return result;
}

}  // namespace filbert
