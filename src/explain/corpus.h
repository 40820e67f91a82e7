// What a CorpusExplainer holds: for each label the words of its texts, and a sample of the texts. Tested by corpus_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/explain_corpus.h>

#include "base/thread_pool.h"
#include "explain/corpus_words.h"

namespace filbert {

// A text that was kept, as its row's random number will have it.
struct KeptText {
  std::uint32_t priority = 0;
  CorpusText text;
  bool shortened = false;
  TextExplanation explanation;

  bool operator<(const KeptText& other) const {
    return std::pair(priority, text.row) < std::pair(other.priority, other.text.row);
  }
};

struct CorpusExplainer::Impl {
  Impl(const TextClassificationPipeline& pipeline, const CorpusOptions& wanted);

  TextExplanation explain_one(const CorpusText& text) const;
  void add(const CorpusText& text, const TextExplanation& explanation);
  CorpusReport result() const;

  const TextClassificationPipeline& classifier;
  CorpusOptions options;
  mutable ThreadPool threads;

 private:
  struct Group {
    std::size_t texts = 0;
    double sum_of_scores = 0;
    WordTable words;
  };

  void check(const CorpusText& text, const TextExplanation& explanation) const;
  void add_gold(const CorpusText& text, const TextExplanation& explanation, std::size_t label);
  void keep(const CorpusText& text, const TextExplanation& explanation);
  std::vector<MixedWord> mixed_words(std::size_t label) const;
  void find_leaks(CorpusReport& report) const;
  std::vector<RepresentativeText> representatives() const;
  GoldReport gold_report() const;
  bool decides_labels() const;

  std::vector<std::string> names_;        // [labels]
  std::map<std::string, std::size_t, std::less<>> ids_;
  std::vector<Group> labels_;             // [labels] by what was predicted
  WordTable wrong_;                       // of the texts whose gold label is another
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> confusions_;  // (gold, predicted) → texts
  std::set<std::string> unknown_labels_;
  CorpusReport counts_;                   // its sums
  GoldReport gold_counts_;
  bool has_gold_ = false;
  std::vector<KeptText> kept_;            // a heap
};

}  // namespace filbert
