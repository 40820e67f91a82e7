// What is kept of a word over many texts: sums, and a sample of its values that is the same in whatever order they come. Tested by
// corpus_words_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <filbert/explain_corpus.h>

namespace filbert {

// A random number of a row: the rows with the smallest ones are a sample.
std::uint32_t row_priority(std::size_t row, std::uint32_t seed);

struct Interval {
  double low = 0, high = 0;
};

// The 95 % interval of the mean of `texts` values of which `values` are a sample, by 1,000 resamples: percentiles, moved away from the mean
// as Student's t is from the normal distribution, since those of few values lie too near to it. Of fewer than two values: without bounds.
Interval bootstrap_mean(std::span<const float> values, std::size_t texts, std::uint32_t seed);

// Of a word in the texts of one group.
struct WordSums {
  std::uint32_t texts = 0;
  std::uint32_t decided = 0;  // without the word the label is another, or the score less than half
  std::uint32_t positive = 0;
  double sum = 0, sum_of_sizes = 0, sum_of_squares = 0;
  std::vector<std::pair<std::uint32_t, float>> sample;  // (priority, value): those of the smallest priorities, as a heap

  double mean() const { return texts == 0 ? 0 : sum / texts; }
};

class WordTable {
 public:
  explicit WordTable(std::uint32_t seed, std::size_t max_words = kMaxWords) : seed_(seed), max_words_(max_words) {}

  // A further text that holds the word. Where there are too many words, those of the fewest texts are let go.
  void add(const std::string& word, std::size_t row, double value, bool is_decided);
  const WordSums* find(const std::string& word) const;
  std::size_t forgotten() const { return forgotten_; }
  const std::unordered_map<std::string, WordSums>& words() const { return words_; }

  // Words of at least `min_texts` that are surely above (sign 1) or below 0 (sign −1), the surest first.
  std::vector<CorpusWord> surest(int sign, std::size_t min_texts, std::size_t most) const;
  // Words that are often above and often below 0, and much so on both sides: by the smaller side.
  std::vector<CorpusWord> mixed(std::size_t min_texts, std::size_t most) const;

  static constexpr std::size_t kMaxWords = 1 << 19;
  static constexpr std::size_t kMaxValues = 512;  // kept of a word

 private:
  CorpusWord row_of(const std::string& word, const WordSums& sums) const;
  void let_go();

  std::uint32_t seed_;
  std::size_t max_words_;
  std::size_t forgotten_ = 0;
  std::unordered_map<std::string, WordSums> words_;
};

}  // namespace filbert
