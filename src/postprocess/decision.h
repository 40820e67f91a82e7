// Applies a decision: logits to calibrated scores, scores of the model's labels to those that answers show, and what is expected or rejected.
// Pure functions of numbers; the file is read by decision_file.cpp. Tested by decision_test.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <filbert/decision.h>
#include <filbert/pipeline.h>
#include <filbert/tensor.h>

namespace filbert {

// What of the model's decision holds for a call: `own`, or that of the options; null where they turn it off, or ask for a function that makes
// other scores than those it is about.
const Decision* decision_in_use(const ClassifyOptions& options, const Decision* own);

// weights · logits + biases, a row at a time; sums in double. Shape as given.
Tensor calibrated(const Decision& decision, const Tensor& logits);
// [rows, labels of the decision] of [rows, labels of the model].
Tensor merged(const Decision& decision, const Tensor& scores);
// The mean of the expected values by `scores`, which are of the model's labels; nothing where none is asked for.
std::optional<float> expected_value(const Decision& decision, std::span<const float> scores);
// Whether the best of merged `scores`, that of `label`, does not suffice. A score that is no number does not.
bool is_rejected(const Decision& decision, std::size_t label, float score);
// The labels of a sigmoid that reach their thresholds, in id order.
std::vector<std::string> labels_by(const Decision& decision, std::span<const float> scores);

// filbert_decision.json as `choice` says: null where there is none or it is not wanted. Throws what read_decision() and check_decision() throw.
// The weights are hashed only if there is one.
std::shared_ptr<const Decision> load_decision(const DecisionChoice& choice, const std::filesystem::path& directory, const Config& config);

// Of all that it does: without how it was found. 64 hexadecimal digits.
std::string decision_sha256(const Decision& decision);

// The decision of the checkpoint `from`, where there is one, for `to`, which is the same model in another file: only the hash of the weights is another.
// Throws what load_decision() throws.
void carry_decision(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace filbert
