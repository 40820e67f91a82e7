// Texts with scores become figures with intervals: of all, of slices, and of two models side by side. Tested by evaluate_test.cpp.
#include <filbert/evaluate.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "evaluate/bootstrap.h"
#include "evaluate/metrics.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"single_label", "multi_label", "regression"};

constexpr MeasureInfo kOrdered[] = {{"within_one", "within one", 1, true}, {"label_distance", "distance of labels", -1, false}};
constexpr MeasureInfo kMulti[] = {{"exact_match", "all labels right", 1, true},
                                  {"hamming_loss", "wrong labels", -1, true},
                                  {"micro_precision", "micro precision", 1, true},
                                  {"micro_recall", "micro recall", 1, true},
                                  {"micro_f1", "micro F1", 1, true}};
constexpr MeasureInfo kOfLabels[] = {{"macro_precision", "macro precision", 1, true},
                                     {"macro_recall", "macro recall", 1, true},
                                     {"macro_f1", "macro F1", 1, true},
                                     {"weighted_precision", "weighted precision", 1, true},
                                     {"weighted_recall", "weighted recall", 1, true},
                                     {"weighted_f1", "weighted F1", 1, true},
                                     {"log_loss", "log loss", -1, false},
                                     {"brier", "Brier score", -1, false},
                                     {"ece", "calibration error (ECE)", -1, true},
                                     {"overconfidence", "overconfidence", 0, false}};
constexpr MeasureInfo kRegression[] = {{"mean_absolute_error", "mean absolute error", -1, false},
                                       {"root_mean_squared_error", "root mean squared error", -1, false},
                                       {"r2", "R²", 1, false},
                                       {"pearson", "Pearson's r", 1, false},
                                       {"spearman", "Spearman's ρ", 1, false}};

std::vector<double> column(const std::vector<std::vector<double>>& samples, std::size_t figure) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const std::vector<double>& sample : samples) values.push_back(sample[figure]);
  return values;
}

std::vector<double> of_all(const PreparedTexts& texts) { return figures(texts, std::vector<std::uint32_t>(texts.texts(), 1)); }

std::vector<NamedMeasure> named(const PreparedTexts& texts, const std::vector<double>& values, const std::vector<std::vector<double>>& samples,
                                const EvaluateOptions& options) {
  std::vector<NamedMeasure> measures;
  for (const MeasureInfo& info : measures_of(texts.kind, options.ordered, texts.may_reject)) {
    const std::size_t at = measures.size();
    measures.push_back({info, with_interval(values[at], column(samples, at), options.confidence)});
  }
  return measures;
}

void count_confusions(const PreparedTexts& prepared, Evaluation& evaluation) {
  evaluation.confusion.assign(prepared.num_labels * prepared.num_labels, 0);
  std::size_t answered = 0, most = 0;
  for (const ScoredRow& row : prepared.rows) {
    const auto gold = static_cast<std::size_t>(row.gold);
    if (row.rejected) {
      ++evaluation.per_label[gold].rejected;
      continue;
    }
    ++answered;
    ++evaluation.confusion[gold * prepared.num_labels + static_cast<std::size_t>(row.predicted)];
  }
  for (const LabelMeasures& label : evaluation.per_label) most = std::max(most, label.texts);
  if (answered > 0) evaluation.baseline = static_cast<double>(most) / static_cast<double>(answered);
  if (prepared.may_reject) evaluation.rejected = evaluation.texts - answered;
}

// Labels and bins; their figures stand behind those of measures_of().
void add_parts(const PreparedTexts& prepared, const std::vector<double>& values, const std::vector<std::vector<double>>& samples,
               const EvaluateOptions& options, Evaluation& evaluation) {
  const Tally sums = tally(prepared, std::vector<std::uint32_t>(prepared.texts(), 1));
  std::size_t at = evaluation.measures.size();
  const auto next = [&] {
    const Measure measure = with_interval(values[at], column(samples, at), options.confidence);
    ++at;
    return measure;
  };
  for (std::size_t label = 0; label < prepared.num_labels; ++label) {
    LabelMeasures each{.label = evaluation.labels[label], .texts = static_cast<std::size_t>(sums.texts[label]),
                       .predicted = static_cast<std::size_t>(sums.predicted[label]), .precision = {}, .recall = {}, .f1 = {}};
    each.precision = next();
    each.recall = next();
    each.f1 = next();
    evaluation.per_label.push_back(std::move(each));
  }
  for (std::size_t bin = 0; bin < prepared.bins; ++bin) {
    const auto edge = [&](std::size_t place) { return static_cast<double>(place) / static_cast<double>(prepared.bins); };
    const double count = sums.bin_count[bin];
    evaluation.reliability.push_back({edge(bin), edge(bin + 1), static_cast<std::size_t>(count), count > 0 ? sums.bin_confidence[bin] / count : kNoNumber, next()});
  }
}

