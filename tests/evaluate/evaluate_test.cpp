#include <filbert/evaluate.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "base/json_writer.h"
#include "evaluate/bootstrap.h"
#include "evaluate/evaluation_json.h"

namespace filbert {
namespace {

// Of two labels: `right` of `count` texts are right, with a score of `score`; they take turns.
ScoredTexts coin_texts(std::size_t count, std::size_t right, float score) {
  ScoredTexts texts;
  texts.labels = {"no", "yes"};
  for (std::size_t text = 0; text < count; ++text) {
    const bool is_right = (text + 1) * right / count > text * right / count;
    texts.gold.push_back(static_cast<std::int32_t>(text % 2));
    const bool says_yes = (text % 2 == 1) == is_right;
    texts.scores.insert(texts.scores.end(), {says_yes ? 1 - score : score, says_yes ? score : 1 - score});
  }
  return texts;
}

TEST(Bootstrap, WeightsDependOnSeedAndSampleAlone) {
  std::vector<std::uint32_t> first(1000), again(1000), other(1000), of_other_seed(1000);
  draw_weights(7, 3, first);
  draw_weights(7, 3, again);
  draw_weights(7, 4, other);
  draw_weights(8, 3, of_other_seed);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  EXPECT_NE(first, of_other_seed);
  std::uint64_t sum = 0, absent = 0;
  for (const std::uint32_t weight : first) sum += weight, absent += weight == 0;
  EXPECT_EQ(sum, 1000u);
  EXPECT_NEAR(static_cast<double>(absent), 1000 / std::exp(1), 50);  // 5 standard deviations of about 10
}

TEST(Bootstrap, EveryTextIsDrawnAlike) {
  constexpr std::size_t kTexts = 50, kSamples = 2000;
  std::vector<std::uint32_t> weights(kTexts), sums(kTexts);
  for (std::size_t sample = 0; sample < kSamples; ++sample) {
    draw_weights(1, sample, weights);
    for (std::size_t text = 0; text < kTexts; ++text) sums[text] += weights[text];
  }
  double chi_squared = 0;
  for (const std::uint32_t sum : sums) chi_squared += (sum - double{kSamples}) * (sum - double{kSamples}) / kSamples;
  EXPECT_LT(chi_squared, 49 + 5 * std::sqrt(2.0 * 49));
}

TEST(Bootstrap, QuantileIsThatOfNumpy) {
  std::vector<double> values = {4, 1, kNoNumber, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 3.7);
  std::vector<double> none = {kNoNumber};
  EXPECT_TRUE(std::isnan(quantile(none, 0.5)));
}

TEST(Evaluate, TheIntervalOfAnAccuracyIsThatOfItsBinomial) {
  const Evaluation evaluation = evaluate(coin_texts(400, 320, 0.8F), {.bootstrap = 2000});
  const Measure& accuracy = evaluation.at("accuracy");
  EXPECT_DOUBLE_EQ(accuracy.value, 0.8);
  const double half_width = 1.96 * std::sqrt(0.8 * 0.2 / 400);
  EXPECT_NEAR(accuracy.low, 0.8 - half_width, 0.005);  // steps of 1/400, and the chance of 2000 samples
  EXPECT_NEAR(accuracy.high, 0.8 + half_width, 0.005);
  EXPECT_NEAR(evaluation.at("ece").value, 0, 1e-7);  // f32 of 0.8
  EXPECT_GT(evaluation.at("ece").low, -1e-12);
}

TEST(Evaluate, IntervalsAreTheSameWithAnyNumberOfThreads) {
  const ScoredTexts texts = coin_texts(100, 70, 0.9F);
  const Evaluation one = evaluate(texts, {.bootstrap = 200, .seed = 5, .num_threads = 1});
  const Evaluation four = evaluate(texts, {.bootstrap = 200, .seed = 5, .num_threads = 4});
  const Evaluation other = evaluate(texts, {.bootstrap = 200, .seed = 6});
  bool differs = false;
  for (std::size_t at = 0; at < one.measures.size(); ++at) {
    EXPECT_EQ(one.measures[at].measure.low, four.measures[at].measure.low);
    EXPECT_EQ(one.measures[at].measure.high, four.measures[at].measure.high);
    differs = differs || one.measures[at].measure.low != other.measures[at].measure.low;
  }
  EXPECT_TRUE(differs);
}

TEST(Evaluate, WithoutSamplesThereAreNoIntervals) {
  const Evaluation evaluation = evaluate(coin_texts(10, 7, 0.9F), {.bootstrap = 0});
  EXPECT_EQ(evaluation.at("accuracy").value, 0.7);
  EXPECT_TRUE(std::isnan(evaluation.at("accuracy").low));
}

TEST(Evaluate, OverconfidenceHasItsSign) {
  EXPECT_NEAR(evaluate(coin_texts(100, 70, 0.9F)).at("overconfidence").value, 0.2, 1e-6);
  EXPECT_NEAR(evaluate(coin_texts(100, 70, 0.6F)).at("overconfidence").value, -0.1, 1e-6);
  EXPECT_EQ(*evaluate(coin_texts(100, 70, 0.6F)).baseline, 0.5);
}

TEST(Evaluate, ASliceIsItsTextsAlone) {
  const ScoredTexts texts = coin_texts(100, 70, 0.9F);
  std::vector<std::uint32_t> slice_of;
  for (std::size_t text = 0; text < 100; ++text) slice_of.push_back(text < 40 ? 2 : 0);
  const std::vector<std::string> values = {"long", "empty", "short"};
  const std::vector<Slice> found = slices(texts, "length", values, slice_of);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].value, "long");
  EXPECT_EQ(found[0].texts, 60u);
  EXPECT_EQ(found[1].value, "short");
  EXPECT_EQ(found[1].texts, 40u);
  ScoredTexts first = texts;
  first.scores.resize(80);
  first.gold.resize(40);
  EXPECT_EQ(found[1].measures[0].measure.value, evaluate(first).at("accuracy").value);
  EXPECT_EQ(found[1].measures[0].measure.low, evaluate(first).at("accuracy").low);
  slice_of.pop_back();
  EXPECT_THROW(slices(texts, "length", values, slice_of), Error);
}

