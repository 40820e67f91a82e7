// Entities that are right, counted text by text, and figures of the counts: a sample of texts is only another set of weights. Tested by
// evaluate_entities_test.cpp.
#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/evaluate_entities.h>

#include "base/thread_pool.h"
#include "evaluate/bootstrap.h"
#include "evaluate/entity_metrics.h"

namespace filbert {
namespace {

// The first is what slices and comparisons are about.
constexpr MeasureInfo kEntityMeasures[] = {
    {"micro_f1", "micro F1", 1, true},
    {"micro_precision", "micro precision", 1, true},
    {"micro_recall", "micro recall", 1, true},
    {"macro_f1", "macro F1", 1, true},
    {"macro_precision", "macro precision", 1, true},
    {"macro_recall", "macro recall", 1, true},
    {"weighted_f1", "weighted F1", 1, true},
    {"weighted_precision", "weighted precision", 1, true},
    {"weighted_recall", "weighted recall", 1, true},
    {"overlap_f1", "overlap F1", 1, true},
    {"overlap_precision", "overlap precision", 1, true},
    {"overlap_recall", "overlap recall", 1, true},
    {"boundary_f1", "boundary F1", 1, true},
    {"boundary_precision", "boundary precision", 1, true},
    {"boundary_recall", "boundary recall", 1, true},
    {"exact_match", "texts all right", 1, true},
    {"accuracy", "label accuracy", 1, true},
};

struct TypeCount {
  std::uint32_t type = 0, gold = 0, predicted = 0, right = 0;
};

// What a text adds to the sums.
struct TextCounts {
  std::uint32_t first = 0, last = 0;  // of its type counts
  std::uint32_t gold = 0, predicted = 0, right = 0;
  std::uint32_t overlapped_gold = 0, overlapping_predicted = 0;
  std::uint32_t gold_ends = 0, predicted_ends = 0, right_ends = 0;  // places, whatever the type
  std::uint32_t words = 0, right_words = 0;
  bool all_right = false;
};

struct PreparedEntities {
  std::vector<std::string> types;
  std::vector<TextCounts> texts;
  std::vector<TypeCount> counts;
  bool has_words = false;
};

bool is_before(const EntitySpan& a, const EntitySpan& b) { return std::tie(a.begin, a.end, a.type) < std::tie(b.begin, b.end, b.type); }
bool is_same(const EntitySpan& a, const EntitySpan& b) { return !is_before(a, b) && !is_before(b, a); }
bool overlaps(const EntitySpan& a, const EntitySpan& b) {
  return std::max(a.begin, b.begin) < std::min(a.end, b.end) || (a.begin == b.begin && a.end == b.end);
}

std::vector<EntitySpan> distinct(std::vector<EntitySpan> spans) {
  std::ranges::stable_sort(spans, is_before);
  spans.erase(std::unique(spans.begin(), spans.end(), is_same), spans.end());
  return spans;
}

using Ends = std::pair<std::size_t, std::size_t>;

std::vector<Ends> ends_of(std::span<const EntitySpan> sorted) {
  std::vector<Ends> ends;
  for (const EntitySpan& span : sorted) {
    if (ends.empty() || ends.back() != Ends{span.begin, span.end}) ends.emplace_back(span.begin, span.end);
  }
  return ends;
}

std::uint32_t count_overlapped(std::span<const EntitySpan> spans, std::span<const EntitySpan> others) {
  return static_cast<std::uint32_t>(std::ranges::count_if(spans, [&](const EntitySpan& span) {
    return std::ranges::any_of(others, [&](const EntitySpan& other) { return span.type == other.type && overlaps(span, other); });
  }));
}

TextCounts counts_of(const EntityText& text, const std::map<std::string, std::uint32_t>& ids, std::vector<TypeCount>& all) {
  const std::vector<EntitySpan> gold = distinct(text.gold), predicted = distinct(text.predicted);
  std::map<std::uint32_t, TypeCount> of_type;
  for (const EntitySpan& span : gold) ++of_type[ids.at(span.type)].gold;
  for (const EntitySpan& span : predicted) {
    TypeCount& count = of_type[ids.at(span.type)];
    ++count.predicted;
    count.right += std::ranges::binary_search(gold, span, is_before);
  }
  TextCounts counts;
  counts.first = static_cast<std::uint32_t>(all.size());
  for (auto& [type, count] : of_type) {
    count.type = type;
    counts.right += count.right;
    all.push_back(count);
  }
  counts.last = static_cast<std::uint32_t>(all.size());
  counts.gold = static_cast<std::uint32_t>(gold.size());
  counts.predicted = static_cast<std::uint32_t>(predicted.size());
  counts.all_right = counts.right == counts.gold && counts.right == counts.predicted;
  counts.overlapped_gold = count_overlapped(gold, predicted);
  counts.overlapping_predicted = count_overlapped(predicted, gold);
  const std::vector<Ends> gold_ends = ends_of(gold), predicted_ends = ends_of(predicted);
  counts.gold_ends = static_cast<std::uint32_t>(gold_ends.size());
  counts.predicted_ends = static_cast<std::uint32_t>(predicted_ends.size());
  counts.right_ends = static_cast<std::uint32_t>(std::ranges::count_if(predicted_ends, [&](const Ends& ends) {
    return std::ranges::binary_search(gold_ends, ends);
  }));
  counts.words = static_cast<std::uint32_t>(text.words);
  counts.right_words = static_cast<std::uint32_t>(text.right_words);
  return counts;
}

PreparedEntities prepare(std::span<const EntityText> texts) {
  if (texts.empty()) throw Error(ErrorKind::invalid_argument, "texts: expected one at least, found none");
  std::map<std::string, std::uint32_t> ids;
  for (const EntityText& text : texts) {
    for (const EntitySpan& span : text.gold) ids.emplace(span.type, 0);
    for (const EntitySpan& span : text.predicted) ids.emplace(span.type, 0);
  }
  PreparedEntities prepared;
  for (auto& [type, id] : ids) {
    id = static_cast<std::uint32_t>(prepared.types.size());
    prepared.types.push_back(type);
  }
  for (const EntityText& text : texts) {
    prepared.texts.push_back(counts_of(text, ids, prepared.counts));
    prepared.has_words |= text.words > 0;
  }
  return prepared;
}

void append(const Ratios& ratios, std::vector<double>& out) { out.insert(out.end(), {ratios.f1, ratios.precision, ratios.recall}); }

// NaN where there is nothing to be right or wrong about.
Ratios shown(const SpanCounts& counts, const Ratios& ratios) {
  return counts.gold + counts.predicted == 0 ? Ratios{kNoNumber, kNoNumber, kNoNumber} : ratios;
}

// Precision is of the predicted, recall of the gold ones: each has its own count of what is right.
Ratios ratios_of_both(const SpanCounts& gold, const SpanCounts& predicted) {
  const double precision = predicted.predicted == 0 ? 0 : predicted.right / predicted.predicted, recall = gold.gold == 0 ? 0 : gold.right / gold.gold;
  return {precision, recall, precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)};
}

struct Sums {
  std::vector<SpanCounts> types;
  SpanCounts all, overlapped_gold, overlapping_predicted, ends;
  double weight = 0, all_right = 0, words = 0, right_words = 0;
};

Sums sums_of(const PreparedEntities& prepared, std::span<const std::uint32_t> weights) {
  Sums sums;
  sums.types.resize(prepared.types.size());
  for (std::size_t text = 0; text < weights.size(); ++text) {
    if (weights[text] == 0) continue;
    const double weight = weights[text];
    const TextCounts& counts = prepared.texts[text];
    const auto add = [weight](SpanCounts& sum, std::uint32_t gold, std::uint32_t predicted, std::uint32_t right) {
      sum.gold += weight * gold;
      sum.predicted += weight * predicted;
      sum.right += weight * right;
    };
    for (std::uint32_t at = counts.first; at < counts.last; ++at) {
      const TypeCount& count = prepared.counts[at];
      add(sums.types[count.type], count.gold, count.predicted, count.right);
    }
    add(sums.all, counts.gold, counts.predicted, counts.right);
    add(sums.overlapped_gold, counts.gold, counts.predicted, counts.overlapped_gold);
    add(sums.overlapping_predicted, counts.gold, counts.predicted, counts.overlapping_predicted);
    add(sums.ends, counts.gold_ends, counts.predicted_ends, counts.right_ends);
    sums.weight += weight;
    sums.all_right += weight * counts.all_right;
    sums.words += weight * counts.words;
    sums.right_words += weight * counts.right_words;
  }
  return sums;
}

// entity_measures(), then F1, precision and recall of each type.
std::vector<double> figures(const PreparedEntities& prepared, std::span<const std::uint32_t> weights) {
  const Sums sums = sums_of(prepared, weights);
  std::vector<SpanCounts> occurring;  // a sample may lack a type, which then counts for nothing
  std::ranges::copy_if(sums.types, std::back_inserter(occurring), [](const SpanCounts& type) { return type.gold + type.predicted > 0; });
  std::vector<double> values;
  append(shown(sums.all, ratios_of(sums.all)), values);
  append(macro(occurring), values);
  append(shown(sums.all, weighted(occurring)), values);
  append(shown(sums.all, ratios_of_both(sums.overlapped_gold, sums.overlapping_predicted)), values);
  append(shown(sums.all, ratios_of(sums.ends)), values);
  values.push_back(sums.all_right / sums.weight);
  if (prepared.has_words) values.push_back(sums.words == 0 ? kNoNumber : sums.right_words / sums.words);
  for (const SpanCounts& type : sums.types) append(shown(type, ratios_of(type)), values);
  return values;
}

std::vector<std::vector<double>> samples_of(const PreparedEntities& prepared, const EvaluateOptions& options) {
  std::vector<std::vector<double>> samples(options.bootstrap);
  ThreadPool threads(std::max(1U, options.num_threads));
  std::vector<std::vector<std::uint32_t>> weights(threads.size());
  threads.parallel_for(samples.size(), [&](std::size_t sample, unsigned thread) {
    weights[thread].resize(prepared.texts.size());
    draw_weights(options.seed, sample, weights[thread]);
    samples[sample] = figures(prepared, weights[thread]);
  });
  return samples;
}

struct Measured {
  std::vector<double> values;
  std::vector<std::vector<double>> samples;
  double confidence = 0;