// Those of `rows` alone.
ScoredTexts part(const ScoredTexts& texts, std::span<const std::size_t> rows) {
  ScoredTexts chosen{.kind = texts.kind, .labels = texts.labels, .scores = {}, .gold = {}, .gold_labels = {}, .targets = {}, .rejected = {},
                     .thresholds = texts.thresholds};
  const auto labels = static_cast<std::ptrdiff_t>(texts.labels.size());
  for (const std::size_t row : rows) {
    const auto first = static_cast<std::ptrdiff_t>(row) * labels;
    chosen.scores.insert(chosen.scores.end(), texts.scores.begin() + first, texts.scores.begin() + first + labels);
    if (texts.kind == EvaluationKind::single_label) chosen.gold.push_back(texts.gold[row]);
    if (!texts.rejected.empty()) chosen.rejected.push_back(texts.rejected[row]);
    if (texts.kind == EvaluationKind::regression) chosen.targets.push_back(texts.targets[row]);
    if (texts.kind == EvaluationKind::multi_label) {
      chosen.gold_labels.insert(chosen.gold_labels.end(), texts.gold_labels.begin() + first, texts.gold_labels.begin() + first + labels);
    }
  }
  return chosen;
}

bool same_prediction(const PreparedTexts& first, const PreparedTexts& second, std::size_t text) {
  if (first.kind == EvaluationKind::regression) return first.values[text] == second.values[text];
  if (first.kind == EvaluationKind::single_label) {
    const ScoredRow &a = first.rows[text], &b = second.rows[text];
    return a.rejected == b.rejected && (a.rejected || a.predicted == b.predicted);
  }
  for (std::size_t at = text * first.num_labels; at < (text + 1) * first.num_labels; ++at) {
    if (first.label_rows[at].predicted != second.label_rows[at].predicted) return false;
  }
  return true;
}

void count_pairs(const PreparedTexts& first, const PreparedTexts& second, Comparison& comparison) {
  for (std::size_t text = 0; text < first.texts(); ++text) {
    if (same_prediction(first, second, text)) ++comparison.same_prediction;
    if (first.kind == EvaluationKind::regression) continue;
    if (first.rows[text].rejected || second.rows[text].rejected) {
      ++comparison.either_rejected;
      continue;
    }
    const bool a = first.rows[text].right, b = second.rows[text].right;
    ++(a ? (b ? comparison.both_right : comparison.only_first) : (b ? comparison.only_second : comparison.both_wrong));
  }
  if (first.kind == EvaluationKind::regression) return;
  std::tie(comparison.mcnemar_exact, comparison.mcnemar_mid_p) = mcnemar(comparison.only_first, comparison.only_second);
}

}  // namespace

