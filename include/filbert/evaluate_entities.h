// How good a token classifier is on texts whose entities are known. First the figures of the package seqeval 1.2.2, of labels alone: functions of
// sequences of labels, equal to its own. Then an evaluation of spans in texts, with intervals, slices, and what is taken for what. Nothing here runs
// a model. docs/evaluate.md says what each number is and when it misleads.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/evaluate.h>

namespace filbert {

// How a sequence of labels is read as entities.
enum class SpanRules {
  conlleval,  // whatever the scheme: an entity begins where a label says so, where the type changes and after none; seqeval's default mode
  iob1,       // what the scheme does not allow is no entity; seqeval's strict mode
  iob2,
  ioe1,
  ioe2,
  iobes,
  bilou,
};
// "conlleval", "iob1", "iob2", "ioe1", "ioe2", "iobes", "bilou". Throws Error(invalid_argument) for any other word.
SpanRules span_rules_from_name(std::string_view name);
std::string_view name(SpanRules rules);

// Labels [begin, end) of a sequence.
struct LabelSpan {
  std::string type;                        // "PER"; "_" of a label that names none
  std::size_t begin = 0, end = 0;
  auto operator<=>(const LabelSpan&) const = default;
};
// In their order. `suffix`: labels are written "PER-B". Throws Error(invalid_argument): an empty label; of a scheme a letter that it does not have.
std::vector<LabelSpan> spans_of_labels(std::span<const std::string> labels, SpanRules rules = SpanRules::conlleval, bool suffix = false);

struct SequenceOptions {
  SpanRules rules = SpanRules::conlleval;
  bool suffix = false;
  double zero_division = 0;                // what a precision without predictions is, and a recall without entities: 0 or 1
};

struct SpanFigures {
  double precision = 0, recall = 0, f1 = 0;
  std::size_t support = 0;                 // entities that should be there
};

struct TypeFigures {
  std::string type;
  std::size_t predicted = 0, right = 0;
  SpanFigures figures;
};

struct SequenceFigures {
  std::vector<TypeFigures> types;          // those that occur, sorted
  SpanFigures micro, macro, weighted;      // macro is NaN where no type occurs
};
// As seqeval.metrics.precision_recall_fscore_support. Throws Error(invalid_argument): sequences of other lengths, and what spans_of_labels() throws.
SequenceFigures sequence_figures(std::span<const std::vector<std::string>> gold, std::span<const std::vector<std::string>> predicted,
                                 const SequenceOptions& options = {});
// The share of labels that are right, "O" counted; NaN of none. As seqeval's accuracy_score.
double label_accuracy(std::span<const std::vector<std::string>> gold, std::span<const std::vector<std::string>> predicted);

// Predicted labels that are right and not "O", wrong and not "O", wrong and "O", right and "O". As seqeval's performance_measure.
struct LabelCounts {
  std::size_t true_positives = 0, false_positives = 0, false_negatives = 0, true_negatives = 0;
};
LabelCounts label_counts(std::span<const std::vector<std::string>> gold, std::span<const std::vector<std::string>> predicted);

// [begin, end) of a text, in whatever unit.
struct EntitySpan {
  std::string type;
  std::size_t begin = 0, end = 0;
  float score = 0;                         // of a predicted one
};

// What a text should have, and what a model says of it. Of equal spans of one type one counts.
struct EntityText {
  std::vector<EntitySpan> gold, predicted;
  std::size_t words = 0, right_words = 0;  // where texts are words with labels: how many, and how many labels are right
};

// What became of an entity.
enum class EntityOutcome {
  right,                                   // type and both ends
  wrong_type,                              // the ends alone
  wrong_ends,                              // the type alone, of what overlaps
  wrong_both,                              // it overlaps
  missed,                                  // nothing predicted overlaps that belongs to no other
  spurious,                                // likewise
};
constexpr std::size_t kEntityOutcomes = 6;
std::string_view name(EntityOutcome outcome);  // "right", "wrong_type", …

// A gold entity and the predicted one that is taken for its answer; of the one that is absent −1.
struct EntityPair {
  std::ptrdiff_t gold = -1, predicted = -1;
  EntityOutcome outcome = EntityOutcome::right;
};
// Every entity stands in one pair: exact ones first, then those of the same ends, then of the same type by how much they overlap, then any that do.
// In the order of the text.
std::vector<EntityPair> pair_entities(const EntityText& text);

struct EntityTypeMeasures {
  std::string type;
  std::size_t gold = 0, predicted = 0, right = 0;
  Measure precision, recall, f1;
};

struct EntityEvaluation {
  std::size_t texts = 0, gold = 0, predicted = 0, right = 0;  // entities
  std::vector<NamedMeasure> measures;      // entity_measures()
  std::vector<EntityTypeMeasures> types;   // those that occur, sorted
  std::array<std::uint64_t, kEntityOutcomes> outcomes = {};   // pairs
  std::vector<std::uint64_t> confusion;    // [types + 1, types + 1], pairs: gold by predicted; the last row is spurious, the last column missed

