#include "cli/evaluate_file.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <future>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/cpu.h"
#include "base/names.h"
#include "base/text.h"
#include "cli/entity_slices.h"
#include "cli/explain_bar.h"
#include "cli/file_hashes.h"
#include "cli/interrupts.h"
#include "postprocess/answers.h"
#include "postprocess/decision.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kScoredTexts = 1024, kScoredBytes = 4 << 20;
constexpr std::size_t kShownBytes = 2000;        // of a text that the model is wrong about
constexpr std::size_t kMostSlices = 50;          // of a column

EvaluationKind kind_of(const TextClassificationPipeline& classifier, const ClassifyOptions& options) {
  const FunctionToApply function = options.function_to_apply.value_or(default_function_to_apply(classifier.config()));
  const std::size_t labels = classifier.config().num_labels();
  if (function == FunctionToApply::softmax && labels > 1) return EvaluationKind::single_label;
  if (function == FunctionToApply::sigmoid && labels > 1) return EvaluationKind::multi_label;
  if (function == FunctionToApply::none && labels == 1) return EvaluationKind::regression;
  throw Error(ErrorKind::unsupported, fmt::format("{}: expected a model of two labels or more, or of one value (problem_type regression), found one of {} label{} whose "
                                                  "scores are made by {}", classifier.config().path.string(), labels, labels == 1 ? "" : "s", name(function)));
}

// A model that scores texts; its labels in the order of the first model's.
struct Scorer {
  TextClassificationPipeline classifier;
  std::vector<std::size_t> ids;                  // [num_labels]: where the label stands in this model
  ClassifyOptions options;
  std::vector<float> scores = {};                // [texts, num_labels]
  std::vector<std::uint8_t> rejected = {};       // [texts], as ScoredTexts has it

  // In use; valid while this lives.
  const Decision* decision() const { return decision_in_use(options, classifier.decision()); }
  bool may_reject() const { return decision() != nullptr && decision()->may_reject(); }
  std::vector<float> thresholds() const {
    std::vector<float> own;
    if (decision() == nullptr || decision()->function != FunctionToApply::sigmoid || decision()->thresholds.empty()) return own;
    for (const std::size_t id : ids) own.push_back(decision()->thresholds[id]);
    return own;
  }

  std::vector<Classification> score(std::span<const TextInput> texts) {
    std::vector<Classification> answers = classifier(texts, options);
    for (const Classification& answer : answers) {
      for (const std::size_t id : ids) scores.push_back(answer.scores[id].score);
      rejected.push_back(answer.rejected.value_or(false));
    }
    return answers;
  }
};

Scorer scorer_of(TextClassificationPipeline classifier, const ClassifyOptions& options, const std::vector<std::string>& labels) {
  const Config& config = classifier.config();
  const std::vector<std::string> own = labels_of(classifier.id2label(options));
  const bool is_decided = decision_in_use(options, classifier.decision()) != nullptr;
  std::vector<std::size_t> ids(own.size());
  std::iota(ids.begin(), ids.end(), 0U);
  if (own != labels && !(!is_decided && config.has_default_labels && own.size() == labels.size())) {
    ids.clear();
    for (const std::string& label : labels) ids.push_back(static_cast<std::size_t>(std::ranges::find(own, label) - own.begin()));
    if (own.size() != labels.size() || std::ranges::find(ids, own.size()) != ids.end()) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("--against: expected the labels of the other model, {}, found {}{}", first_of(labels, 12), first_of(own, 12),
                              is_decided || own.size() != labels.size() ? "; --no-decision has both models' own" : ""));
    }
  }
  return {std::move(classifier), std::move(ids), options};
}

std::string beginning(const std::string& text, bool& shortened) {
  std::string whole = replace_invalid_utf8(text);
  if (whole.size() <= kShownBytes) return whole;
  shortened = true;
  return whole.substr(0, character_before(whole, kShownBytes));
}

// The texts of a batch, with what the file and the model say of them.
struct Batch {
  std::vector<TableRow> rows;
  std::vector<Classification> answers;
  ScoredTexts scored;                            // gold and scores of these alone
};

std::string joined(const ScoredTexts& texts, auto has_label) {
  std::string names;
  for (std::size_t label = 0; label < texts.labels.size(); ++label) {
    if (has_label(label)) names += (names.empty() ? "" : ", ") + texts.labels[label];
  }
  return names.empty() ? "none" : names;
}

