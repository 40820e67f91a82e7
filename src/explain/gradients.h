// The methods that look at the model from inside, over backpropagate() and attention: values for the tokens of a text. What units make of
// them stands in explain.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <filbert/gradients.h>
#include <filbert/tokenizer.h>

#include "explain/game.h"
#include "infer/model.h"

namespace filbert {

struct GradientProblem {
  const Model& model;                    // in f32
  const BatchEncoding& row;              // one
  std::vector<std::size_t> tokens = {};  // of a token classifier: the score is the mean over these; ascending
  std::optional<std::int32_t> pad_id, mask_id;
  // The score of logits [num_labels]; where `gradient` is not empty, it is filled with its derivatives.
  std::function<double(std::span<const float> logits, std::span<float> gradient)> target;
  const Budget& budget;
};

// values and label of units stay empty. Throws Error(unsupported): a family without a way back, a baseline whose token the tokenizer has
// not; invalid_argument: a number out of range.
GradientExplanation gradients_of(const GradientProblem& problem, GradientMethod method, const GradientOptions& options);

// config.json's pad_token_id, if the vocabulary has it.
std::optional<std::int32_t> pad_id_of(const Config& config);

// `model` if it computes in f32, else the same checkpoint in f32, which is kept in `exact`. Throws Error(unsupported) for one stored in int8.
const Model& exact_model(const Model& model, Task task, std::unique_ptr<const Model>& exact);

// The target of a score and its derivatives by the logits: probabilities by `function`, logits as they are, or of a contrast the difference.
struct ScoreOfLogits {
  enum class Kind { logit, softmax, sigmoid } kind;
  std::size_t label;
  std::optional<std::size_t> against;    // of a contrast
  double operator()(std::span<const float> logits, std::span<float> gradient) const;
};

// The same of labels that are added up: their probability by a softmax, or the logarithm of the sum of their exponentials.
struct ScoreOfLabels {
  bool is_logit = false;
  std::vector<std::size_t> labels;
  double operator()(std::span<const float> logits, std::span<float> gradient) const;
};

}  // namespace filbert