TEST(Evaluate, RejectedTextsCountForTheCoverageAlone) {
  ScoredTexts texts = coin_texts(100, 70, 0.9F), answered;
  answered.labels = texts.labels;
  for (std::size_t text = 0; text < texts.texts(); ++text) {
    texts.rejected.push_back(text % 4 == 0);
    if (text % 4 == 0) continue;
    answered.gold.push_back(texts.gold[text]);
    answered.scores.insert(answered.scores.end(), {texts.scores[2 * text], texts.scores[2 * text + 1]});
  }
  const Evaluation all = evaluate(texts, {.ordered = true}), part = evaluate(answered, {.ordered = true, .bootstrap = 0});
  EXPECT_EQ(all.measures[1].info.name, "coverage");
  EXPECT_DOUBLE_EQ(all.at("coverage").value, 0.75);
  EXPECT_LT(all.at("coverage").low, 0.75);
  EXPECT_GT(all.at("coverage").high, 0.75);
  EXPECT_EQ(all.rejected, 25u);
  EXPECT_EQ(all.texts, 100u);
  EXPECT_EQ(part.rejected, std::nullopt);
  for (const NamedMeasure& each : part.measures) EXPECT_EQ(all.at(each.info.name).value, each.measure.value) << each.info.name;
  EXPECT_THROW((void)part.at("coverage"), Error);
  EXPECT_EQ(all.confusion, part.confusion);
  EXPECT_EQ(all.baseline, part.baseline);
  EXPECT_EQ(all.per_label[0].rejected, 25u) << "every fourth text is of the first label";
  EXPECT_EQ(all.per_label[1].rejected, 0u);
  EXPECT_EQ(all.per_label[0].texts, part.per_label[0].texts);
  const std::vector<Slice> found = slices(texts, "", std::vector<std::string>{"a"}, std::vector<std::uint32_t>(100), {.bootstrap = 0});
  EXPECT_DOUBLE_EQ(found[0].measures[1].measure.value, 0.75);
}

TEST(Evaluate, WhereAllAreRejectedNothingIsKnown) {
  ScoredTexts texts = coin_texts(10, 7, 0.9F);
  texts.rejected.assign(10, 1);
  const Evaluation evaluation = evaluate(texts, {.ordered = true, .bootstrap = 20});
  for (const NamedMeasure& each : evaluation.measures) {
    if (each.info.name == "coverage") EXPECT_EQ(each.measure.value, 0);
    else EXPECT_TRUE(std::isnan(each.measure.value)) << each.info.name;
  }
  EXPECT_EQ(evaluation.baseline, std::nullopt);
  texts.rejected.pop_back();
  EXPECT_THROW(evaluate(texts), Error);
}

TEST(Evaluate, LabelsHaveThresholdsOfTheirOwn) {
  ScoredTexts texts;
  texts.kind = EvaluationKind::multi_label;
  texts.labels = {"a", "b"};
  texts.scores = {0.2F, 0.8F, 0.4F, 0.6F};
  texts.gold_labels = {0, 0, 1, 0};
  EXPECT_EQ(evaluate(texts, {.bootstrap = 0}).at("exact_match").value, 0);
  texts.thresholds = {0.4F, std::numeric_limits<float>::infinity()};
  const Evaluation evaluation = evaluate(texts, {.bootstrap = 0});
  EXPECT_EQ(evaluation.at("exact_match").value, 1) << "a score that is the threshold counts";
  EXPECT_EQ(evaluation.per_label[1].predicted, 0u);
  texts.thresholds.pop_back();
  EXPECT_THROW(evaluate(texts), Error);
}