// The texts with the highest loss among those that the model is wrong about.
class WorstTexts {
 public:
  WorstTexts(std::size_t most, double threshold) : most_(most), threshold_(threshold) {}

  void take(const Batch& batch) {
    const std::vector<double> loss = losses(batch.scored);
    for (std::size_t text = 0; text < loss.size(); ++text) {
      if (most_ == 0 || (texts_.size() == most_ && loss[text] <= texts_.back().loss)) continue;
      WrongText wrong{.row = batch.rows[text].number, .text = {}, .gold = {}, .predicted = {}, .loss = loss[text]};
      if (!describe(batch.scored, text, wrong)) continue;
      wrong.text = beginning(batch.rows[text].text, wrong.shortened);
      if (batch.rows[text].text_pair) wrong.text_pair = beginning(*batch.rows[text].text_pair, wrong.shortened);
      wrong.truncated = batch.answers[text].truncated;
      texts_.insert(std::ranges::upper_bound(texts_, wrong.loss, std::greater(), &WrongText::loss), std::move(wrong));
      if (texts_.size() > most_) texts_.pop_back();
    }
  }
  std::vector<WrongText> texts() && { return std::move(texts_); }

 private:
  // What should be and what is; false if the model is right.
  bool describe(const ScoredTexts& scored, std::size_t text, WrongText& wrong) const {
    const std::size_t labels = scored.labels.size();
    const std::span<const float> scores = std::span(scored.scores).subspan(text * labels, labels);
    if (scored.kind == EvaluationKind::regression) {
      wrong.gold_score = static_cast<float>(scored.targets[text]);
      wrong.score = scores[0];
      return wrong.loss > 0;
    }
    if (scored.kind == EvaluationKind::multi_label) {
      wrong.gold = joined(scored, [&](std::size_t label) { return scored.gold_labels[text * labels + label] != 0; });
      wrong.predicted = joined(scored, [&](std::size_t label) {
        return scored.thresholds.empty() ? double{scores[label]} >= threshold_ : scores[label] >= scored.thresholds[label];
      });
      return wrong.gold != wrong.predicted;
    }
    const auto gold = static_cast<std::size_t>(scored.gold[text]);
    const auto predicted = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
    wrong.gold = scored.labels[gold];
    wrong.predicted = scored.labels[predicted];
    wrong.gold_score = scores[gold];
    wrong.score = scores[predicted];
    return gold != predicted && (scored.rejected.empty() || scored.rejected[text] == 0);
  }

  std::size_t most_;
  double threshold_;
  std::vector<WrongText> texts_;                 // the highest loss first
};

// What tells that a file was written to, or that another one took its name: it is read twice.
struct FileState {
  std::filesystem::file_time_type time = {};
  std::uintmax_t bytes = 0;
  bool operator==(const FileState&) const = default;
};

FileState state_of(const std::filesystem::path& file) {
  std::error_code none;
  return {std::filesystem::last_write_time(file, none), std::filesystem::file_size(file, none)};
}

// The next texts that count; their gold is the next of `all`.
bool next_batch(TableInput& input, const std::vector<bool>& is_kept, std::size_t& row_number, Batch& batch) {
  batch.rows.clear();
  std::size_t bytes = 0;
  for (TableRow row; batch.rows.size() < kScoredTexts && bytes < kScoredBytes && row_number < is_kept.size();) {
    if (!input.next(row)) throw Error(ErrorKind::invalid_argument, fmt::format("row {}: expected it as before, found the end: the file changed meanwhile", row_number + 1));
    if (!is_kept[row_number++]) continue;
    bytes += row.text.size() + (row.text_pair ? row.text_pair->size() : 0);
    batch.rows.push_back(std::move(row));
  }
  return !batch.rows.empty();
}

void take_gold(const ScoredTexts& all, std::size_t first, Batch& batch) {
  const std::size_t count = batch.rows.size(), labels = all.labels.size();
  const auto part = [](const auto& values, std::size_t begin, std::size_t size, auto& out) {
    out.assign(values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(begin + size));
  };
  batch.scored.kind = all.kind;
  batch.scored.labels = all.labels;
  if (all.kind == EvaluationKind::single_label) part(all.gold, first, count, batch.scored.gold);
  if (all.kind == EvaluationKind::multi_label) part(all.gold_labels, first * labels, count * labels, batch.scored.gold_labels);
  if (all.kind == EvaluationKind::regression) part(all.targets, first, count, batch.scored.targets);
}

