#include "evaluate/measure.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/refuse.h"
#include "evaluate/metrics.h"
#include "postprocess/decision.h"

namespace filbert {
namespace {

constexpr float kPresent = 0.5F;  // of a sigmoid without thresholds
constexpr double kLeastScore = 1e-15;  // of a logarithm: as scikit-learn had it

double share(double part, double all) { return all == 0 ? 0 : part / all; }

// What of row `row` counts as said, and whether it is.
void decide(const Decision& decision, std::size_t row, Judgement& judged) {
  const std::span<const float> scores = judged.scores[row];
  const std::size_t best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  judged.best[row] = best;
  std::uint8_t* const predicted = judged.is_predicted.data() + row * scores.size();
  if (decision.function == FunctionToApply::softmax) {
    judged.is_rejected[row] = is_rejected(decision, best, scores[best]);
    predicted[best] = judged.is_rejected[row] == 0;
    return;
  }
  for (std::size_t label = 0; label < scores.size(); ++label) {
    predicted[label] = scores[label] >= (decision.thresholds.empty() ? kPresent : decision.thresholds[label]);
  }
}

double log_loss_of(const Judgement& judged, bool is_softmax) {
  const auto loss = [](double score) { return -std::log(std::max(score, kLeastScore)); };
  double sum = 0;
  for (std::size_t at = 0; at < judged.is_true.size(); ++at) {
    const double score = judged.scores.data[at];
    if (judged.is_true[at] != 0) sum += loss(score);
    if (judged.is_true[at] == 0 && !is_softmax) sum += loss(1 - score);
  }
  return sum / static_cast<double>(is_softmax ? judged.best.size() : judged.is_true.size());
}

std::vector<LabelFigures> labels_of(const Judgement& judged, const Decision& decision) {
  const std::size_t labels = decision.merged.size();
  std::vector<LabelFigures> all;
  for (std::size_t label = 0; label < labels; ++label) {
    LabelFigures figures{.label = decision.id2label.at(static_cast<int>(label))};
    double right = 0;
    for (std::size_t row = 0; row < judged.best.size(); ++row) {
      const std::size_t at = row * labels + label;
      figures.support += judged.is_true[at];
      figures.predicted += judged.is_predicted[at];
      right += judged.is_true[at] != 0 && judged.is_predicted[at] != 0;
    }
    figures.precision = share(right, static_cast<double>(figures.predicted));
    figures.recall = share(right, static_cast<double>(figures.support));
    figures.f1 = share(2 * right, static_cast<double>(figures.predicted + figures.support));
    all.push_back(std::move(figures));
  }
  return all;
}

}  // namespace

void Judgement::append(const Judgement& more) {
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  scores.shape = {best.size() + more.best.size(), more.scores.row_size()};
  add(scores.data, more.scores.data);
  add(is_true, more.is_true);
  add(is_predicted, more.is_predicted);
  add(best, more.best);
  add(is_rejected, more.is_rejected);
  add(expected_error, more.expected_error);
}

void check_rows(const LabelledLogits& rows, const Decision& decision) {
  const std::size_t labels = decision.model_labels.size(), count = rows.logits.rows();
  if (count == 0) refuse("rows: expected at least one with a label, found none");
  if (rows.logits.row_size() != labels) refuse(fmt::format("logits: expected {} a row, one for each label, found {}", labels, rows.logits.row_size()));
  if (rows.is_true.size() != count * labels) refuse(fmt::format("is_true: expected {}, found {}", count * labels, rows.is_true.size()));
  for (std::size_t row = 0; row < count; ++row) {
    const std::span<const float> logits = rows.logits[row];
    if (!std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); })) {
      refuse(fmt::format("row {}: expected logits that are numbers, found one that is none", row));
    }
    const auto truth = rows.is_true.begin() + static_cast<std::ptrdiff_t>(row * labels);
    const auto count_true = std::count(truth, truth + static_cast<std::ptrdiff_t>(labels), 1);
    if (decision.function == FunctionToApply::softmax && count_true != 1) {
      refuse(fmt::format("row {}: expected one label that is true, found {}", row, count_true));
    }
  }
}

Judgement judge(const LabelledLogits& rows, const Decision& decision) {
  const std::size_t count = rows.logits.rows(), labels = decision.merged.size(), of_model = decision.model_labels.size();
  const Tensor own = apply(decision.function, calibrated(decision, rows.logits));
  Judgement judged{.scores = merged(decision, own), .is_true = std::vector<std::uint8_t>(count * labels),
                   .is_predicted = std::vector<std::uint8_t>(count * labels), .best = std::vector<std::size_t>(count),
                   .is_rejected = std::vector<std::uint8_t>(count)};
  for (std::size_t row = 0; row < count; ++row) {
    double value = 0;  // of the true label
    for (std::size_t label = 0; label < labels; ++label) {
      for (const std::size_t id : decision.merged[label]) {
        if (rows.is_true[row * of_model + id] == 0) continue;
        judged.is_true[row * labels + label] = 1;
        if (!decision.expected_values.empty()) value = decision.expected_values[id];
      }
    }
    decide(decision, row, judged);
    if (const auto expected = expected_value(decision, own[row])) judged.expected_error.push_back(std::abs(double{*expected} - value));
  }
  return judged;
}

double expected_calibration_error(const std::vector<float>& scores, const std::vector<std::uint8_t>& is_right, std::size_t bins) {
  std::vector<double> score(bins), right(bins);
  for (std::size_t at = 0; at < scores.size(); ++at) {
    const std::size_t bin = bin_of(scores[at], bins);
    score[bin] += double{scores[at]};
    right[bin] += is_right[at];
  }
  double sum = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) sum += std::abs(score[bin] - right[bin]);
  return share(sum, static_cast<double>(scores.size()));
}

DecisionFigures figures(const Judgement& judged, const Decision& decision, std::size_t bins) {
  const std::size_t count = judged.best.size(), labels = decision.merged.size();
  const bool is_softmax = decision.function == FunctionToApply::softmax;
  DecisionFigures figures{.rows = count};
  std::vector<float> scores = judged.scores.data;
  std::vector<std::uint8_t> is_right = judged.is_true;
  double right = 0, covered = 0, right_of_covered = 0;
  if (is_softmax) {
    scores.clear();
    is_right.clear();
    for (std::size_t row = 0; row < count; ++row) {
      const std::size_t best = row * labels + judged.best[row];
      scores.push_back(judged.scores.data[best]);
      is_right.push_back(judged.is_true[best]);
      right += judged.is_true[best];
      covered += judged.is_rejected[row] == 0;
      right_of_covered += judged.is_rejected[row] == 0 && judged.is_true[best] != 0;
    }
  } else {
    covered = static_cast<double>(judged.is_true.size());
    for (std::size_t at = 0; at < judged.is_true.size(); ++at) right += judged.is_true[at] == judged.is_predicted[at];
    right_of_covered = right;
  }
  figures.ece = expected_calibration_error(scores, is_right, bins);
  figures.log_loss = log_loss_of(judged, is_softmax);
  figures.accuracy = share(right, static_cast<double>(scores.size()));
  figures.coverage = share(covered, static_cast<double>(scores.size()));
  figures.accuracy_of_covered = share(right_of_covered, covered);
  if (!judged.expected_error.empty()) {
    double sum = 0;
    for (const double error : judged.expected_error) sum += error;
    figures.expected_error = sum / static_cast<double>(judged.expected_error.size());
  }
  figures.labels = labels_of(judged, decision);
  return figures;
}

}  // namespace filbert
