#include "evaluate/metrics.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/refuse.h"

namespace filbert {
namespace {

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

constexpr std::ptrdiff_t kCoverage = 1;  // its place, behind the accuracy

double f1_of(double right, double texts, double predicted) { return ratio(2 * right, texts + predicted); }

double loss_of(double probability) { return -std::log(std::clamp(probability, kLeastProbability, 1 - kLeastProbability)); }

ScoredRow single_row(std::span<const float> scores, std::int32_t gold, std::size_t bins) {
  ScoredRow row;
  row.gold = gold;
  row.predicted = static_cast<std::int32_t>(std::ranges::max_element(scores) - scores.begin());
  row.right = row.gold == row.predicted;
  row.confidence = scores[static_cast<std::size_t>(row.predicted)];
  row.bin = static_cast<std::uint32_t>(bin_of(row.confidence, bins));
  row.loss = loss_of(scores[static_cast<std::size_t>(gold)]);
  for (std::size_t label = 0; label < scores.size(); ++label) {
    const double difference = scores[label] - (static_cast<std::int32_t>(label) == gold ? 1.0 : 0.0);
    row.squared += difference * difference;
  }
  return row;
}

// The means over labels; appends what each label is. `thresholds`: of each label its own, or none.
ScoredRow multi_row(std::span<const float> scores, std::span<const std::uint8_t> gold, std::span<const float> thresholds, const EvaluateOptions& options,
                    std::vector<ScoredLabel>& labels) {
  ScoredRow row;
  row.right = true;
  for (std::size_t label = 0; label < scores.size(); ++label) {
    const double score = scores[label];
    const bool has_it = gold[label] != 0, predicted = thresholds.empty() ? score >= options.threshold : scores[label] >= thresholds[label];
    labels.push_back({scores[label], static_cast<std::uint16_t>(bin_of(score, options.bins)), has_it, predicted});
    row.right = row.right && has_it == predicted;
    row.loss += loss_of(has_it ? score : 1 - score);
    row.squared += (score - has_it) * (score - has_it);
  }
  row.loss /= static_cast<double>(scores.size());
  row.squared /= static_cast<double>(scores.size());
  return row;
}

std::vector<std::uint32_t> ascending(const std::vector<double>& values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  return order;
}

// The mean rank of each text among so many of each: [texts], where its weight is not 0.
std::vector<double> ranks(const std::vector<double>& values, const std::vector<std::uint32_t>& order, std::span<const std::uint32_t> weights) {
  std::vector<double> found(values.size());
  double before = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double equal = 0;
    for (end = begin; end < order.size() && values[order[end]] == values[order[begin]]; ++end) equal += weights[order[end]];
    for (std::size_t at = begin; at < end; ++at) found[order[at]] = before + (equal + 1) / 2;
    before += equal;
  }
  return found;
}

// Pearson's r; NaN where one of them does not vary.
double correlation(const std::vector<double>& x, const std::vector<double>& y, std::span<const std::uint32_t> weights) {
  double weight = 0, mean_x = 0, mean_y = 0;
  for (std::size_t text = 0; text < x.size(); ++text) {
    weight += weights[text];
    mean_x += weights[text] * x[text];
    mean_y += weights[text] * y[text];
  }
  mean_x /= weight;
  mean_y /= weight;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t text = 0; text < x.size(); ++text) {
    const double dx = x[text] - mean_x, dy = y[text] - mean_y;
    xx += weights[text] * dx * dx;
    yy += weights[text] * dy * dy;
    xy += weights[text] * dx * dy;
  }
  return xx > 0 && yy > 0 ? std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0) : kNoNumber;
}

std::vector<double> regression_figures(const PreparedTexts& texts, std::span<const std::uint32_t> weights) {
  double weight = 0, mean = 0, absolute = 0, squared = 0, spread = 0;
  for (std::size_t text = 0; text < texts.texts(); ++text) {
    const double difference = texts.values[text] - texts.targets[text];
    weight += weights[text];
    mean += weights[text] * texts.targets[text];
    absolute += weights[text] * std::abs(difference);
    squared += weights[text] * difference * difference;
  }
  mean /= weight;
  for (std::size_t text = 0; text < texts.texts(); ++text) spread += weights[text] * (texts.targets[text] - mean) * (texts.targets[text] - mean);
  return {absolute / weight, std::sqrt(squared / weight), spread > 0 ? 1 - squared / spread : kNoNumber, correlation(texts.values, texts.targets, weights),
          correlation(ranks(texts.values, texts.by_value, weights), ranks(texts.targets, texts.by_target, weights), weights)};
}