TEST(Compare, OfTextsThatBothAnswer) {
  ScoredTexts first = coin_texts(100, 50, 0.9F), second = coin_texts(100, 100, 0.8F);
  first.rejected.assign(100, 0);
  for (std::size_t text = 0; text < 40; ++text) first.rejected[text] = 1;
  const Comparison comparison = compare(first, second, {.bootstrap = 50});
  EXPECT_EQ(comparison.either_rejected, 40u);
  EXPECT_EQ(comparison.both_right + comparison.only_second, 60u);
  EXPECT_EQ(comparison.differences[1].info.name, "coverage");
  EXPECT_DOUBLE_EQ(comparison.differences[1].measure.value, 0.4);
  second.rejected = first.rejected;
  EXPECT_EQ(compare(first, second, {.bootstrap = 50}).same_prediction, comparison.both_right + 40);
}

TEST(Compare, AModelIsAsGoodAsItself) {
  const ScoredTexts texts = coin_texts(100, 70, 0.9F);
  const Comparison comparison = compare(texts, texts);
  EXPECT_EQ(comparison.both_right, 70u);
  EXPECT_EQ(comparison.both_wrong, 30u);
  EXPECT_EQ(comparison.same_prediction, 100u);
  EXPECT_EQ(comparison.mcnemar_exact, 1);
  EXPECT_EQ(comparison.mcnemar_mid_p, 1);
  EXPECT_EQ(comparison.max_score_difference, 0);
  for (const NamedMeasure& each : comparison.differences) {
    EXPECT_EQ(each.measure.value, 0) << each.info.name;
    EXPECT_EQ(each.measure.low, 0) << "the samples are not the same";
    EXPECT_EQ(each.measure.high, 0);
  }
}

TEST(Compare, TellsWhoIsRightWhereTheOtherIsNot) {
  const ScoredTexts first = coin_texts(100, 50, 0.9F), second = coin_texts(100, 100, 0.8F);
  const Comparison comparison = compare(first, second);
  EXPECT_EQ(comparison.both_right, 50u);
  EXPECT_EQ(comparison.only_first, 0u);
  EXPECT_EQ(comparison.only_second, 50u);
  EXPECT_LT(comparison.mcnemar_exact, 1e-14);
  EXPECT_NEAR(comparison.differences[0].measure.value, 0.5, 1e-12);
  EXPECT_GT(comparison.differences[0].measure.low, 0.35);
  EXPECT_NEAR(comparison.max_score_difference, 0.7, 1e-6);
  ScoredTexts other = second;
  other.gold[0] = 1 - other.gold[0];
  EXPECT_THROW(compare(first, other), Error);
}

TEST(EvaluationJson, SaysWhatWasRejectedAndByWhat) {
  ScoredTexts texts = coin_texts(30, 20, 0.9F);
  texts.rejected.assign(30, 0);
  texts.rejected[3] = 1;
  EvaluationReport report;
  report.evaluation = evaluate(texts, {.bootstrap = 0});
  report.decision = "filbert_decision.json";
  report.decision_sha256 = "abc";
  JsonWriter json;
  write_json(report, json);
  const nlohmann::json read = nlohmann::json::parse(json.take_line());
  EXPECT_EQ(read.at("rejected"), 1);
  EXPECT_EQ(read.at("labels")[1].at("rejected"), 1);
  EXPECT_DOUBLE_EQ(read.at("measures").at("coverage").at("value").get<double>(), 29.0 / 30);
  EXPECT_EQ(read.at("decision"), "filbert_decision.json");
  EXPECT_EQ(read.at("decision_sha256"), "abc");
}

TEST(EvaluationJson, HasEveryNumberInFull) {
  EvaluationReport report;
  report.evaluation = evaluate(coin_texts(30, 20, 0.9F), {.bootstrap = 50});
  report.rows = 31;
  report.unlabelled = 1;
  report.worst = {{.row = 3, .text = "a\"b", .gold = "no", .predicted = "yes", .gold_score = 0.1F, .score = 0.9F, .loss = 2.25}};
  report.against = report.evaluation;
  report.comparison = compare(coin_texts(30, 20, 0.9F), coin_texts(30, 20, 0.9F), {.bootstrap = 50});
  JsonWriter json;
  write_json(report, json);
  const nlohmann::json read = nlohmann::json::parse(json.take_line());
  EXPECT_EQ(read.at("measures").at("accuracy").at("value").get<double>(), report.evaluation.at("accuracy").value);
  EXPECT_EQ(read.at("measures").at("log_loss").at("high").get<double>(), report.evaluation.at("log_loss").high);
  EXPECT_EQ(read.at("confusion").size(), 2u);
  EXPECT_EQ(read.at("reliability").size(), 15u);
  EXPECT_TRUE(read.at("reliability")[0].at("accuracy").at("value").is_null());
  EXPECT_EQ(read.at("worst")[0].at("text"), "a\"b");
  EXPECT_EQ(read.at("against").at("labels").size(), 2u);
  EXPECT_EQ(read.at("comparison").at("both_right"), 20);
}

}  // namespace
}  // namespace filbert
