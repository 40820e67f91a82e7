#include "explain/corpus_words.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "explain/random.h"

namespace filbert {
namespace {

constexpr std::size_t kResamples = 1000;
constexpr double kNormal = 1.959964;  // of 95 %
constexpr std::size_t kCandidates = 4;  // resampled for each word that is shown
constexpr double kMixedShare = 0.2;     // at least this share of the texts on either side
constexpr std::size_t kMixedTexts = 10;

// Student's t of 95 %, by the expansion of Cornish and Fisher: from 2 degrees of freedom on within 4 %.
double student_t(double degrees) {
  if (degrees < 2) return 12.7062;
  const double z = kNormal, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * degrees) + (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees * degrees) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * degrees * degrees * degrees);
}

std::vector<float> values_of(const WordSums& sums) {
  std::vector<std::pair<std::uint32_t, float>> sample = sums.sample;
  std::sort(sample.begin(), sample.end());
  std::vector<float> values;
  for (const auto& [priority, value] : sample) values.push_back(value);
  return values;
}

// What a normal distribution would have as the nearer end of the interval, on this side of 0: which words are worth resampling.
double rough_bound(const WordSums& sums, int sign) {
  const double n = sums.texts, mean = sums.mean();
  const double variance = std::max(sums.sum_of_squares / n - mean * mean, 0.0) * n / std::max(n - 1, 1.0);
  return sign * mean - student_t(n - 1) * std::sqrt(variance / n);
}

// The mean of max(sign * value, 0) less twice its error: how much a word does on this side, surely.
double side(const std::vector<float>& values, int sign) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const float value : values) {
    const double part = std::max(sign * double{value}, 0.0);
    sum += part;
    squares += part * part;
  }
  const double variance = std::max(squares / n - sum / n * (sum / n), 0.0);
  return sum / n - kNormal * std::sqrt(variance / n);
}

using Ranked = std::pair<double, const std::pair<const std::string, WordSums>*>;

// The highest first; equal ones by their letters, so that a table does not depend on how a hash table lies.
void keep_highest(std::vector<Ranked>& ranked, std::size_t most) {
  const auto higher = [](const Ranked& a, const Ranked& b) { return a.first != b.first ? a.first > b.first : a.second->first < b.second->first; };
  const std::size_t kept = std::min(most, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(), higher);
  ranked.resize(kept);
}

}  // namespace

// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
std::uint32_t row_priority(std::size_t row, std::uint32_t seed) {
  std::uint64_t x = (row + (std::uint64_t{seed} << 40)) * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return static_cast<std::uint32_t>((x ^ x >> 31) >> 32);
}

Interval bootstrap_mean(std::span<const float> values, std::size_t texts, std::uint32_t seed) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::size_t n = values.size();
  if (n < 2) return {-kInfinity, kInfinity};
  double mean = 0;
  for (const float value : values) mean += value;
  mean /= static_cast<double>(n);
  RandomState random(seed);
  std::vector<double> means(kResamples);
  for (double& each : means) {
    double sum = 0;
    for (std::size_t drawn = 0; drawn < n; ++drawn) sum += values[random.interval(n - 1)];
    each = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  const double low = means[kResamples / 40], high = means[kResamples - 1 - kResamples / 40];
  const double n_ = static_cast<double>(n);
  const double wider = student_t(n_ - 1) / kNormal * std::sqrt(n_ / (n_ - 1)) * std::sqrt(n_ / static_cast<double>(std::max(texts, n)));
  return {mean + (low - mean) * wider, mean + (high - mean) * wider};
}

void WordTable::add(const std::string& word, std::size_t row, double value, bool is_decided) {
  WordSums& sums = words_[word];
  ++sums.texts;
  sums.decided += is_decided;
  sums.positive += value > 0;
  sums.sum += value;
  sums.sum_of_sizes += std::abs(value);
  sums.sum_of_squares += value * value;
  const std::pair entry(row_priority(row, seed_), static_cast<float>(value));
  if (sums.sample.size() < kMaxValues) {
    sums.sample.push_back(entry);
    std::push_heap(sums.sample.begin(), sums.sample.end());
  } else if (entry < sums.sample.front()) {
    std::pop_heap(sums.sample.begin(), sums.sample.end());
    sums.sample.back() = entry;
    std::push_heap(sums.sample.begin(), sums.sample.end());
  }
  if (words_.size() > max_words_) let_go();
}

void WordTable::let_go() {
  for (std::uint32_t least = 1; words_.size() > max_words_ / 2; least *= 2) {
    forgotten_ += std::erase_if(words_, [least](const auto& word) { return word.second.texts <= least; });
  }
}

const WordSums* WordTable::find(const std::string& word) const {
  const auto found = words_.find(word);
  return found == words_.end() ? nullptr : &found->second;
}

CorpusWord WordTable::row_of(const std::string& word, const WordSums& sums) const {
  const double n = sums.texts;
  const std::vector<float> values = values_of(sums);
  double of_sample = 0;
  for (const float value : values) of_sample += value;
  of_sample /= static_cast<double>(values.size());
  const Interval interval = bootstrap_mean(values, sums.texts, seed_);
  const double moved = sums.mean() - of_sample;  // the interval is around the mean of all
  return {word, sums.texts, sums.mean(), sums.sum_of_sizes / n, interval.low + moved, interval.high + moved, sums.positive / n};
}

std::vector<CorpusWord> WordTable::surest(int sign, std::size_t min_texts, std::size_t most) const {
  std::vector<Ranked> ranked;
  for (const auto& entry : words_) {
    if (entry.second.texts < std::max<std::size_t>(min_texts, 2) || sign * entry.second.mean() <= 0) continue;
    ranked.emplace_back(rough_bound(entry.second, sign), &entry);
  }
  keep_highest(ranked, kCandidates * most);
  std::vector<CorpusWord> words;
  for (const auto& [bound, entry] : ranked) words.push_back(row_of(entry->first, entry->second));
  std::erase_if(words, [sign](const CorpusWord& word) { return sign > 0 ? word.low <= 0 : word.high >= 0; });
  std::stable_sort(words.begin(), words.end(), [sign](const CorpusWord& a, const CorpusWord& b) { return sign > 0 ? a.low > b.low : a.high < b.high; });
  words.resize(std::min(words.size(), most));
  return words;
}

std::vector<CorpusWord> WordTable::mixed(std::size_t min_texts, std::size_t most) const {
  std::vector<Ranked> ranked;
  for (const auto& entry : words_) {
    const WordSums& sums = entry.second;
    const double share = static_cast<double>(sums.positive) / sums.texts;
    if (sums.texts < std::max(min_texts, kMixedTexts) || share < kMixedShare || share > 1 - kMixedShare) continue;
    const std::vector<float> values = values_of(sums);
    const double both = std::min(side(values, 1), side(values, -1));
    if (both > 0) ranked.emplace_back(both, &entry);
  }
  keep_highest(ranked, most);
  std::vector<CorpusWord> words;
  for (const auto& [both, entry] : ranked) words.push_back(row_of(entry->first, entry->second));
  return words;
}

}  // namespace filbert
