// Finds a decision (decision.h) on texts whose labels are known: how sure the model may call itself, from which score on to believe it, when to
// give no answer; and says on texts that had no part in it what that gave. docs/calibrate.md has the formulas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/decision.h>
#include <filbert/tensor.h>

namespace filbert {

// What the model says of texts, and what is true of them.
struct LabelledLogits {
  Tensor logits;                      // [rows, labels of the model]
  std::vector<std::uint8_t> is_true;  // [rows · labels] 1 where the row has the label; of a softmax exactly one a row
};

enum class CalibrationMethod {
  temperature,  // one number divides all logits: no answer changes, only how sure it is
  vector,       // a factor and a summand for each label
  none,         // scores stay as they are: thresholds alone
};
// "temperature", "vector", "none". Throws Error(invalid_argument) for any other word.
CalibrationMethod calibration_method_from_name(std::string_view name);
std::string_view name(CalibrationMethod method);

// What thresholds are for. Of a softmax they are found among the texts whose best label it is, of a sigmoid among all.
enum class ThresholdGoal {
  none,       // no thresholds
  precision,  // the lowest from which on at least `wanted` of a label's answers are right; "never" where nothing is
  recall,     // the highest that still finds at least `wanted` of a label's texts; 0 where no score does
  f1,         // that of the highest F1; of equal ones the lowest
};

struct CalibrateOptions {
  CalibrationMethod method = CalibrationMethod::temperature;
  ThresholdGoal goal = ThresholdGoal::none;
  double wanted = 0;                       // precision or recall, above 0 and up to 1
  // Of a softmax, one of the two: an answer whose best score is lower is rejected; or whatever it takes for this share of the others to be right.
  std::optional<float> reject_below = {};
  std::optional<double> accuracy = {};
  // How it is measured: the rows are cut into so many parts, and each is judged by what the others gave, before all of them give the decision; or,
  // if `holdout` is above 0, this share of the rows is judged by what the others gave, which is the decision.
  std::size_t folds = 5;                   // at least 2
  double holdout = 0;                      // below 1
  std::uint32_t seed = 0;                  // of which row goes where
  std::size_t bins = 15;                   // of the expected calibration error
};

struct LabelFigures {
  std::string label;
  std::size_t support = 0;                 // rows that have it
  std::size_t predicted = 0;               // rows that got it, and were not rejected
  double precision = 0, recall = 0, f1 = 0;  // 0 where there is nothing to divide by
};

// Of the labels that answers show. Of a sigmoid each label of a row is an answer of its own.
struct DecisionFigures {
  std::size_t rows = 0;
  double ece = 0;                          // expected calibration error: of the best score of each row, in bins of equal width (Guo et al., 2017)
  double log_loss = 0;                     // mean of −ln of the score of what is true
  double accuracy = 0;                     // share of all answers, rejected or not, that are right
  double coverage = 1;                     // share of rows that are not rejected
  double accuracy_of_covered = 0;          // of those; 0 if there are none
  std::optional<double> expected_error = {};  // mean distance between `expected` and the value of the true label
  std::vector<LabelFigures> labels = {};
};

struct CalibrateResult {
  Decision decision;
  DecisionFigures before, after;           // the same labels and rows, without and with the decision's calibration, thresholds and rejection
  std::size_t rows = 0;                    // that gave the decision
  std::vector<std::string> notes;          // what was asked for and cannot be had, and what rests on too little; a sentence each
};

// `plain` says whose labels these are, which become one, and what they are worth: a plain_decision(), changed where that is wanted. The result
// depends on nothing but the arguments. Throws Error(invalid_argument): options or rows that contradict each other, fewer rows than parts, a row
// with a logit that is no number.
CalibrateResult calibrate(const LabelledLogits& rows, const Decision& plain, const CalibrateOptions& options = {});

// What `decision` makes of rows. calibrate() gives these of rows that had no part in the decision.
DecisionFigures measure(const LabelledLogits& rows, const Decision& decision, std::size_t bins = 15);

}  // namespace filbert
