// Why a classifier says what it says of many texts: which words speak for each label, and how surely; which ones give a label away; and a
// few texts that show what matters. docs/explain.md, "A whole file", says how each number is found and when it misleads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <filbert/explain.h>

namespace filbert {

struct CorpusOptions {
  ExplainOptions explain = {};             // without label, contrast and compat: of each text its predicted label is explained
  std::string method = "occlusion";        // occlusion, shap or lime
  LimeOptions lime = {};
  ShapOptions shap = {.budget = std::nullopt};  // without a budget the same file gives the same numbers
  std::size_t min_texts = 3;               // a word of fewer texts is in no table
  std::size_t max_words = 20;              // of each table
  double leak_share = 0.05;                // a word that surely decides at least this share of a label's texts gives it away
  std::size_t representative_texts = 5;
  std::uint32_t seed = 0;                  // of what is kept where not all can be, and of the intervals
  unsigned num_threads = 1;                // that explain() works with, a text each; best with a model of one thread
};

struct CorpusText {
  std::size_t row = 0;                     // its number in the file, from 1
  std::string text;
  std::optional<std::string> gold = {};    // the label that it should have
  std::optional<std::string> text_pair = {};
};

// A word of a text, or of both of a pair: all its places.
struct TextWord {
  std::string word;                        // in small letters where the tokenizer makes them small
  double value = 0;                        // the sum of its places' values; of occlusion the score less that without any of them
  float score_without = 0;                 // of the label, with all of its places masked
  bool flips = false;                      // the model then says another label
  std::vector<Offset> places;              // bytes of the text
  std::vector<Offset> pair_places = {};    // and of text_pair
};

struct TextExplanation {
  std::string label;                       // predicted, and explained
  float score = 0;                         // of classify
  std::vector<TextWord> words;             // by their first places
  bool truncated = false;
  std::size_t invalid_utf8 = 0;            // replaced in the text
  std::size_t evaluations = 0;
};

// A word over the texts of one label; `mean` is of those that hold it.
struct CorpusWord {
  std::string word;
  std::size_t texts = 0;                   // that hold it
  double mean = 0, mean_size = 0;          // of its values, and of their sizes
  double low = 0, high = 0;                // the 95 % interval of the mean, by bootstrap over texts
  double share_for = 0;                    // of the texts: where its value is above 0
};

// A word as it stands in a text.
struct WordInContext {
  std::size_t row = 0;
  double value = 0;
  std::string before, word, after;
};

// A word that speaks for the label in some texts and against it in others.
struct MixedWord {
  CorpusWord word;
  std::optional<WordInContext> most_for, most_against;  // among the texts that were kept
};

struct CorpusLabel {
  std::string label;
  std::size_t texts = 0;                   // predicted so
  double mean_score = 0;
  std::vector<CorpusWord> words_for;       // by `low`, the highest first: what is for the label, surely
  std::vector<CorpusWord> words_against;   // by `high`, the lowest first
  std::vector<MixedWord> mixed;            // by the smaller of both sides
};

// A word that decides a share of a label's texts by itself: without it the model says another label, or is not half as sure.
struct Leak {
  std::string label, word;
  std::size_t texts = 0;                   // of the label, that hold it
  std::size_t decided = 0;                 // of those, decided by it
  double coverage = 0;                     // texts / those of the label
  double explained = 0;                    // decided / those of the label
  double precision = 0;                    // texts / those of any label that hold it
};

struct RepresentativeText {
  CorpusText text;                         // of a long one the beginning
  bool shortened = false;
  TextExplanation explanation;
};

struct Confusion {
  std::string gold, predicted;
  std::size_t texts = 0;
};

struct GoldReport {
  std::size_t texts = 0;                   // with a gold label that the model has
  std::size_t correct = 0;
  std::size_t unknown = 0;                 // with one that it has not
  std::vector<std::string> unknown_labels; // some of those
  std::vector<Confusion> confusions;       // in the order of the labels; those that happened
  std::vector<CorpusWord> misleading;      // of the texts that are wrong: what speaks most for the wrong label
};

struct CorpusReport {
  std::size_t texts = 0;
  std::size_t evaluations = 0;             // masked texts
  std::size_t truncated = 0;               // texts
  std::size_t invalid_utf8 = 0;            // texts with some
  std::size_t empty = 0;                   // texts without a word
  std::size_t forgotten_words = 0;         // words of few texts that were let go, where there were too many
  bool has_scores_of_labels = true;        // false: a regression
  std::vector<CorpusLabel> labels;         // in the model's order; those that were predicted
  std::vector<Leak> leaks;                 // by `explained`
  std::vector<RepresentativeText> representatives;
  std::optional<GoldReport> gold;

  // How to have it again; what only the caller knows stays empty.
  CorpusOptions options;
  std::string mask;                        // what a masked word becomes
  std::string input, model, model_sha256, tokenizer_sha256, input_sha256, version, dtype, command;
};

// Explains texts one by one and keeps of them what the report needs, in memory that has an end: a word's sums, and of its values and of the
// texts a sample. `classifier` must outlive it.
class CorpusExplainer {
 public:
  // Throws Error(invalid_argument) for options that cannot be.
  CorpusExplainer(const TextClassificationPipeline& classifier, const CorpusOptions& options = {});
  CorpusExplainer(CorpusExplainer&&) noexcept;
  CorpusExplainer& operator=(CorpusExplainer&&) noexcept;
  ~CorpusExplainer();

  // What each text gives, in their order: the same in whatever company, with any number of threads. Keeps nothing. Not for several threads
  // at once.
  std::vector<TextExplanation> explain(std::span<const CorpusText> texts) const;
  // Takes it into the report: in the order of the rows, each once. Throws Error(corrupt) for an explanation that is of another text or model.
  void add(const CorpusText& text, const TextExplanation& explanation);
  // Of all that was added.
  CorpusReport result() const;

  struct Impl;  // src/explain/corpus.h

 private:
  std::unique_ptr<Impl> impl_;
};

// One self-contained page, as that of a single text, without any script.
std::string html_report(const CorpusReport& report);

}  // namespace filbert