// Means of precision, recall and F1: over labels, as scikit-learn takes them: of single_label those that occur; and by their texts.
void average(const PreparedTexts& texts, const Tally& sums, std::vector<double>& out) {
  double macro[3] = {}, weighted[3] = {}, labels = 0, weight = 0;
  for (std::size_t label = 0; label < texts.num_labels; ++label) {
    const double right = sums.right[label], gold = sums.texts[label], predicted = sums.predicted[label];
    if (texts.kind == EvaluationKind::single_label && gold + predicted == 0) continue;
    const double measures[3] = {ratio(right, predicted), ratio(right, gold), f1_of(right, gold, predicted)};
    for (std::size_t each = 0; each < 3; ++each) {
      macro[each] += measures[each];
      weighted[each] += gold * measures[each];
    }
    labels += 1;
    weight += gold;
  }
  for (const double sum : macro) out.push_back(ratio(sum, labels));
  for (const double sum : weighted) out.push_back(ratio(sum, weight));
}

double calibration_error(const Tally& sums) {
  double error = 0, count = 0;
  for (std::size_t bin = 0; bin < sums.bin_count.size(); ++bin) {
    error += std::abs(sums.bin_confidence[bin] - sums.bin_right[bin]);
    count += sums.bin_count[bin];
  }
  return ratio(error, count);
}

double overconfidence(const Tally& sums) {
  const auto sum = [](const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  return ratio(sum(sums.bin_confidence) - sum(sums.bin_right), sum(sums.bin_count));
}

std::vector<double> label_figures(const PreparedTexts& texts, const Tally& sums) {
  const auto sum = [](const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  std::vector<double> out = {sums.all_right / sums.weight};
  const auto add = [&out](std::initializer_list<double> figures) {
    for (const double figure : figures) out.push_back(figure);
  };
  if (texts.kind == EvaluationKind::single_label && texts.ordered) add({sums.within_one / sums.weight, sums.distance / sums.weight});
  if (texts.kind == EvaluationKind::multi_label) {
    const double right = sum(sums.right), gold = sum(sums.texts), predicted = sum(sums.predicted);
    add({ratio(gold + predicted - 2 * right, sums.weight * static_cast<double>(texts.num_labels)), ratio(right, predicted), ratio(right, gold),
                           f1_of(right, gold, predicted)});
  }
  average(texts, sums, out);
  add({sums.loss / sums.weight, sums.squared / sums.weight, calibration_error(sums), overconfidence(sums)});
  for (std::size_t label = 0; label < texts.num_labels; ++label) {
    const double right = sums.right[label], gold = sums.texts[label], predicted = sums.predicted[label];
    const bool occurs = gold + predicted > 0;
    out.push_back(occurs ? ratio(right, predicted) : kNoNumber);
    out.push_back(occurs ? ratio(right, gold) : kNoNumber);
    out.push_back(occurs ? f1_of(right, gold, predicted) : kNoNumber);
  }
  for (std::size_t bin = 0; bin < texts.bins; ++bin) {
    out.push_back(sums.bin_count[bin] > 0 ? sums.bin_right[bin] / sums.bin_count[bin] : kNoNumber);
  }
  if (sums.weight == 0) std::ranges::fill(out, kNoNumber);  // all of them are rejected
  if (texts.may_reject) out.insert(out.begin() + kCoverage, ratio(sums.weight, sums.weight + sums.rejected));
  return out;
}

void check(const ScoredTexts& texts, const EvaluateOptions& options) {
  const std::size_t count = texts.texts(), labels = texts.labels.size();
  if (count == 0) refuse("scores: expected those of a text or more, found none");
  const auto expect = [](const char* what, std::size_t expected, std::size_t found) {
    if (expected != found) refuse(fmt::format("{}: expected {}, found {}", what, expected, found));
  };
  expect("scores", count * labels, texts.scores.size());
  if (texts.kind == EvaluationKind::regression) expect("labels", 1, labels);
  if (texts.kind == EvaluationKind::regression) expect("targets", count, texts.targets.size());
  if (texts.kind == EvaluationKind::single_label) expect("gold", count, texts.gold.size());
  if (texts.kind == EvaluationKind::multi_label) expect("gold_labels", count * labels, texts.gold_labels.size());
  if (!texts.rejected.empty()) expect("rejected", texts.kind == EvaluationKind::single_label ? count : 0, texts.rejected.size());
  if (!texts.thresholds.empty()) expect("thresholds", texts.kind == EvaluationKind::multi_label ? labels : 0, texts.thresholds.size());
  for (const float score : texts.scores) {
    if (texts.kind == EvaluationKind::regression ? std::isfinite(score) : score >= 0 && score <= 1) continue;
    refuse(fmt::format("scores: expected {}, found {}", texts.kind == EvaluationKind::regression ? "numbers" : "those from 0 to 1", score));
  }
  for (const double target : texts.targets) {
    if (!std::isfinite(target)) refuse(fmt::format("targets: expected numbers, found {}", target));
  }
  if (texts.kind == EvaluationKind::single_label) {
    for (const std::int32_t id : texts.gold) {
      if (id < 0 || static_cast<std::size_t>(id) >= labels) refuse(fmt::format("gold: expected ids below {}, found {}", labels, id));
    }
  }
  constexpr std::size_t kMostBins = 10'000;
  if (options.bins == 0 || options.bins > kMostBins) refuse(fmt::format("bins: expected 1 to {}, found {}", kMostBins, options.bins));
  if (!(options.confidence > 0 && options.confidence < 1)) refuse(fmt::format("confidence: expected a number between 0 and 1, found {}", options.confidence));
  if (!(options.threshold >= 0 && options.threshold <= 1)) refuse(fmt::format("threshold: expected a number from 0 to 1, found {}", options.threshold));
}

void add_single(const ScoredRow& row, double weight, Tally& sums) {
  sums.texts[static_cast<std::size_t>(row.gold)] += weight;
  sums.predicted[static_cast<std::size_t>(row.predicted)] += weight;
  if (row.right) sums.right[static_cast<std::size_t>(row.gold)] += weight;
  const int distance = std::abs(row.gold - row.predicted);
  sums.distance += weight * distance;
  if (distance <= 1) sums.within_one += weight;
  sums.bin_count[row.bin] += weight;
  sums.bin_confidence[row.bin] += weight * row.confidence;
  if (row.right) sums.bin_right[row.bin] += weight;
}

void add_multi(std::span<const ScoredLabel> labels, double weight, Tally& sums) {
  for (std::size_t label = 0; label < labels.size(); ++label) {
    const ScoredLabel& each = labels[label];
    if (each.gold) sums.texts[label] += weight;
    if (each.predicted) sums.predicted[label] += weight;
    if (each.gold && each.predicted) sums.right[label] += weight;
    sums.bin_count[each.bin] += weight;
    sums.bin_confidence[each.bin] += weight * double{each.score};
    if (each.gold) sums.bin_right[each.bin] += weight;
  }
}

}  // namespace

std::size_t bin_of(double score, std::size_t bins) {
  const double place = std::ceil(score * static_cast<double>(bins)) - 1;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)));
}

