#include "evaluate/entity_metrics.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <filbert/error.h>

#include "evaluate/label_spans.h"

namespace filbert {
namespace {

using Sequences = std::span<const std::vector<std::string>>;

SpanCounts sum_of(std::span<const SpanCounts> types) {
  SpanCounts all;
  for (const SpanCounts& type : types) {
    all.gold += type.gold;
    all.predicted += type.predicted;
    all.right += type.right;
  }
  return all;
}

void check_lengths(Sequences gold, Sequences predicted) {
  if (gold.size() != predicted.size()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("predicted: expected {} sequences, as there are gold ones, found {}", gold.size(), predicted.size()));
  }
  for (std::size_t at = 0; at < gold.size(); ++at) {
    if (gold[at].size() == predicted[at].size()) continue;
    throw Error(ErrorKind::invalid_argument, fmt::format("predicted: sequence {}: expected {} labels, as the gold one has, found {}", at + 1, gold[at].size(),
        predicted[at].size()));
  }
}

std::vector<LabelSpan> spans_of(Sequences sequences, const SequenceOptions& options) {
  SpanReader reader(options.rules, options.suffix);
  for (const std::vector<std::string>& labels : sequences) reader.take(labels);
  return std::move(reader).spans();
}

SpanFigures figures_of(const Ratios& ratios, double support) { return {ratios.precision, ratios.recall, ratios.f1, static_cast<std::size_t>(support)}; }

template <typename Visit>
void for_each_label(Sequences gold, Sequences predicted, const Visit& visit) {
  check_lengths(gold, predicted);
  for (std::size_t sequence = 0; sequence < gold.size(); ++sequence) {
    for (std::size_t label = 0; label < gold[sequence].size(); ++label) visit(gold[sequence][label], predicted[sequence][label]);
  }
}

}  // namespace

Ratios ratios_of(const SpanCounts& counts, double zero_division) {
  const double precision = counts.predicted == 0 ? zero_division : counts.right / counts.predicted;
  const double recall = counts.gold == 0 ? zero_division : counts.right / counts.gold;
  const double sum = precision + recall;
  return {precision, recall, 2.0 * precision * recall / (sum == 0 ? 1.0 : sum)};
}

Ratios micro(std::span<const SpanCounts> types, double zero_division) { return ratios_of(sum_of(types), zero_division); }

Ratios macro(std::span<const SpanCounts> types, double zero_division) {
  if (types.empty()) return {kNoNumber, kNoNumber, kNoNumber};
  Ratios sum;
  for (const SpanCounts& type : types) {
    const Ratios each = ratios_of(type, zero_division);
    sum.precision += each.precision;
    sum.recall += each.recall;
    sum.f1 += each.f1;
  }
  const auto count = static_cast<double>(types.size());
  return {sum.precision / count, sum.recall / count, sum.f1 / count};
}

Ratios weighted(std::span<const SpanCounts> types, double zero_division) {
  const SpanCounts all = sum_of(types);
  const double undefined = all.predicted == 0 ? zero_division : 0;
  if (all.gold == 0) return {undefined, zero_division, undefined};
  Ratios sum;
  for (const SpanCounts& type : types) {
    const Ratios each = ratios_of(type, zero_division);
    sum.precision += each.precision * type.gold;
    sum.recall += each.recall * type.gold;
    sum.f1 += each.f1 * type.gold;
  }
  return {sum.precision / all.gold, sum.recall / all.gold, sum.f1 / all.gold};
}

SequenceFigures sequence_figures(Sequences gold, Sequences predicted, const SequenceOptions& options) {
  check_lengths(gold, predicted);
  if (options.zero_division != 0 && options.zero_division != 1) {
    throw Error(ErrorKind::invalid_argument, fmt::format("zero_division: expected 0 or 1, found {}", options.zero_division));
  }
  std::vector<LabelSpan> expected = spans_of(gold, options), found = spans_of(predicted, options), right;
  std::ranges::sort(expected);
  std::ranges::sort(found);
  std::ranges::set_intersection(expected, found, std::back_inserter(right));
  std::map<std::string, SpanCounts> counts;
  for (const LabelSpan& span : expected) ++counts[span.type].gold;
  for (const LabelSpan& span : found) ++counts[span.type].predicted;
  for (const LabelSpan& span : right) ++counts[span.type].right;
  SequenceFigures figures;
  std::vector<SpanCounts> types;
  for (const auto& [type, count] : counts) {
    types.push_back(count);
    figures.types.push_back({type, static_cast<std::size_t>(count.predicted), static_cast<std::size_t>(count.right),
                             figures_of(ratios_of(count, options.zero_division), count.gold)});
  }
  const double support = static_cast<double>(expected.size());
  figures.micro = figures_of(micro(types, options.zero_division), support);
  figures.macro = figures_of(macro(types, options.zero_division), support);
  figures.weighted = figures_of(weighted(types, options.zero_division), support);
  return figures;
}

double label_accuracy(Sequences gold, Sequences predicted) {
  std::size_t labels = 0, right = 0;
  for_each_label(gold, predicted, [&](const std::string& expected, const std::string& found) {
    ++labels;
    right += expected == found;
  });
  return labels == 0 ? kNoNumber : static_cast<double>(right) / static_cast<double>(labels);
}

LabelCounts label_counts(Sequences gold, Sequences predicted) {
  LabelCounts counts;
  for_each_label(gold, predicted, [&](const std::string& expected, const std::string& found) {
    if (found != "O") ++(expected == found ? counts.true_positives : counts.false_positives);
    else ++(expected == found ? counts.true_negatives : counts.false_negatives);
  });
  return counts;
}

}  // namespace filbert