  Measured(const PreparedEntities& prepared, const EvaluateOptions& options)
      : values(figures(prepared, std::vector<std::uint32_t>(prepared.texts.size(), 1))), samples(samples_of(prepared, options)),
          confidence(options.confidence) {}

  std::vector<double> column(std::size_t at) const {
    std::vector<double> out;
    for (const std::vector<double>& sample : samples) out.push_back(sample[at]);
    return out;
  }
  Measure at(std::size_t place) const { return with_interval(values[place], column(place), confidence); }
};

void count_outcomes(std::span<const EntityText> texts, EntityEvaluation& evaluation) {
  std::map<std::string_view, std::size_t> ids;
  for (const EntityTypeMeasures& type : evaluation.types) ids.emplace(type.type, ids.size());
  const std::size_t none = ids.size();
  evaluation.confusion.resize((none + 1) * (none + 1));
  for (const EntityText& text : texts) {
    const EntityText once{distinct(text.gold), distinct(text.predicted)};
    for (const EntityPair& pair : pair_entities(once)) {
      const std::size_t gold = pair.gold < 0 ? none : ids.at(once.gold[static_cast<std::size_t>(pair.gold)].type);
      const std::size_t predicted = pair.predicted < 0 ? none : ids.at(once.predicted[static_cast<std::size_t>(pair.predicted)].type);
      ++evaluation.confusion[gold * (none + 1) + predicted];
      ++evaluation.outcomes[static_cast<std::size_t>(pair.outcome)];
    }
  }
}

}  // namespace