std::string_view name(EvaluationKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::vector<MeasureInfo> measures_of(EvaluationKind kind, bool ordered, bool may_reject) {
  std::vector<MeasureInfo> measures;
  const auto add = [&](std::span<const MeasureInfo> infos) {
    for (const MeasureInfo& info : infos) measures.push_back(info);
  };
  switch (kind) {
    case EvaluationKind::regression: add(kRegression); break;
    case EvaluationKind::multi_label:
      add(kMulti);
      add(kOfLabels);
      break;
    case EvaluationKind::single_label:
      measures.push_back({"accuracy", "accuracy", 1, true});
      if (may_reject) measures.push_back({"coverage", "coverage", 1, true});
      if (ordered) add(kOrdered);
      add(kOfLabels);
      break;
  }
  return measures;
}

const Measure& Evaluation::at(std::string_view measure) const {
  for (const NamedMeasure& each : measures) {
    if (each.info.name == measure) return each.measure;
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("measure: expected one of {}, found \"{}\"", name(kind), measure));
}

Evaluation evaluate(const ScoredTexts& texts, const EvaluateOptions& options) {
  const PreparedTexts prepared = prepare(texts, options);
  const std::vector<double> values = of_all(prepared);
  const std::vector<std::vector<double>> samples = bootstrap(prepared, options);
  Evaluation evaluation;
  evaluation.kind = texts.kind;
  evaluation.texts = texts.texts();
  evaluation.labels = texts.labels;
  evaluation.measures = named(prepared, values, samples, options);
  if (texts.kind != EvaluationKind::regression) add_parts(prepared, values, samples, options, evaluation);
  if (texts.kind == EvaluationKind::single_label) count_confusions(prepared, evaluation);
  return evaluation;
}

std::vector<double> losses(const ScoredTexts& texts) {
  const PreparedTexts prepared = prepare(texts, {});
  std::vector<double> out;
  for (std::size_t text = 0; text < prepared.texts(); ++text) {
    out.push_back(texts.kind == EvaluationKind::regression ? std::abs(prepared.values[text] - prepared.targets[text]) : prepared.rows[text].loss);
  }
  return out;
}

std::vector<std::int32_t> predictions(const ScoredTexts& texts) {
  std::vector<std::int32_t> ids;
  const std::size_t labels = texts.labels.size();
  for (std::size_t text = 0; text < texts.texts(); ++text) {
    const std::span<const float> scores = std::span(texts.scores).subspan(text * labels, labels);
    ids.push_back(static_cast<std::int32_t>(std::ranges::max_element(scores) - scores.begin()));
  }
  return ids;
}

std::vector<Slice> slices(const ScoredTexts& texts, std::string_view by, std::span<const std::string> values, std::span<const std::uint32_t> slice_of,
                          const EvaluateOptions& options) {
  if (slice_of.size() != texts.texts()) throw Error(ErrorKind::invalid_argument, fmt::format("slice_of: expected {}, found {}", texts.texts(), slice_of.size()));
  std::vector<std::vector<std::size_t>> rows(values.size());
  for (std::size_t text = 0; text < slice_of.size(); ++text) {
    if (slice_of[text] >= values.size()) throw Error(ErrorKind::invalid_argument, fmt::format("slice_of: expected places below {}, found {}", values.size(), slice_of[text]));
    rows[slice_of[text]].push_back(text);
  }
  std::vector<Slice> found;
  for (std::size_t value = 0; value < values.size(); ++value) {
    if (rows[value].empty()) continue;
    const PreparedTexts prepared = prepare(part(texts, rows[value]), options);
    found.push_back({std::string(by), values[value], rows[value].size(), named(prepared, of_all(prepared), bootstrap(prepared, options), options)});
  }
  return found;
}

Comparison compare(const ScoredTexts& first, const ScoredTexts& second, const EvaluateOptions& options) {
  PreparedTexts a = prepare(first, options), b = prepare(second, options);
  a.may_reject = b.may_reject = a.may_reject || b.may_reject;  // one that answers all of them has a coverage of 1
  if (first.kind != second.kind || first.labels != second.labels || first.gold != second.gold || first.gold_labels != second.gold_labels ||
      first.targets != second.targets) {
    throw Error(ErrorKind::invalid_argument, "compare: expected the same texts with the same labels, found others");
  }
  Comparison comparison;
  count_pairs(a, b, comparison);
  const std::vector<double> of_a = of_all(a), of_b = of_all(b);
  const std::vector<std::vector<double>> samples_a = bootstrap(a, options), samples_b = bootstrap(b, options);  // of the same seed: the same texts
  for (const MeasureInfo& info : measures_of(first.kind, options.ordered, a.may_reject)) {
    const std::size_t at = comparison.differences.size();
    std::vector<double> differences = column(samples_b, at), before = column(samples_a, at);
    for (std::size_t sample = 0; sample < before.size(); ++sample) differences[sample] -= before[sample];
    comparison.differences.push_back({info, with_interval(of_b[at] - of_a[at], std::move(differences), options.confidence)});
  }
  for (std::size_t at = 0; at < first.scores.size(); ++at) {
    const double difference = std::abs(double{first.scores[at]} - double{second.scores[at]});
    comparison.max_score_difference = std::max(comparison.max_score_difference, difference);
    comparison.mean_score_difference += difference / static_cast<double>(first.scores.size());
  }
  return comparison;
}

}  // namespace filbert
