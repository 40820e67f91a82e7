// How good a classifier is on texts whose labels are known: how often it is right, label by label, and whether its scores can be trusted, each
// figure with an interval. Pure functions of scores and labels: nothing here runs a model. docs/evaluate.md says what each number is and when it
// misleads. Definitions are those of scikit-learn where it has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace filbert {

enum class EvaluationKind {
  single_label,  // one label a text; the scores of a text sum to 1
  multi_label,   // any number of labels a text; each score stands for itself
  regression,    // one number a text
};
std::string_view name(EvaluationKind kind);  // "single_label", "multi_label", "regression"

// What a model said of texts, and what it should have said.
struct ScoredTexts {
  EvaluationKind kind = EvaluationKind::single_label;
  std::vector<std::string> labels;         // [num_labels], by id; of a regression its one label
  std::vector<float> scores;               // [texts, num_labels]
  std::vector<std::int32_t> gold;          // single_label: [texts], ids
  std::vector<std::uint8_t> gold_labels;   // multi_label: [texts, num_labels], 1 where the text has the label
  std::vector<double> targets;             // regression: [texts]
  // What a decision (decision.h) says beside the scores, which are then those of its labels.
  std::vector<std::uint8_t> rejected = {}; // single_label: [texts], 1 where the model gives no answer; empty: it answers all of them
  std::vector<float> thresholds = {};      // multi_label: [num_labels], from which score on each is predicted; empty: EvaluateOptions::threshold

  std::size_t texts() const { return labels.empty() ? 0 : scores.size() / labels.size(); }
};

struct EvaluateOptions {
  bool ordered = false;                    // of single_label: the ids have an order, as stars do: within_one and label_distance
  double threshold = 0.5;                  // of multi_label: a label whose score is at least this is predicted
  std::size_t bins = 15;                   // of the reliability diagram and of ece; at least 1
  std::size_t bootstrap = 1000;            // samples; 0: no intervals
  double confidence = 0.95;                // of the intervals, above 0 and below 1
  std::uint64_t seed = 0;                  // the same seed gives the same intervals, with any number of threads
  unsigned num_threads = 1;
};

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// A figure, NaN where there is none, as the precision of a label that does not occur; and the ends of its bootstrap interval, over texts, NaN
// without one.
struct Measure {
  double value = kNoNumber, low = kNoNumber, high = kNoNumber;
};

// What a figure is, for whoever shows it.
struct MeasureInfo {
  std::string_view name;                   // "macro_f1", as in JSON
  std::string_view title;                  // "macro F1"
  int better = 1;                          // 1: the higher the better; −1: the lower; 0: the nearer to zero
  bool is_share = false;                   // from 0 to 1
};
// The figures of a kind in their order; `ordered` has two more, and of texts that may be rejected there is the coverage.
std::vector<MeasureInfo> measures_of(EvaluationKind kind, bool ordered = false, bool may_reject = false);

struct NamedMeasure {
  MeasureInfo info;
  Measure measure;
};

struct LabelMeasures {
  std::string label;
  std::size_t texts = 0;                   // that should have it: the support
  std::size_t predicted = 0;
  Measure precision, recall, f1;           // precision is 0 for a label that is never predicted, recall for one that no text should have
  std::size_t rejected = 0;                // further texts that should have it, and get no answer
};

// Predictions of scores above `from` up to `to`: of single_label the best label's, of multi_label those of every label.
struct ReliabilityBin {
  double from = 0, to = 0;
  std::size_t count = 0;
  double confidence = kNoNumber;           // their mean score
  Measure accuracy;                        // how many of them are right
};

// Where texts are rejected, every figure but the coverage is of those that get an answer, NaN if none does.
struct Evaluation {
  EvaluationKind kind = EvaluationKind::single_label;
  std::size_t texts = 0;
  std::vector<std::string> labels;         // [num_labels]
  std::vector<NamedMeasure> measures;      // measures_of(kind, ordered)
  std::vector<LabelMeasures> per_label;    // [num_labels]; none of a regression
  std::vector<std::uint64_t> confusion;    // single_label: [num_labels, num_labels], gold by predicted
  std::vector<ReliabilityBin> reliability; // [bins]; none of a regression
  std::optional<double> baseline;          // single_label: the accuracy of always saying the most frequent label
  std::optional<std::size_t> rejected;     // of `texts`, where some may be

