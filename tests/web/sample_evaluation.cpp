#include "web/sample_evaluation.h"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "web/chance.h"

namespace filbert::reference {
namespace {

// The nearer to the gold label, the likelier; `sharpness` makes it surer, and `noise` wrong.
ScoredTexts star_texts(std::size_t count, const std::vector<std::string>& labels, double sharpness, double noise, std::uint32_t seed) {
  ScoredTexts texts;
  texts.labels = labels;
  Chance gold(1), chance(seed);
  for (std::size_t text = 0; text < count; ++text) {
    const auto right = static_cast<std::int32_t>(std::sqrt(gold()) * static_cast<double>(labels.size()));
    std::vector<double> weights;
    double sum = 0;
    for (std::size_t label = 0; label < labels.size(); ++label) {
      const double distance = std::abs(static_cast<double>(label) - right) + noise * (chance() - 0.5);
      weights.push_back(std::exp(-sharpness * distance));
      sum += weights.back();
    }
    texts.gold.push_back(right);
    for (const double weight : weights) texts.scores.push_back(static_cast<float>(weight / sum));
  }
  return texts;
}

void tell(EvaluationReport& report) {
  report.rows = report.evaluation.texts;
  report.input = "reviews.csv";
  report.label_column = "stars";
  report.model = "built-in";
  report.model_sha256 = std::string(64, 'a');
  report.tokenizer_sha256 = std::string(64, 'b');
  report.input_sha256 = std::string(64, 'c');
  report.dtype = "f32";
  report.version = "0.1.0";
  report.command = "filbert evaluate reviews.csv --label-column stars --ordered";
}

const std::vector<std::string> kStars = {"1 star", "2 stars", "3 stars", "4 stars", "5 stars"};

EvaluationReport of_stars() {
  EvaluationReport report;
  report.options = {.ordered = true, .bootstrap = 300};
  const ScoredTexts texts = star_texts(600, kStars, 1.4, 2.6, 2);
  report.evaluation = evaluate(texts, report.options);
  std::vector<std::uint32_t> language, length;
  for (std::uint32_t text = 0; text < 600; ++text) language.push_back(text % 7 < 4 ? 0 : text % 7 < 6 ? 1 : 2), length.push_back(text % 11 < 8 ? 1 : 2);
  report.slices = slices(texts, "language", std::vector<std::string>{"en", "de", ""}, language, report.options);
  for (Slice& slice : slices(texts, "tokens", std::vector<std::string>{"up to 16", "17 to 32", "33 to 64"}, length, report.options)) report.slices.push_back(std::move(slice));
  report.worst = {{.row = 117, .text = "Best thing I ever bought.\nNot.", .gold = "1 star", .predicted = "5 stars", .gold_score = 0.0041F, .score = 0.962F, .loss = 5.497},
                  {.row = 42, .text = "הספר הזה טוב מאוד", .text_pair = "What do you think of it?", .truncated = true, .gold = "5 stars", .predicted = "1 star",
                   .gold_score = 0.012F, .score = 0.71F, .loss = 4.42}};
  tell(report);
  report.rows = 612;
  report.unlabelled = 4;
  report.unknown = {{"5 starz", "5 stars", 6}, {"n/a", "", 2}};
  report.unknown_texts = 8;
  report.truncated = 12;
  report.invalid_utf8 = 1;
  report.gold_names = {{"1", "1 star"}, {"2", "2 stars"}, {"5.0", "5 stars"}};
  return report;
}

EvaluationReport of_two_models() {
  EvaluationReport report;
  report.options = {.bootstrap = 300};
  const ScoredTexts first = star_texts(400, kStars, 1.4, 2.6, 2), second = star_texts(400, kStars, 2.4, 2.4, 3);
  report.evaluation = evaluate(first, report.options);
  report.against = evaluate(second, report.options);
  report.comparison = compare(first, second, report.options);
  tell(report);
  report.against_model = "models/another";
  report.against_sha256 = std::string(64, 'd');
  report.against_dtype = "int8";
  return report;
}

EvaluationReport of_several_labels() {
  EvaluationReport report;
  report.options = {.threshold = 0.4, .bootstrap = 200};
  ScoredTexts texts;
  texts.kind = EvaluationKind::multi_label;
  texts.labels = {"toxic", "insult", "threat", "identity hate"};
  Chance chance(5);
  for (std::size_t at = 0; at < 300 * texts.labels.size(); ++at) {
    const bool has_it = chance() < 0.3 / static_cast<double>(1 + at % texts.labels.size());
    texts.gold_labels.push_back(has_it);
    texts.scores.push_back(static_cast<float>(1 / (1 + std::exp(2.2 - 4 * has_it + 4 * (chance() - 0.5)))));
  }
  report.evaluation = evaluate(texts, report.options);
  report.worst = {{.row = 9, .text = "You are a … never mind.", .shortened = true, .gold = "toxic, insult", .predicted = "none", .loss = 1.93}};
  tell(report);
  return report;
}

EvaluationReport of_a_regression() {
  EvaluationReport report;
  report.options = {.bootstrap = 200};
  ScoredTexts texts;
  texts.kind = EvaluationKind::regression;
  texts.labels = {"similarity"};
  std::vector<std::uint32_t> length;
  Chance chance(6);
  for (std::uint32_t text = 0; text < 200; ++text) {
    texts.targets.push_back(5 * chance());
    texts.scores.push_back(static_cast<float>(texts.targets.back() * 0.8 + chance()));
    length.push_back(text % 2);
  }
  report.evaluation = evaluate(texts, report.options);
  report.slices = slices(texts, "tokens", std::vector<std::string>{"up to 16", "17 to 32"}, length, report.options);
  report.worst = {{.row = 30, .text = "A man is singing.", .text_pair = "A man sings.", .gold_score = 4.8F, .score = 1.1F, .loss = 3.7}};
  tell(report);
  return report;
}

EvaluationReport of_many_labels() {
  EvaluationReport report;
  report.options = {.bootstrap = 100};
  std::vector<std::string> labels;
  for (int label = 0; label < 30; ++label) labels.push_back(fmt::format("intent <b>{}</b> & its very long name that never ends", label));
  report.evaluation = evaluate(star_texts(300, labels, 0.8, 4, 7), report.options);
  report.worst = {{.row = 1, .text = "</p><script>alert(1)</script>\xE2\x80\xAE" "evil", .gold = labels[3], .predicted = labels[4], .gold_score = 0.01F, .score = 0.4F, .loss = 4.6}};
  tell(report);
  return report;
}

}  // namespace

std::vector<std::pair<std::string, EvaluationReport>> sample_evaluations() {
  return {{"evaluation", of_stars()}, {"evaluation_two", of_two_models()}, {"evaluation_multi", of_several_labels()}, {"evaluation_regression", of_a_regression()},
          {"evaluation_many", of_many_labels()}};
}

}  // namespace filbert::reference