void check_finite(const Scorer& scorer, std::size_t first, const Batch& batch) {
  const std::size_t labels = scorer.ids.size();
  for (std::size_t at = first * labels; at < scorer.scores.size(); ++at) {
    if (std::isfinite(scorer.scores[at])) continue;
    throw Error(ErrorKind::corrupt, fmt::format("{}: row {}: expected scores that are numbers, found {}", scorer.classifier.config().path.parent_path().string(),
                                                batch.rows[at / labels - first].number, scorer.scores[at]));
  }
}

// Second pass: every text through every model. False if Ctrl-C ended it.
bool score_rows(const EvaluateFileOptions& options, const GoldRows& gold, const ScoredTexts& texts, std::vector<Scorer>& scorers,
                std::vector<std::uint32_t>& length_of, EvaluationReport& report) {
  const Interrupts interrupts;
  ExplainBar bar("evaluating");
  TableInput input(options.gold.table);
  WorstTexts worst(options.worst, options.evaluate.threshold);
  Batch batch;
  std::size_t done = 0;
  for (std::size_t row_number = 0; next_batch(input, gold.is_kept, row_number, batch);) {
    std::vector<TextInput> inputs;
    for (const TableRow& row : batch.rows) inputs.push_back({row.text, row.text_pair});
    for (Scorer& scorer : scorers) {
      std::vector<Classification> answers = scorer.score(inputs);
      check_finite(scorer, done, batch);
      if (&scorer == &scorers.front()) batch.answers = std::move(answers);
    }
    for (std::size_t text = 0; text < batch.rows.size(); ++text) {
      const Classification& answer = batch.answers[text];
      report.truncated += answer.truncated;
      report.invalid_utf8 += answer.invalid_utf8 + batch.rows[text].invalid_utf8 > 0;
      length_of.push_back(static_cast<std::uint32_t>(length_slice(answer.tokens_total)));
    }
    take_gold(texts, done, batch);
    const Scorer& first = scorers.front();
    batch.scored.scores.assign(first.scores.begin() + static_cast<std::ptrdiff_t>(done * texts.labels.size()), first.scores.end());
    batch.scored.thresholds = texts.thresholds;
    if (first.may_reject()) batch.scored.rejected.assign(first.rejected.begin() + static_cast<std::ptrdiff_t>(done), first.rejected.end());
    worst.take(batch);
    done += batch.rows.size();
    bar(static_cast<double>(row_number) / static_cast<double>(gold.is_kept.size()), done, true);
    if (Interrupts::noted()) return false;
  }
  report.worst = std::move(worst).texts();
  return true;
}

// Of more than kMostSlices values the most frequent; the rest is one slice.
void slice_by(SliceColumn column, const ScoredTexts& texts, const EvaluateOptions& options, std::vector<Slice>& out) {
  std::vector<std::size_t> count(column.values.size());
  for (const std::uint32_t value : column.slice_of) ++count[value];
  std::vector<std::uint32_t> order(count.size()), place(count.size());
  std::iota(order.begin(), order.end(), 0U);
  if (count.size() > kMostSlices) std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return count[a] > count[b]; });
  std::vector<std::string> values;
  for (std::uint32_t at = 0; at < order.size(); ++at) {
    place[order[at]] = std::min(at, static_cast<std::uint32_t>(kMostSlices));
    if (at < kMostSlices) values.push_back(column.values[order[at]]);
  }
  if (order.size() > kMostSlices) values.push_back(fmt::format("{} other values", order.size() - kMostSlices));
  for (std::uint32_t& value : column.slice_of) value = place[value];
  std::ranges::move(slices(texts, column.by, values, column.slice_of, options), std::back_inserter(out));
}

// What the model said; it is moved out of `scorer`.
void take_scores(Scorer& scorer, bool may_reject, ScoredTexts& texts) {
  texts.scores = std::move(scorer.scores);
  texts.rejected = may_reject ? std::move(scorer.rejected) : std::vector<std::uint8_t>();
}

// A file that was named is of the first model, and of another only if that is the same in another dtype.
DecisionChoice decision_of_second(const EvaluateFileOptions& options) {
  return options.against ? DecisionChoice{.use = options.decision.use} : options.decision;
}

// Both stay empty where none is applied.
void tell_decision(const Scorer& scorer, const DecisionChoice& choice, std::string& file, std::string& sha256) {
  if (scorer.decision() == nullptr) return;
  file = choice.file.empty() ? kDecisionFile : choice.file.string();
  sha256 = decision_sha256(*scorer.decision());
}

