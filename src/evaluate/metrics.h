// What the figures are made of: each is a function of a few sums over texts, each text counted as often as its weight says, so that a bootstrap
// sample is only another set of weights. Tested by metrics_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <filbert/evaluate.h>

namespace filbert {

// Of scores of 0: what scikit-learn's log_loss takes instead.
constexpr double kLeastProbability = 2.220446049250313e-16;

// A text as the sums see it.
struct ScoredRow {
  double loss = 0, squared = 0;            // −ln of the right label's score; the sum of squares between scores and truth
  double confidence = 0;                   // single_label: the best label's score
  std::int32_t gold = 0, predicted = 0;    // single_label
  std::uint32_t bin = 0;                   // single_label
  bool right = false;                      // of multi_label: all labels are
  bool rejected = false;                   // no answer: counts for the coverage alone
};

// A label of a text of multi_label.
struct ScoredLabel {
  float score = 0;
  std::uint16_t bin = 0;
  bool gold = false, predicted = false;
};

// Everything that does not depend on the weights.
struct PreparedTexts {
  EvaluationKind kind = EvaluationKind::single_label;
  bool ordered = false;
  bool may_reject = false;                 // there is a coverage
  std::size_t num_labels = 0, bins = 0;
  std::vector<ScoredRow> rows;             // [texts]; of labels
  std::vector<ScoredLabel> label_rows;     // multi_label: [texts, num_labels]
  std::vector<double> values, targets;     // regression: [texts]
  std::vector<std::uint32_t> by_value, by_target;  // regression: texts, the lowest first

  std::size_t texts() const { return kind == EvaluationKind::regression ? values.size() : rows.size(); }
};
// Throws what evaluate() throws.
PreparedTexts prepare(const ScoredTexts& texts, const EvaluateOptions& options);

// The bin of a score: bin i of n holds the scores above i/n up to (i + 1)/n; the first has 0 too.
std::size_t bin_of(double score, std::size_t bins);

// Sums over texts, of labels.
struct Tally {
  std::vector<double> right, texts, predicted;           // [num_labels]: of predictions that are right, of gold labels, of predictions
  std::vector<double> bin_count, bin_confidence, bin_right;  // [bins]
  double weight = 0, loss = 0, squared = 0;
  double rejected = 0;                                   // the weight of texts without an answer, which nothing else counts
  double all_right = 0, within_one = 0, distance = 0;    // texts; of ordered labels
};
Tally tally(const PreparedTexts& texts, std::span<const std::uint32_t> weights);

// All figures of texts with these weights, one behind the other: measures_of(), then precision, recall and F1 of each label, then the accuracy
// of each bin. NaN where there is none.
std::vector<double> figures(const PreparedTexts& texts, std::span<const std::uint32_t> weights);

}  // namespace filbert
