// Does new data look like the old? What a model sees of each text, and says of it, as distributions; how far two files of texts lie apart in
// each of them, and whether that is more than chance. docs/drift.md says how each number is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/pipeline.h>

namespace filbert {

// What is measured of a text. A number, of which a distribution is kept; or a kind, of which shares are.
struct DriftMeasureInfo {
  std::string_view name;   // "unk_share", as JSON has it
  std::string_view title;  // "[UNK] share"
  bool is_number = false;
};
// characters, tokens, characters_per_token, truncated, unk_share, script, mixed_scripts, invalid_utf8, label, score, gold.
std::span<const DriftMeasureInfo> drift_measures();

// Many texts, as what was measured of them: no text is in it, and its size has an end whatever theirs is.
struct DriftSummary {
  std::uint64_t texts = 0;
  // By the measure's name: how many texts have each value. Whole numbers are rounded to three digits above 1000, others to four decimals, so
  // that there are not too many. A measure that the model or the file does not have is absent.
  std::map<std::string, std::map<double, std::uint64_t>> numbers;
  std::map<std::string, std::map<std::string, std::uint64_t>> shares;
  std::map<std::string, std::uint64_t> letters;        // by script
  std::uint64_t tokens = 0, unk_tokens = 0;            // that the model saw
  // What the numbers hang on.
  std::string input, model, model_sha256, tokenizer_sha256, version;
  std::optional<std::size_t> max_length;               // if one was asked for
  std::string decision_sha256 = {};                    // of what the decision says that made labels and scores; empty: none did
};
std::string to_json(const DriftSummary& summary);      // a line
// Throws Error(corrupt), naming `name` and the field.
DriftSummary drift_summary_from_json(std::string_view json, const std::string& name);

struct DriftText {
  std::string text;
  std::optional<std::string> text_pair = {};
  std::optional<std::string> gold = {};
  std::size_t invalid_utf8 = 0;                        // replaced before
};

struct DriftOptions {
  std::size_t bins = 10;                               // of numbers, by the reference's quantiles
  double some = 0.1, much = 0.25;                      // a PSI from which on there is some drift, and much
  double false_alarms = 0.01;                          // in how many comparisons without drift any measure may be called one
  std::size_t replicates = 2199;                       // of the bootstrap that says what chance does
  std::uint32_t seed = 0;
  std::size_t examples = 3;                            // texts of each bin that is new
};

enum class Drift { none, some, much };
std::string_view name(Drift drift);

struct DriftBin {
  std::string name;                                    // "34 to 61", "Cyrillic"
  std::uint64_t reference = 0, current = 0;            // texts
  double psi = 0;                                      // what it adds
};

struct HistogramBar {
  double low = 0, high = 0;                            // [low, high); of the last one `high` is in it
  std::uint64_t reference = 0, current = 0;
};

struct DriftExample {
  std::string bin, text;                               // of a long text the beginning
};

struct DriftMeasure {
  DriftMeasureInfo info;
  std::uint64_t reference_texts = 0, current_texts = 0;  // that have the measure
  std::vector<DriftBin> bins = {};
  double psi = 0;
  double chance_limit = 0;                             // above which the PSI is more than chance
  double chance_p = 1;                                 // how often chance gives such a PSI, or a larger one
  double statistic = 0, p_value = 1;                   // numbers: Kolmogorov and Smirnov; kinds: chi-square
  double reference_median = 0, current_median = 0;     // of numbers
  double reference_mean = 0, current_mean = 0;
  std::vector<HistogramBar> histogram = {};                 // of numbers, to be drawn
  Drift drift = Drift::none;
  std::string reason = {};                                  // of some and much: what has become of it, in words
  std::vector<DriftExample> examples = {};
};

struct DriftReport {
  Drift drift = Drift::none;                           // the worst of its measures
  std::vector<DriftMeasure> measures = {};
  std::vector<std::string> notes = {};                      // what could not be compared, or told
  DriftSummary reference = {}, current = {};
  DriftOptions options = {};
  std::string command = {};
};
std::string to_json(const DriftReport& report);        // a line
// One self-contained page, without any script.
std::string html_report(const DriftReport& report);

// Some texts of each bin of each measure, kept while texts are measured.
using DriftExamples = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

// Measures texts, one after the other.
class DriftSummarizer {
 public:
  // `classifier` must outlive it. With `reference`, which must outlive it too, examples are kept, by the bins that this gives.
  explicit DriftSummarizer(const TextClassificationPipeline& classifier, const ClassifyOptions& classify = {}, const DriftOptions& options = {},
                           const DriftSummary* reference = nullptr);
  // Throws Error(invalid_argument): gold labels that are too many to be labels.
  void add(std::span<const DriftText> texts);
  DriftSummary& summary() { return summary_; }
  const DriftExamples& examples() const { return examples_; }

 private:
  struct Measured;
  void add(const DriftText& text, const Measured& measured);
  void keep_example(std::string_view measure, const std::string& bin, const DriftText& text);
  void number(std::string_view measure, double value, const DriftText& text);
  void kind(std::string_view measure, const std::string& value, const DriftText& text);

  const TextClassificationPipeline& classifier_;
  ClassifyOptions classify_;
  DriftOptions options_;
  const DriftSummary* reference_;
  std::optional<std::int32_t> unk_id_;
  DriftSummary summary_;
  std::map<std::string, std::vector<double>> edges_;
  DriftExamples examples_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> seen_;  // texts of the bin so far
  std::mt19937_64 draws_;
};

// Throws Error(invalid_argument): summaries of different models, decisions or lengths, one without texts, options that cannot be.
DriftReport compare_drift(const DriftSummary& reference, const DriftSummary& current, const DriftExamples& examples = {},
                          const DriftOptions& options = {});

}  // namespace filbert