void tell_origin(const EvaluateFileOptions& options, const std::vector<Scorer>& scorers, FileHashes hashes, const Session& session, EvaluationReport& report) {
  report.options = options.evaluate;
  report.input = options.gold.table.file.string();
  report.label_column = *options.gold.table.label_column;
  report.model = model_name(options.model);
  report.dtype = name(scorers.front().classifier.model().compute_dtype());
  report.model_sha256 = std::move(hashes.weights);
  report.tokenizer_sha256 = std::move(hashes.tokenizer);
  report.input_sha256 = std::move(hashes.input);
  report.version = FILBERT_VERSION;
  report.command = session.command_line;
  tell_decision(scorers.front(), options.decision, report.decision, report.decision_sha256);
  if (scorers.size() < 2) return;
  tell_decision(scorers[1], decision_of_second(options), report.against_decision, report.against_decision_sha256);
  report.against_model = model_name(options.against.value_or(options.model));
  report.against_dtype = name(scorers[1].classifier.model().compute_dtype());
  report.against_sha256 = std::move(hashes.against);
}

}  // namespace

std::optional<EvaluationReport> evaluate_file(const EvaluateFileOptions& options, Session& session) {
  const std::filesystem::path& file = options.gold.table.file;
  const FileState before = state_of(file);
  TableInput(options.gold.table);  // a wrong name is told before a model is loaded
  const std::filesystem::path directory = model_directory(options.model, session);
  const std::filesystem::path other = options.against ? model_directory(*options.against, session) : directory;
  const bool compares = options.against || options.against_dtype;
  std::future<FileHashes> hashing = hash_files(file, directory, compares ? std::optional(other) : std::nullopt);
  ScoredTexts texts;
  std::vector<Scorer> scorers;
  const auto load = [&](const std::filesystem::path& path, const ModelOptions& loading, const DecisionChoice& decision) {
    TextClassificationPipeline classifier = pipeline("text-classification", path, loading, decision);
    classifier.tokenizer();  // throws if there is none
    classifier.tokenize({}, options.classify);  // a bad option is no text's fault
    const EvaluationKind kind = kind_of(classifier, options.classify);
    if (scorers.empty()) texts.kind = kind, texts.labels = labels_of(classifier.id2label(options.classify));
    if (kind != texts.kind) throw Error(ErrorKind::invalid_argument, fmt::format("--against: expected a {} model as the other, found {}", name(texts.kind), name(kind)));
    scorers.push_back(scorer_of(std::move(classifier), options.classify, texts.labels));
  };
  load(directory, options.loading, options.decision);
  if (!options.has_threshold) texts.thresholds = scorers.front().thresholds();
  EvaluationReport report;
  const GoldRows gold = read_gold(options.gold, scorers.front().decision(), texts, report);
  if (compares) {
    ModelOptions loading = options.loading;
    if (options.against_dtype) loading.dtype = options.against_dtype;
    load(other, loading, decision_of_second(options));
  }
  std::vector<std::uint32_t> length_of;
  if (!score_rows(options, gold, texts, scorers, length_of, report)) {
    session.messages.note("stopped");
    std::raise(SIGINT);  // whoever started this learns how it ended
    return std::nullopt;
  }
  if (state_of(file) != before) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected it as it was when it was read first, found that it was written to meanwhile", file.string()));
  }
  EvaluateOptions measuring = options.evaluate;
  measuring.num_threads = options.loading.num_threads != 0 ? options.loading.num_threads : available_threads();
  const bool may_reject = std::ranges::any_of(scorers, &Scorer::may_reject);
  take_scores(scorers.front(), may_reject, texts);
  report.evaluation = evaluate(texts, measuring);
  for (const SliceColumn& column : gold.columns) slice_by(column, texts, measuring, report.slices);
  slice_by({"tokens", length_names(), length_of}, texts, measuring, report.slices);
  if (compares) {
    ScoredTexts second = texts;
    take_scores(scorers[1], may_reject, second);
    if (!options.has_threshold) second.thresholds = scorers[1].thresholds();
    report.against = evaluate(second, measuring);
    report.comparison = compare(texts, second, measuring);
  }
  tell_origin(options, scorers, hashing.get(), session, report);
  return report;
}

}  // namespace filbert::cli
