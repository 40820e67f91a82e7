#include "postprocess/decision.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {

Decision plain_decision(const Config& config, std::string weights_sha256) {
  Decision decision;
  decision.function = default_function_to_apply(config);
  if (decision.function == FunctionToApply::none) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: expected a model that gives labels scores, found problem_type regression, which has none",
                                                    config.path.string()));
  }
  decision.weights_sha256 = std::move(weights_sha256);
  decision.id2label = config.id2label;
  for (const auto& [id, label] : config.id2label) {
    if (std::find(decision.model_labels.begin(), decision.model_labels.end(), label) != decision.model_labels.end()) {
      throw Error(ErrorKind::unsupported, fmt::format("{}: id2label: expected a name for each label, found \"{}\" twice", config.path.string(), label));
    }
    decision.model_labels.push_back(label);
    decision.merged.push_back({static_cast<std::size_t>(id)});
  }
  return decision;
}

const Decision* decision_in_use(const ClassifyOptions& options, const Decision* own) {
  if (!options.use_decision) return nullptr;
  const Decision* decision = options.decision ? options.decision.get() : own;
  if (decision && options.function_to_apply && *options.function_to_apply != decision->function) return nullptr;
  return decision;
}

Tensor calibrated(const Decision& decision, const Tensor& logits) {
  if (!decision.is_calibrated()) return logits;
  Tensor moved = logits;
  for (std::size_t row = 0; row < moved.rows(); ++row) {
    const std::span<float> values = moved[row];
    for (std::size_t label = 0; label < values.size(); ++label) {
      values[label] = static_cast<float>(decision.weights[label] * double{values[label]} + decision.biases[label]);
    }
  }
  return moved;
}

Tensor merged(const Decision& decision, const Tensor& scores) {
  Tensor sums({scores.rows(), decision.merged.size()});
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    for (std::size_t label = 0; label < decision.merged.size(); ++label) {
      const std::vector<std::size_t>& ids = decision.merged[label];
      double sum = 0;
      for (const std::size_t id : ids) sum += double{scores[row][id]};
      sums[row][label] = static_cast<float>(ids.size() > 1 ? std::min(sum, 1.0) : sum);  // each is rounded, and all of them may be a bit more than 1
    }
  }
  return sums;
}

std::optional<float> expected_value(const Decision& decision, std::span<const float> scores) {
  if (decision.expected_values.empty()) return std::nullopt;
  double value = 0, total = 0;
  for (std::size_t id = 0; id < scores.size(); ++id) {
    value += double{scores[id]} * decision.expected_values[id];
    total += double{scores[id]};
  }
  return static_cast<float>(value / total);
}

bool is_rejected(const Decision& decision, std::size_t label, float score) {
  const bool too_low = decision.reject_below && !(score >= *decision.reject_below);
  return too_low || (!decision.thresholds.empty() && !(score >= decision.thresholds[label]));
}

std::vector<std::string> labels_by(const Decision& decision, std::span<const float> scores) {
  std::vector<std::string> labels;
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] >= decision.thresholds[id]) labels.push_back(decision.id2label.at(static_cast<int>(id)));
  }
  return labels;
}

}  // namespace filbert