PreparedTexts prepare(const ScoredTexts& texts, const EvaluateOptions& options) {
  check(texts, options);
  PreparedTexts prepared;
  prepared.kind = texts.kind;
  prepared.ordered = options.ordered;
  prepared.may_reject = !texts.rejected.empty();
  prepared.num_labels = texts.labels.size();
  if (texts.kind == EvaluationKind::regression) {
    prepared.values.assign(texts.scores.begin(), texts.scores.end());
    prepared.targets = texts.targets;
    prepared.by_value = ascending(prepared.values);
    prepared.by_target = ascending(prepared.targets);
    return prepared;
  }
  prepared.bins = options.bins;
  prepared.rows.reserve(texts.texts());
  if (texts.kind == EvaluationKind::multi_label) prepared.label_rows.reserve(texts.scores.size());
  for (std::size_t text = 0; text < texts.texts(); ++text) {
    const std::size_t first = text * prepared.num_labels;
    const std::span<const float> scores = std::span(texts.scores).subspan(first, prepared.num_labels);
    prepared.rows.push_back(texts.kind == EvaluationKind::single_label
                                ? single_row(scores, texts.gold[text], options.bins)
                                : multi_row(scores, std::span(texts.gold_labels).subspan(first, prepared.num_labels), texts.thresholds, options,
                                            prepared.label_rows));
    prepared.rows.back().rejected = prepared.may_reject && texts.rejected[text] != 0;
  }
  return prepared;
}

Tally tally(const PreparedTexts& texts, std::span<const std::uint32_t> weights) {
  Tally sums;
  for (std::vector<double>* each : {&sums.right, &sums.texts, &sums.predicted}) each->assign(texts.num_labels, 0);
  for (std::vector<double>* each : {&sums.bin_count, &sums.bin_confidence, &sums.bin_right}) each->assign(texts.bins, 0);
  for (std::size_t text = 0; text < texts.rows.size(); ++text) {
    if (weights[text] == 0) continue;
    const ScoredRow& row = texts.rows[text];
    const double weight = weights[text];
    if (row.rejected) {
      sums.rejected += weight;
      continue;
    }
    sums.weight += weight;
    sums.loss += weight * row.loss;
    sums.squared += weight * row.squared;
    if (row.right) sums.all_right += weight;
    if (texts.kind == EvaluationKind::single_label) {
      add_single(row, weight, sums);
    } else {
      add_multi(std::span(texts.label_rows).subspan(text * texts.num_labels, texts.num_labels), weight, sums);
    }
  }
  return sums;
}

std::vector<double> figures(const PreparedTexts& texts, std::span<const std::uint32_t> weights) {
  return texts.kind == EvaluationKind::regression ? regression_figures(texts, weights) : label_figures(texts, tally(texts, weights));
}

}  // namespace filbert
