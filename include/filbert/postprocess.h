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

// What makes one row of scores of those of a text's windows. A window weighs as many tokens of the text as it holds, so that a
// rest of a few tokens at the end does not count as much as a full one.
enum class Combine {
  mean,        // each label's score is the weighted mean of its scores
  max,         // each label's score is the highest of its scores; those of a softmax then sum to more than 1
  first,       // the scores of the first window, the one that truncation keeps
  logit_mean,  // the function (softmax, sigmoid or none) of the weighted mean of the logits
  vote,        // each label's score is the share of the weight that lies in windows where it has the highest score
};
// "mean", "max", "first", "logit-mean", "vote". Throws Error(invalid_argument) for any other word.
Combine combine_from_name(std::string_view name);
std::string_view name(Combine combine);
// `logits` and `scores`, which `function` made of them, are [windows, num_labels], `weights` [windows] and positive.
std::vector<float> combine(Combine how, FunctionToApply function, const Tensor& logits, const Tensor& scores,
                           std::span<const std::size_t> weights);

struct LabelScore {
  std::string label;
  float score = 0;
};

// Every label with its score, in id order; `scores` is [num_labels].
std::vector<LabelScore> label_scores(std::span<const float> scores, const std::map<int, std::string>& id2label);
// The k highest, descending; of equal scores the lower id first. Throws Error(invalid_argument) if k is 0.
std::vector<LabelScore> top_k(std::span<const float> scores, const std::map<int, std::string>& id2label, std::size_t k);
// The labels whose score is at least `threshold`, in id order: what a model for several labels a text predicts.
std::vector<std::string> labels_from(float threshold, std::span<const float> scores, const std::map<int, std::string>& id2label);

}  // namespace filbert
