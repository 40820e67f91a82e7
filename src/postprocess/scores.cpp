// Stage 3: from logits to the scores that transformers' pipeline would give.
#include <filbert/postprocess.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"softmax", "sigmoid", "none"};

}  // namespace

Tensor softmax(const Tensor& logits) {
  Tensor probabilities = logits;
  const std::size_t columns = logits.shape.empty() ? 0 : logits.shape.back();
  for (std::size_t first = 0; columns != 0 && first < probabilities.data.size(); first += columns) {
    const std::span<float> row(probabilities.data.data() + first, columns);
    const double maximum = *std::ranges::max_element(row);
    double sum = 0;
    for (const float logit : row) sum += std::exp(logit - maximum);
    for (float& value : row) value = static_cast<float>(std::exp(value - maximum) / sum);
  }
  return probabilities;
}

Tensor sigmoid(const Tensor& logits) {
  Tensor probabilities = logits;
  for (float& value : probabilities.data) value = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(value))));
  return probabilities;
}

FunctionToApply function_to_apply_from_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("function_to_apply: expected softmax, sigmoid or none, found \"{}\"", name));
  }
  return static_cast<FunctionToApply>(found - kNames.begin());
}

std::string_view name(FunctionToApply function) { return kNames[static_cast<std::size_t>(function)]; }

FunctionToApply default_function_to_apply(const Config& config) {
  if (config.problem_type == "regression") return FunctionToApply::none;
  if (config.problem_type == "multi_label_classification") return FunctionToApply::sigmoid;
  if (config.problem_type == "single_label_classification") return FunctionToApply::softmax;
  return config.num_labels() == 1 ? FunctionToApply::sigmoid : FunctionToApply::softmax;
}

Tensor apply(FunctionToApply function, const Tensor& logits) {
  switch (function) {
    case FunctionToApply::softmax: return softmax(logits);
    case FunctionToApply::sigmoid: return sigmoid(logits);
    case FunctionToApply::none: break;
  }
  return logits;
}

std::vector<LabelScore> label_scores(std::span<const float> scores, const std::map<int, std::string>& id2label) {
  std::vector<LabelScore> labelled;
  labelled.reserve(scores.size());
  for (std::size_t id = 0; id < scores.size(); ++id) labelled.push_back({id2label.at(static_cast<int>(id)), scores[id]});
  return labelled;
}

std::vector<LabelScore> top_k(std::span<const float> scores, const std::map<int, std::string>& id2label, std::size_t k) {
  if (k == 0) throw Error(ErrorKind::invalid_argument, "top_k: expected a number of at least 1, found 0");
  std::vector<LabelScore> labelled = label_scores(scores, id2label);
  std::ranges::stable_sort(labelled, std::greater<>(), &LabelScore::score);
  if (labelled.size() > k) labelled.resize(k);
  return labelled;
}

std::vector<std::string> labels_from(float threshold, std::span<const float> scores, const std::map<int, std::string>& id2label) {
  std::vector<std::string> labels;
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] >= threshold) labels.push_back(id2label.at(static_cast<int>(id)));
  }
  return labels;
}

}  // namespace filbert
