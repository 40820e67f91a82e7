// Stage 3: logits in, labels with scores out. Behaviour: transformers' TextClassificationPipeline
// (pipelines/text_classification.py).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>
#include <filbert/tensor.h>

namespace filbert {

// Over the last axis, the maximum subtracted first; sums in double. Shape as given.
Tensor softmax(const Tensor& logits);
// Each element 1 / (1 + e^−x). Shape as given.
Tensor sigmoid(const Tensor& logits);

enum class FunctionToApply { softmax, sigmoid, none };
// "softmax" → FunctionToApply::softmax. Throws Error(invalid_argument) for any other word.
FunctionToApply function_to_apply_from_name(std::string_view name);
std::string_view name(FunctionToApply function);

// What turns this model's logits into scores when the caller does not say: by problem_type (regression → none,
// multi_label → sigmoid, single_label → softmax); else by the number of labels (1 → sigmoid, more → softmax). A
// function_to_apply in config.json has no say, as in transformers, which looks at it only where neither of these decides.
FunctionToApply default_function_to_apply(const Config& config);

Tensor apply(FunctionToApply function, const Tensor& logits);

struct LabelScore {
  std::string label;
  float score = 0;
};

// Every label with its score, in id order; `scores` is [num_labels].
std::vector<LabelScore> label_scores(std::span<const float> scores, const std::map<int, std::string>& id2label);
// The k highest, descending; of equal scores the lower id first. Throws Error(invalid_argument) if k is 0.
std::vector<LabelScore> top_k(std::span<const float> scores, const std::map<int, std::string>& id2label, std::size_t k);

}  // namespace filbert
