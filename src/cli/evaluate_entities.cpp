#include "cli/evaluate_entities.h"

#include <algorithm>
#include <csignal>
#include <future>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/cpu.h"
#include "cli/entity_slices.h"
#include "cli/explain_bar.h"
#include "cli/file_hashes.h"
#include "cli/input_file.h"
#include "cli/interrupts.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kEntityBatchTexts = 256;

EntityPredictor predictor_of(const std::filesystem::path& directory, const ModelOptions& loading, const PredictOptions& options) {
  return {pipeline<TokenClassificationPipeline>("token-classification", directory, {}, loading), options};
}

// Text by text what a model says, beside what it should.
struct Answers {
  std::vector<EntityText> texts;
  std::vector<std::size_t> tokens;
  std::vector<bool> truncated;
};

// False if Ctrl-C ended it.
bool predict(const EntityGold& gold, std::span<const EntityPredictor> predictors, std::vector<Answers>& answers, EntityEvaluationReport& report) {
  const Interrupts interrupts;
  ExplainBar bar("evaluating");
  const std::span<const GoldText> all = gold.texts;
  for (std::size_t first = 0; first < all.size(); first += kEntityBatchTexts) {
    const std::span<const GoldText> batch = all.subspan(first, std::min(kEntityBatchTexts, all.size() - first));
    for (std::size_t model = 0; model < predictors.size(); ++model) {
      std::vector<Prediction> predictions = predictors[model](batch, gold.has_words);
      for (std::size_t text = 0; text < batch.size(); ++text) {
        Prediction& prediction = predictions[text];
        if (model == 0) {
          report.truncated += prediction.truncated;
          report.windowed += prediction.windows > 1;
          report.unseen_words += prediction.unseen_words;
        }
        EntityText both{batch[text].gold, std::move(prediction.entities), batch[text].words.size()};
        if (gold.has_words) both.right_words = right_words(batch[text], both.predicted);
        answers[model].texts.push_back(std::move(both));
        answers[model].tokens.push_back(prediction.tokens);
        answers[model].truncated.push_back(prediction.truncated);
      }
    }
    const std::size_t done = first + batch.size();
    bar(static_cast<double>(done) / static_cast<double>(all.size()), done, true);
    if (Interrupts::noted()) return false;
  }
  return true;
}

double loss_of(const EntityText& text) {
  double loss = 0;
  for (const EntityPair& pair : pair_entities(text)) {
    if (pair.outcome == EntityOutcome::right) continue;
    loss += pair.predicted < 0 ? 1 : double{text.predicted[static_cast<std::size_t>(pair.predicted)].score};
  }
  return loss;
}

std::vector<WrongEntities> worst_of(const EntityGold& gold, const Answers& answers, std::size_t most) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t text = 0; text < answers.texts.size(); ++text) {
    if (const double loss = loss_of(answers.texts[text]); loss > 0) order.emplace_back(loss, text);
  }
  std::ranges::stable_sort(order, std::greater(), &std::pair<double, std::size_t>::first);
  std::vector<WrongEntities> worst;
  for (std::size_t at = 0; at < std::min(order.size(), most); ++at) {
    const auto [loss, text] = order[at];
    worst.push_back({gold.texts[text].row, gold.texts[text].text, answers.truncated[text], loss, answers.texts[text]});
  }
  return worst;
}

void compare_types(const EntityGold& gold, const std::vector<std::string>& types, EntityEvaluationReport& report) {
  for (const auto& [type, count] : gold.types) {
    if (std::ranges::count(types, type) == 0) report.never_said.emplace_back(type, count);
  }
  for (const std::string& type : types) {
    if (!gold.types.contains(type)) report.never_gold.push_back(type);
  }
}