std::vector<MeasureInfo> entity_measures(bool has_words) {
  return {std::begin(kEntityMeasures), std::end(kEntityMeasures) - (has_words ? 0 : 1)};
}

const Measure& EntityEvaluation::at(std::string_view measure) const {
  for (const NamedMeasure& each : measures) {
    if (each.info.name == measure) return each.measure;
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("measure: expected one of entities, found \"{}\"", measure));
}

EntityEvaluation evaluate_entities(std::span<const EntityText> texts, const EvaluateOptions& options) {
  const PreparedEntities prepared = prepare(texts);
  const Measured measured(prepared, options);
  EntityEvaluation evaluation;
  evaluation.texts = texts.size();
  std::size_t at = 0;
  for (const MeasureInfo& info : entity_measures(prepared.has_words)) evaluation.measures.push_back({info, measured.at(at++)});
  for (const std::string& type : prepared.types) {
    EntityTypeMeasures each{.type = type, .precision = measured.at(at + 1), .recall = measured.at(at + 2), .f1 = measured.at(at)};
    evaluation.types.push_back(std::move(each));
    at += 3;
  }
  for (const TypeCount& count : prepared.counts) {
    EntityTypeMeasures& type = evaluation.types[count.type];
    type.gold += count.gold;
    type.predicted += count.predicted;
    type.right += count.right;
  }
  for (const EntityTypeMeasures& type : evaluation.types) {
    evaluation.gold += type.gold;
    evaluation.predicted += type.predicted;
    evaluation.right += type.right;
  }
  count_outcomes(texts, evaluation);
  return evaluation;
}