  // Throws Error(invalid_argument) for a name that is not there.
  const Measure& at(std::string_view measure) const;
};
// micro_, macro_, weighted_: an entity is right if type and both ends are, as in seqeval with zero_division 0. overlap_: of the same type and overlapping.
// boundary_: both ends, whatever the type. exact_match: of texts. With words, accuracy of their labels.
std::vector<MeasureInfo> entity_measures(bool has_words);

// Of `options` bootstrap, confidence, seed and num_threads count: samples are of texts. Throws Error(invalid_argument): no texts.
EntityEvaluation evaluate_entities(std::span<const EntityText> texts, const EvaluateOptions& options = {});

// A part of the texts or of their entities, measured for itself.
struct EntitySlice {
  std::string by, value;
  std::size_t texts = 0, gold = 0, predicted = 0;
  std::vector<NamedMeasure> measures;
};

// Two models on the same texts.
struct EntityComparison {
  std::size_t both_found = 0, only_first = 0, only_second = 0, neither = 0;  // gold entities
  std::size_t same_prediction = 0;         // texts of which both say the same
  double mcnemar_exact = kNoNumber, mcnemar_mid_p = kNoNumber;               // that both find equally many
  double bootstrap_p = kNoNumber;          // of the paired bootstrap of micro F1, two-sided: that the sign of the change is chance; NaN without samples
  std::vector<NamedMeasure> differences;   // the second's less the first's; intervals of samples that both share
};
// Throws Error(invalid_argument) as evaluate_entities() does, and if the gold entities are not the same.
EntityComparison compare_entities(std::span<const EntityText> first, std::span<const EntityText> second, const EvaluateOptions& options = {});

// A text of which the model is wrong; offsets are code points of `text`.
struct WrongEntities {
  std::size_t row = 0;                     // its number in the file, from 1
  std::string text;
  bool truncated = false;                  // the model saw only a part
  double loss = 0;                         // the scores of what is wrong, and 1 for each that is missed
  EntityText entities;
};

// All that is known of a token classifier on a file.
struct EntityEvaluationReport {
  EntityEvaluation evaluation;
  std::vector<EntitySlice> slices;
  std::vector<WrongEntities> worst;        // the highest loss first
  std::optional<EntityEvaluation> against;
  std::optional<EntityComparison> comparison;

  bool has_words = false;                  // the file has words with labels, not texts with entities
  std::size_t words = 0;
  std::size_t unseen_words = 0;            // words that the tokenizer makes no token of: they are labelled "O"
  std::size_t truncated = 0, windowed = 0, invalid_utf8 = 0;  // texts; windowed: that were too long and were cut into windows
  std::vector<std::pair<std::string, std::size_t>> never_said;  // types of the file that the model does not have, and their entities
  std::vector<std::string> never_gold;     // types of the model that the file does not have
  std::vector<std::pair<std::string, std::string>> gold_names;  // what stands in the file, and the type that it was taken for, where they differ
  std::vector<std::string> ignored;        // types that were left out

  // How to have it again; what only the caller knows stays empty.
  EvaluateOptions options;
  std::string gold_rules, model_rules, aggregation_strategy, decoding;
  std::string input, train, model, model_sha256, tokenizer_sha256, dtype, input_sha256, version, command;
  std::string against_model, against_sha256, against_dtype;
};

// One self-contained page, without any script.
std::string html_report(const EntityEvaluationReport& report);

}  // namespace filbert
