// How far two summaries lie apart. Tested by drift_test.cpp.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "base/refuse.h"
#include "evaluate/drift.h"
#include "evaluate/two_samples.h"

namespace filbert {
namespace {

constexpr std::size_t kBars = 40;
constexpr double kShownShare = 0.995;  // of the texts, and the last bar has the rest,
constexpr double kLongTail = 1.5;      // where the largest value is so much farther away: a single long text would hide all others

using KindCounts = std::map<std::string, std::uint64_t>;

void check(const DriftSummary& reference, const DriftSummary& current, const DriftOptions& options) {
  if (options.bins < 2 || options.bins > 1000) refuse(fmt::format("bins: expected 2 to 1000, found {}", options.bins));
  if (!(options.some > 0) || !(options.much >= options.some)) refuse(fmt::format("some, much: expected 0 < some <= much, found {} and {}", options.some, options.much));
  const double least = static_cast<double>(drift_measures().size()) / options.false_alarms;
  if (!(options.false_alarms > 0) || !(static_cast<double>(options.replicates) + 1 >= least)) {
    refuse(fmt::format("replicates: expected at least {:.0f} for {} of false alarms, found {}", least - 1, options.false_alarms, options.replicates));
  }
  for (const DriftSummary* summary : {&reference, &current}) {
    if (summary->texts == 0) refuse(fmt::format("{}: expected texts, found none", summary->input));
  }
  const auto same = [&](const char* what, const std::string& of_reference, const std::string& of_current) {
    if (of_reference == of_current || of_reference.empty() || of_current.empty()) return;
    refuse(fmt::format("{}: expected what the {} {} has measured, found that of {}", reference.input, what, of_current, of_reference));
  };
  same("weights", reference.model_sha256, current.model_sha256);
  same("tokenizer", reference.tokenizer_sha256, current.tokenizer_sha256);
  if (reference.decision_sha256 != current.decision_sha256) {
    const auto shown = [](const std::string& hash) { return hash.empty() ? "none" : hash; };
    refuse(fmt::format("{}: decision: expected {}, found {}: labels and scores would differ by that alone", reference.input, shown(current.decision_sha256),
                       shown(reference.decision_sha256)));
  }
  if (reference.max_length != current.max_length) {
    const auto shown = [](const auto& length) { return length ? fmt::format("{}", *length) : std::string("none"); };
    refuse(fmt::format("{}: max_length: expected {}, found {}", reference.input, shown(current.max_length), shown(reference.max_length)));
  }
}

double mean(const ValueCounts& counts) {
  double sum = 0;
  for (const auto& [value, count] : counts) sum += value * static_cast<double>(count);
  return sum / static_cast<double>(total(counts));
}

std::vector<HistogramBar> histogram(const ValueCounts& reference, const ValueCounts& current) {
  ValueCounts both = reference;
  for (const auto& [value, count] : current) both[value] += count;
  const bool whole = std::ranges::all_of(both, [](const auto& each) { return each.first == std::floor(each.first); });
  const double low = both.begin()->first, most = both.rbegin()->first, usual = std::max(quantile(both, kShownShare), low);
  const double high = most - low <= kLongTail * (usual - low) ? most : usual;
  double width = (high - low) / static_cast<double>(kBars);
  if (whole) width = std::max(1.0, std::ceil((high - low + 1) / static_cast<double>(kBars)));
  if (width <= 0) width = 1;
  const auto count = static_cast<std::size_t>(std::clamp(std::floor((high - low) / width) + (whole ? 1 : 0), 1.0, static_cast<double>(kBars)));
  std::vector<HistogramBar> bars(count);
  for (std::size_t bar = 0; bar < count; ++bar) bars[bar] = {low + width * static_cast<double>(bar), low + width * static_cast<double>(bar + 1)};
  bars.back().high = std::max(bars.back().high, both.rbegin()->first);
  const auto place = [&](double value) { return static_cast<std::size_t>(std::min((value - low) / width, static_cast<double>(count - 1))); };
  for (const auto& [value, texts] : reference) bars[place(value)].reference += texts;
  for (const auto& [value, texts] : current) bars[place(value)].current += texts;
  return bars;
}

// The counts of a measure's bins; names and counts go into `measure`.
struct Counts {
  std::vector<std::uint64_t> reference, current;
};

Counts counts_of_numbers(const ValueCounts& reference, const ValueCounts& current, std::size_t bins, DriftMeasure& measure) {
  const std::vector<double> edges = quantile_edges(reference, bins);
  Counts counts{binned(reference, edges), binned(current, edges)};
  for (std::size_t bin = 0; bin <= edges.size(); ++bin) measure.bins.push_back({bin_name(edges, bin), counts.reference[bin], counts.current[bin], 0});
  const TestResult test = kolmogorov_smirnov(reference, current);
  measure.statistic = test.statistic, measure.p_value = test.p_value;
  measure.reference_median = quantile(reference, 0.5), measure.current_median = quantile(current, 0.5);
  measure.reference_mean = mean(reference), measure.current_mean = mean(current);
  measure.histogram = histogram(reference, current);
  return counts;
}

Counts counts_of_kinds(const KindCounts& reference, const KindCounts& current, DriftMeasure& measure) {
  std::set<std::string> names;
  for (const KindCounts* counts : {&reference, &current}) {
    for (const auto& [name, count] : *counts) names.insert(name);
  }
  Counts counts;
  for (const std::string& name : names) {
    const auto of = [&](const KindCounts& all) { return all.contains(name) ? all.at(name) : 0; };
    counts.reference.push_back(of(reference)), counts.current.push_back(of(current));
    measure.bins.push_back({name, of(reference), of(current), 0});
  }
  const TestResult test = chi_square(counts.reference, counts.current);
  measure.statistic = test.statistic, measure.p_value = test.p_value;
  return counts;
}

std::string change(const DriftMeasure& measure, const DriftBin& bin) {
  return fmt::format("{} {:.1f} % → {:.1f} %", bin.name, 100 * share(bin.reference, measure.reference_texts), 100 * share(bin.current, measure.current_texts));
}

std::string reason_of(const DriftMeasure& measure) {
  std::vector<const DriftBin*> bins;
  for (const DriftBin& bin : measure.bins) bins.push_back(&bin);
  std::ranges::stable_sort(bins, [](const DriftBin* a, const DriftBin* b) { return a->psi > b->psi; });
  if (measure.info.is_number) {
    return fmt::format("{}: median {:g} → {:g}, mean {:.4g} → {:.4g}; {}", measure.info.title, measure.reference_median, measure.current_median,
                       measure.reference_mean, measure.current_mean, change(measure, *bins.front()));
  }
  std::string text = fmt::format("{}: ", measure.info.title);
  if (measure.bins.size() == 2 && measure.bins[1].name == "yes") return text + change(measure, measure.bins[1]);
  for (std::size_t at = 0; at < std::min<std::size_t>(bins.size(), 2); ++at) text += (at == 0 ? "" : ", ") + change(measure, *bins[at]);
  return text;
}

void add_examples(const DriftExamples& examples, DriftMeasure& measure) {
  const DriftBin* newest = nullptr;  // what has become more, most of all
  for (const DriftBin& bin : measure.bins) {
    const bool is_more = share(bin.current, measure.current_texts) > share(bin.reference, measure.reference_texts);
    if (is_more && (!newest || bin.psi > newest->psi)) newest = &bin;
  }
  if (!newest) return;
  const auto found = examples.find({std::string(measure.info.name), newest->name});
  if (found == examples.end()) return;
  for (const std::string& text : found->second) measure.examples.push_back({newest->name, text});
}

void judge(const Counts& counts, const DriftExamples& examples, const DriftOptions& options, std::size_t measures, std::size_t place, DriftMeasure& measure) {
  const std::vector<double> parts = psi_parts(counts.reference, counts.current);
  for (std::size_t bin = 0; bin < parts.size(); ++bin) measure.bins[bin].psi = parts[bin], measure.psi += parts[bin];
  const std::vector<double> chance = psi_by_chance(counts.reference, counts.current, options.replicates, std::uint64_t{options.seed} * 1000 + place);
  const double alarms = options.false_alarms / static_cast<double>(measures);
  const auto as_large = chance.end() - std::ranges::lower_bound(chance, measure.psi);
  const double all = static_cast<double>(chance.size()) + 1;
  measure.chance_p = (static_cast<double>(as_large) + 1) / all;
  // The least PSI whose chance_p is at most `alarms` is above this one.
  const auto allowed = static_cast<std::size_t>(std::floor(alarms * all + 1e-9)) - 1;
  measure.chance_limit = chance[chance.size() - 1 - allowed];
  if (measure.chance_p > alarms + 1e-9 || measure.psi < options.some) return;
  measure.drift = measure.psi >= options.much ? Drift::much : Drift::some;
  measure.reason = reason_of(measure);
  add_examples(examples, measure);
}

template <typename Counts>
const Counts* find(const std::map<std::string, Counts>& all, std::string_view name) {
  const auto found = all.find(std::string(name));
  return found == all.end() || found->second.empty() ? nullptr : &found->second;
}

template <typename Counts>
std::uint64_t texts_of(const Counts& counts) {
  std::uint64_t all = 0;
  for (const auto& [value, count] : counts) all += count;
  return all;
}

void add_notes(DriftReport& report) {
  std::vector<std::string> unsure;
  double limit = 0;
  for (const DriftMeasure& measure : report.measures) {
    if (measure.drift != Drift::none || measure.chance_limit < report.options.much) continue;
    unsure.emplace_back(measure.info.title);
    limit = std::max(limit, measure.chance_limit);
  }
  if (unsure.empty()) return;
  report.notes.push_back(fmt::format("Too few texts to tell much drift from chance, which alone gives a PSI of up to {:.2f}: {}.", limit, fmt::join(unsure, ", ")));
}

}  // namespace

DriftReport compare_drift(const DriftSummary& reference, const DriftSummary& current, const DriftExamples& examples, const DriftOptions& options) {
  check(reference, current, options);
  DriftReport report{.reference = reference, .current = current, .options = options};
  const std::size_t measures = drift_measures().size();
  for (std::size_t place = 0; place < measures; ++place) {
    const DriftMeasureInfo& info = drift_measures()[place];
    DriftMeasure measure{.info = info};
    Counts counts;
    const auto both = [&](const auto* of_reference, const auto* of_current) {
      if (of_reference && of_current) {
        measure.reference_texts = texts_of(*of_reference), measure.current_texts = texts_of(*of_current);
        return true;
      }
      if (of_reference || of_current) report.notes.push_back(fmt::format("Only {} has the {}.", of_reference ? reference.input : current.input, info.title));
      return false;
    };
    if (info.is_number) {
      const auto *a = find(reference.numbers, info.name), *b = find(current.numbers, info.name);
      if (!both(a, b)) continue;
      counts = counts_of_numbers(*a, *b, options.bins, measure);
    } else {
      const auto *a = find(reference.shares, info.name), *b = find(current.shares, info.name);
      if (!both(a, b)) continue;
      counts = counts_of_kinds(*a, *b, measure);
    }
    judge(counts, examples, options, measures, place, measure);
    report.drift = std::max(report.drift, measure.drift);
    report.measures.push_back(std::move(measure));
  }
  add_notes(report);
  return report;
}

}  // namespace filbert