EntityComparison compare_entities(std::span<const EntityText> first, std::span<const EntityText> second, const EvaluateOptions& options) {
  const auto same_gold = [](const EntityText& a, const EntityText& b) { return std::ranges::equal(distinct(a.gold), distinct(b.gold), is_same); };
  if (!std::ranges::equal(first, second, same_gold)) {
    throw Error(ErrorKind::invalid_argument, "compare_entities: expected the same texts with the same gold entities, found others");
  }
  const PreparedEntities a = prepare(first), b = prepare(second);
  EntityComparison comparison;
  for (std::size_t text = 0; text < first.size(); ++text) {
    const std::vector<EntitySpan> of_first = distinct(first[text].predicted), of_second = distinct(second[text].predicted);
    comparison.same_prediction += std::ranges::equal(of_first, of_second, is_same);
    for (const EntitySpan& span : distinct(first[text].gold)) {
      const bool by_first = std::ranges::binary_search(of_first, span, is_before), by_second = std::ranges::binary_search(of_second, span, is_before);
      ++(by_first ? (by_second ? comparison.both_found : comparison.only_first) : (by_second ? comparison.only_second : comparison.neither));
    }
  }
  std::tie(comparison.mcnemar_exact, comparison.mcnemar_mid_p) = mcnemar(comparison.only_first, comparison.only_second);
  const Measured of_a(a, options), of_b(b, options);  // of the same seed: the same texts
  for (const MeasureInfo& info : entity_measures(a.has_words)) {
    const std::size_t at = comparison.differences.size();
    std::vector<double> changes = of_b.column(at);
    const std::vector<double> before = of_a.column(at);
    for (std::size_t sample = 0; sample < changes.size(); ++sample) changes[sample] -= before[sample];
    if (at == 0 && !changes.empty()) {
      const auto share = [&](auto is_counted) { return static_cast<double>(std::ranges::count_if(changes, is_counted)) / static_cast<double>(changes.size()); };
      comparison.bootstrap_p = std::min(1.0, 2 * std::min(share([](double change) { return change <= 0; }), share([](double change) { return change >= 0; })));
    }
    comparison.differences.push_back({info, with_interval(of_b.values[at] - of_a.values[at], std::move(changes), options.confidence)});
  }
  return comparison;
}

}  // namespace filbert
