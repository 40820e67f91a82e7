// What is made of a model's logits beyond a softmax: calibrated scores, labels of other names or several as one, from which score on a label
// counts, when it is better to give no answer, and the expected value of ordered labels. `filbert calibrate` writes it beside a checkpoint as
// filbert_decision.json, and whatever classifies there applies it. docs/calibrate.md says how it is found.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>
#include <filbert/postprocess.h>

namespace filbert {

// The file in a checkpoint's directory.
inline constexpr const char* kDecisionFile = "filbert_decision.json";

struct Decision {
  // Which model it is of.
  std::string weights_sha256;                      // 64 hexadecimal digits, of the weights as `filbert explain` names them
  std::vector<std::string> model_labels;           // id2label of the model, in id order
  FunctionToApply function = FunctionToApply::softmax;  // softmax or sigmoid: what makes scores of the calibrated logits

  // The calibrated logit of label i is weights[i] · logit[i] + biases[i]. Both are empty where scores stay the model's own.
  std::vector<double> weights, biases;             // [labels of the model]

  // What answers show, in this order: each label is the sum of the scores of some labels of the model, which have each label in exactly one.
  std::map<int, std::string> id2label;             // keys are 0 … n − 1, without gaps
  std::vector<std::vector<std::size_t>> merged;    // [n] the ids of the model that each is made of

  // A score below its label's threshold does not count; infinity: none does. Empty: there are none. Of a softmax the best label has to reach its
  // own, or the answer is rejected; of a sigmoid those that reach theirs are the answer's `labels`.
  std::vector<float> thresholds;                   // [n]
  // Of a softmax: an answer whose best score is below this is rejected.
  std::optional<float> reject_below;

  // Of a softmax: what each label of the model is worth; `expected` is the mean of these by calibrated scores. Empty: nothing is expected.
  std::vector<double> expected_values;             // [labels of the model]

  // How it was found and what that gave, a JSON object; kept as it is, and of no consequence. May be empty.
  std::string measured;

  bool may_reject() const { return function == FunctionToApply::softmax && (!thresholds.empty() || reject_below.has_value()); }
  bool is_calibrated() const { return !weights.empty(); }
};

// One that changes nothing: the scores and labels of the model. Throws Error(unsupported) for a model of regression, which has no scores.
Decision plain_decision(const Config& config, std::string weights_sha256);

// Throws Error(not_found), Error(corrupt): no JSON, a field that is missing, unknown or of the wrong kind, numbers that contradict each other;
// Error(unsupported): a newer version of the format.
Decision read_decision(const std::filesystem::path& file);
Decision decision_from_json(std::string_view json, const std::string& where);
// With a line end.
std::string decision_json(const Decision& decision);
// Whole or not at all.
void write_decision(const Decision& decision, const std::filesystem::path& file);

// Throws Error(corrupt), led by `where`, unless `decision` is of these weights and this model's labels and scores.
void check_decision(const Decision& decision, const Config& config, std::string_view weights_sha256, const std::string& where);

// Which decision a pipeline is loaded with.
struct DecisionChoice {
  bool use = true;                       // false: none, whatever lies in the directory
  std::filesystem::path file = {};       // empty: filbert_decision.json of the checkpoint's directory, where there is one
};

}  // namespace filbert
