// A decision from labelled rows, and what it gives on rows that had no part in it. Tested by calibrate_test.cpp.
#include <filbert/calibrate.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/refuse.h"
#include "evaluate/calibration.h"
#include "evaluate/measure.h"
#include "evaluate/thresholds.h"
#include "postprocess/decision.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 3> kMethods = {"temperature", "vector", "none"};
constexpr std::size_t kMostVectorLabels = 256;  // Newton's method keeps a square of twice as many
constexpr std::size_t kFewRowsOfANumber = 10;   // fewer for each fitted number are worth a note

void check_options(const LabelledLogits& rows, const Decision& plain, const CalibrateOptions& options) {
  const auto is_share = [](double number) { return number > 0 && number <= 1; };
  const bool is_softmax = plain.function == FunctionToApply::softmax;
  if ((options.goal == ThresholdGoal::precision || options.goal == ThresholdGoal::recall) && !is_share(options.wanted)) {
    refuse(fmt::format("wanted: expected a share above 0 and up to 1, found {}", options.wanted));
  }
  if (options.accuracy && !is_share(*options.accuracy)) refuse(fmt::format("accuracy: expected a share above 0 and up to 1, found {}", *options.accuracy));
  if (options.reject_below && !(*options.reject_below >= 0 && *options.reject_below <= 1)) {
    refuse(fmt::format("reject_below: expected a score from 0 to 1, found {}", *options.reject_below));
  }
  if (options.accuracy && options.reject_below) refuse("reject_below: expected none beside accuracy, which finds it, found one");
  if ((options.accuracy || options.reject_below) && !is_softmax) {
    refuse("reject_below: expected a softmax, whose best label is the answer, found a sigmoid, whose labels have thresholds of their own");
  }
  if (options.method == CalibrationMethod::vector && plain.model_labels.size() > kMostVectorLabels) {
    refuse(fmt::format("method: vector expects at most {} labels, found {}; temperature takes any number", kMostVectorLabels, plain.model_labels.size()));
  }
  if (options.bins == 0) refuse("bins: expected at least 1, found 0");
  if (!(options.holdout >= 0 && options.holdout < 1)) refuse(fmt::format("holdout: expected a share from 0 to below 1, found {}", options.holdout));
  if (options.holdout == 0 && options.folds < 2) refuse(fmt::format("folds: expected at least 2, found {}", options.folds));
  const std::size_t least = options.holdout > 0 ? 2 : options.folds;
  if (rows.logits.rows() < least) refuse(fmt::format("rows: expected at least {} with a label, found {}", least, rows.logits.rows()));
}

// Which part each row is judged in: 0 … folds − 1; with a holdout 0 for those that are judged, else 1.
std::vector<std::size_t> parts_of(std::size_t count, const CalibrateOptions& options) {
  std::mt19937_64 random(options.seed);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t at = count; at > 1; --at) std::swap(order[at - 1], order[random() % at]);  // every standard library draws these
  std::vector<std::size_t> parts(count);
  const auto wanted = static_cast<std::size_t>(std::llround(options.holdout * static_cast<double>(count)));
  const std::size_t held_out = std::clamp<std::size_t>(wanted, 1, count - 1);
  for (std::size_t at = 0; at < count; ++at) parts[order[at]] = options.holdout > 0 ? (at < held_out ? 0 : 1) : at % options.folds;
  return parts;
}

LabelledLogits rows_where(const LabelledLogits& rows, const std::vector<std::size_t>& parts, std::size_t part, bool inside) {
  const std::size_t labels = rows.logits.row_size();
  LabelledLogits some;
  for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
    if ((parts[row] == part) != inside) continue;
    const std::span<const float> logits = rows.logits[row];
    some.logits.data.insert(some.logits.data.end(), logits.begin(), logits.end());
    const auto truth = rows.is_true.begin() + static_cast<std::ptrdiff_t>(row * labels);
    some.is_true.insert(some.is_true.end(), truth, truth + static_cast<std::ptrdiff_t>(labels));
  }
  some.logits.shape = {some.logits.data.size() / labels, labels};
  return some;
}

void fit_scores(const LabelledLogits& rows, const CalibrateOptions& options, Decision& decision, std::vector<std::string>& notes) {
  const std::size_t labels = decision.model_labels.size();
  if (options.method == CalibrationMethod::none) return;
  if (options.method == CalibrationMethod::vector) {
    VectorFit fit = fit_vector(rows, decision.function);
    decision.weights = std::move(fit.weights);
    decision.biases = std::move(fit.biases);
    if (rows.logits.rows() < kFewRowsOfANumber * 2 * labels) {
      notes.push_back(fmt::format("{} rows are few for the {} numbers of vector scaling; a temperature is one", rows.logits.rows(), 2 * labels));
    }
    return;
  }
  const TemperatureFit fit = fit_temperature(rows, decision.function);
  double weight = 1 / fit.temperature;
  for (int turn = 0; turn < 4 && 1 / (1 / weight) != weight; ++turn) weight = 1 / (1 / weight);  // so that a file keeps it to the bit
  decision.weights.assign(labels, weight);
  decision.biases.assign(labels, 0);
  if (fit.at_bound) {
    notes.push_back(fit.temperature > 1 ? fmt::format("the temperature is {}, the highest there is: the logits say nothing of these labels", fit.temperature)
                                        : fmt::format("the temperature is {}, the lowest there is: every one of the {} rows is right, which says nothing of "
                                                      "when the model is wrong", fit.temperature, rows.logits.rows()));
  }
}