void tell_origin(const EvaluateEntitiesOptions& options, std::span<const EntityPredictor> predictors, FileHashes hashes, const Session& session,
    EntityEvaluationReport& report) {
  report.options = options.evaluate;
  report.input = options.gold.file.string();
  if (options.train) report.train = options.train->string();
  report.model = model_name(options.model);
  report.dtype = name(predictors.front().pipeline().model().compute_dtype());
  report.model_rules = predictors.front().rules();
  report.aggregation_strategy = name(options.predict.aggregation_strategy);
  report.decoding = name(options.predict.decoding);
  report.ignored = options.gold.ignored;
  report.model_sha256 = std::move(hashes.weights);
  report.tokenizer_sha256 = std::move(hashes.tokenizer);
  report.input_sha256 = std::move(hashes.input);
  report.version = FILBERT_VERSION;
  report.command = session.command_line;
  if (predictors.size() < 2) return;
  report.against_model = model_name(options.against.value_or(options.model));
  report.against_dtype = name(predictors[1].pipeline().model().compute_dtype());
  report.against_sha256 = std::move(hashes.against);
}

void tell_gold(const EntityGold& gold, EntityEvaluationReport& report) {
  report.has_words = gold.has_words;
  report.gold_rules = gold.rules;
  report.invalid_utf8 = gold.invalid_utf8;
  report.gold_names = gold.names;
  for (const GoldText& text : gold.texts) report.words += text.words.size();
}

std::optional<KnownEntities> entities_of_training(const EvaluateEntitiesOptions& options, const std::map<int, std::string>& id2label) {
  if (!options.train) return std::nullopt;
  EntityGoldOptions of_train = options.gold;
  of_train.file = *options.train;
  of_train.max_texts = static_cast<std::size_t>(-1);
  return known_entities(read_entities(of_train, id2label));
}

}  // namespace

std::optional<EntityEvaluationReport> evaluate_entities_file(const EvaluateEntitiesOptions& options, Session& session) {
  for (const std::filesystem::path& file : {options.gold.file, options.train.value_or(options.gold.file)}) InputFile(file, false);
       // a wrong name is told before a model is loaded
  const std::filesystem::path directory = model_directory(options.model, session);
  const std::filesystem::path other = options.against ? model_directory(*options.against, session) : directory;
  const bool compares = options.against || options.against_dtype;
  std::future<FileHashes> hashing = hash_files(options.gold.file, directory, compares ? std::optional(other) : std::nullopt);
  std::vector<EntityPredictor> predictors;
  predictors.push_back(predictor_of(directory, options.loading, options.predict));
  const std::map<int, std::string>& id2label = predictors.front().pipeline().config().id2label;
  const EntityGold gold = read_entities(options.gold, id2label);
  const std::optional<KnownEntities> known = entities_of_training(options, id2label);
  EntityEvaluationReport report;
  tell_gold(gold, report);
  compare_types(gold, predictors.front().types(), report);
  if (compares) {
    ModelOptions loading = options.loading;
    if (options.against_dtype) loading.dtype = options.against_dtype;
    PredictOptions second = options.predict;
    second.label_map = options.gold.label_map;  // its types may have other names, as those of the file may
    predictors.push_back(predictor_of(other, loading, second));
  }
  std::vector<Answers> answers(predictors.size());
  if (!predict(gold, predictors, answers, report)) {
    session.messages.note("stopped");
    std::raise(SIGINT);  // whoever started this learns how it ended
    return std::nullopt;
  }
  EvaluateOptions measuring = options.evaluate;
  measuring.num_threads = options.loading.num_threads != 0 ? options.loading.num_threads : available_threads();
  const Answers& own = answers.front();
  report.evaluation = evaluate_entities(own.texts, measuring);
  report.slices = entity_slices({gold.texts, own.texts, own.tokens, gold.has_words, known ? &*known : nullptr, options.train.value_or("").string()}, measuring);
  report.worst = worst_of(gold, own, options.worst);
  if (compares) {
    report.against = evaluate_entities(answers[1].texts, measuring);
    report.comparison = compare_entities(own.texts, answers[1].texts, measuring);
  }
  tell_origin(options, predictors, hashing.get(), session, report);
  return report;
}

}  // namespace filbert::cli