  // Throws Error(invalid_argument) for a name that this kind has not.
  const Measure& at(std::string_view measure) const;
};

// Throws Error(invalid_argument): no texts, sizes that do not fit together, ids without a label, a score that is no number or, of labels, not in
// [0, 1], options that cannot be.
Evaluation evaluate(const ScoredTexts& texts, const EvaluateOptions& options = {});

// How wrong the model is about each text: −ln of the score of the right label; of multi_label the mean of that over labels; of a regression the
// distance. [texts]
std::vector<double> losses(const ScoredTexts& texts);

// The id with the highest score of each text, of equal ones the lowest. [texts]
std::vector<std::int32_t> predictions(const ScoredTexts& texts);

// A part of the texts, measured for itself.
struct Slice {
  std::string by, value;                   // "language", "de"
  std::size_t texts = 0;
  std::vector<NamedMeasure> measures;
};
// A slice for each value that occurs, in the order of `values`; `slice_of` [texts] says which value each has. Throws as evaluate() does.
std::vector<Slice> slices(const ScoredTexts& texts, std::string_view by, std::span<const std::string> values, std::span<const std::uint32_t> slice_of,
                          const EvaluateOptions& options = {});

// Two models on the same texts. Right is, of multi_label, a text all of whose labels are right.
struct Comparison {
  std::size_t both_right = 0, only_first = 0, only_second = 0, both_wrong = 0;
  std::size_t either_rejected = 0;         // texts that one of them, or both, do not answer: none of the four above
  std::size_t same_prediction = 0;         // texts of which both say the same, or nothing
  double mcnemar_exact = kNoNumber;        // p of McNemar's test: that the two are equally often right; NaN of a regression
  double mcnemar_mid_p = kNoNumber;        // the same, less conservative
  std::vector<NamedMeasure> differences;   // the second's less the first's; intervals of samples that both share
  double max_score_difference = 0, mean_score_difference = 0;  // of all scores, without sign
};
// Throws Error(invalid_argument) as evaluate() does, and if the texts, their labels or their gold labels are not the same.
Comparison compare(const ScoredTexts& first, const ScoredTexts& second, const EvaluateOptions& options = {});

// The two-sided p of McNemar's test where one model alone is right in `only_first` texts and the other in `only_second`: {exact, mid-p}.
std::pair<double, double> mcnemar(std::uint64_t only_first, std::uint64_t only_second);

// A text that the model is wrong about.
struct WrongText {
  std::size_t row = 0;                     // its number in the file, from 1
  std::string text;
  std::optional<std::string> text_pair = {};
  bool shortened = false;                  // only the beginning is here
  bool truncated = false;                  // the model saw only a part
  std::string gold = {}, predicted = {};   // none of a regression
  float gold_score = 0, score = 0;         // of the gold label and of the predicted; of a regression the target and the value
  double loss = 0;
};

struct UnknownLabel {
  std::string value, nearest;              // nearest: empty if none is near
  std::size_t texts = 0;
};

// All that is known of a model on a file.
struct EvaluationReport {
  Evaluation evaluation;
  std::vector<Slice> slices;
  std::vector<WrongText> worst;            // the highest loss first
  std::optional<Evaluation> against;
  std::optional<Comparison> comparison;

  std::size_t rows = 0;                    // of the file
  std::size_t unlabelled = 0;              // rows that were left out: without a label,
  std::vector<UnknownLabel> unknown;       // with one that the model does not have, the most frequent first,
  std::size_t unknown_texts = 0;
  std::size_t truncated = 0, invalid_utf8 = 0;  // texts
  std::vector<std::pair<std::string, std::string>> gold_names;  // what stands in the file, and the label that it was taken for, where they differ

  // How to have it again; what only the caller knows stays empty.
  EvaluateOptions options;
  std::string input, label_column, model, model_sha256, tokenizer_sha256, dtype, input_sha256, version, command;
  std::string against_model, against_sha256, against_dtype;
  // The decision that was applied: its file, and the hash of what it says, without how it was found; empty: none was.
  std::string decision, decision_sha256, against_decision, against_decision_sha256;
};

// One self-contained page, without any script.
std::string html_report(const EvaluationReport& report);

}  // namespace filbert