std::string met(ThresholdGoal goal) {
  return goal == ThresholdGoal::precision ? "a precision" : goal == ThresholdGoal::recall ? "a recall" : "an F1";
}

// The labels' thresholds, found among what calibrated scores say of `rows`.
void fit_thresholds(const Judgement& judged, const CalibrateOptions& options, Decision& decision, std::vector<std::string>& notes) {
  if (options.goal == ThresholdGoal::none) return;
  const bool is_softmax = decision.function == FunctionToApply::softmax;
  for (std::size_t label = 0; label < decision.merged.size(); ++label) {
    std::vector<ScoredAnswer> answers;
    std::size_t support = 0;
    for (std::size_t row = 0; row < judged.scores.rows(); ++row) {
      const bool is_true = judged.is_true[row * decision.merged.size() + label] != 0;
      support += is_true;
      if (!is_softmax || judged.best[row] == label) answers.push_back({judged.scores[row][label], is_true});
    }
    const bool is_seen = !answers.empty();
    const Threshold found = find_threshold(std::move(answers), support, options.goal, options.wanted);
    decision.thresholds.push_back(found.score);
    if (found.is_met) continue;
    const std::string& name = decision.id2label.at(static_cast<int>(label));
    const std::string then = std::isinf(found.score) ? "it is never believed" : "it has no threshold";
    if (options.goal == ThresholdGoal::f1 || !is_seen) {
      notes.push_back(fmt::format("label \"{}\": of {} rows that have it none gets it, so that nothing says what its score is worth; {}", name, support, then));
    } else {
      notes.push_back(fmt::format("label \"{}\": expected {} of {}, the best there is is {:.3f}; {}", name, met(options.goal), options.wanted, found.reached, then));
    }
  }
}

void fit_rejection(const Judgement& judged, const CalibrateOptions& options, Decision& decision, std::vector<std::string>& notes) {
  decision.reject_below = options.reject_below;
  if (!options.accuracy) return;
  std::vector<ScoredAnswer> answers;
  for (std::size_t row = 0; row < judged.scores.rows(); ++row) {
    const std::size_t best = judged.best[row];
    if (is_rejected(decision, best, judged.scores[row][best])) continue;
    answers.push_back({judged.scores[row][best], judged.is_true[row * decision.merged.size() + best] != 0});
  }
  const Threshold found = threshold_for_accuracy(std::move(answers), *options.accuracy);
  decision.reject_below = std::min(found.score, 1.0F);
  if (!found.is_met) {
    notes.push_back(fmt::format("accuracy: expected {} of the answers that are given, the best there is is {:.3f}", *options.accuracy, found.reached));
  }
}

Decision fit(const LabelledLogits& rows, const Decision& plain, const CalibrateOptions& options, std::vector<std::string>& notes) {
  Decision decision = plain;
  fit_scores(rows, options, decision, notes);
  const Judgement judged = judge(rows, decision);
  fit_thresholds(judged, options, decision, notes);
  fit_rejection(judged, options, decision, notes);
  return decision;
}

}  // namespace

CalibrationMethod calibration_method_from_name(std::string_view name) { return from_name<CalibrationMethod>("method", name, kMethods); }

std::string_view name(CalibrationMethod method) { return kMethods[static_cast<std::size_t>(method)]; }

CalibrateResult calibrate(const LabelledLogits& rows, const Decision& plain, const CalibrateOptions& options) {
  check_rows(rows, plain);
  check_options(rows, plain, options);
  CalibrateResult result;
  const std::vector<std::size_t> parts = parts_of(rows.logits.rows(), options);
  Judgement before, after;
  for (std::size_t part = 0; part < (options.holdout > 0 ? 1 : options.folds); ++part) {
    std::vector<std::string> of_part;
    const LabelledLogits judged = rows_where(rows, parts, part, true);
    Decision decision = fit(rows_where(rows, parts, part, false), plain, options, of_part);
    before.append(judge(judged, plain));
    after.append(judge(judged, decision));
    if (options.holdout == 0) continue;
    result.decision = std::move(decision);
    result.notes = std::move(of_part);
    result.rows = rows.logits.rows() - judged.logits.rows();
  }
  if (options.holdout == 0) {
    result.decision = fit(rows, plain, options, result.notes);
    result.rows = rows.logits.rows();
  }
  result.before = figures(before, plain, options.bins);
  result.after = figures(after, result.decision, options.bins);
  return result;
}

DecisionFigures measure(const LabelledLogits& rows, const Decision& decision, std::size_t bins) {
  check_rows(rows, decision);
  return figures(judge(rows, decision), decision, bins);
}

}  // namespace filbert
