#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>
#include <filbert/evaluate_entities.h>

#include "evaluate/evaluation_json.h"

namespace filbert {
namespace {

// One exact, one of another type, one with another end, one missed, one spurious.
const EntityText kText = {.gold = {{"PER", 0, 5}, {"LOC", 10, 15}, {"ORG", 20, 30}, {"PER", 40, 45}},
                          .predicted = {{"PER", 0, 5, 0.9F}, {"ORG", 10, 15, 0.8F}, {"ORG", 22, 30, 0.7F}, {"LOC", 50, 55, 0.6F}},
                          .words = 20,
                          .right_words = 15};
const EntityText kRight = {.gold = {{"PER", 3, 7}}, .predicted = {{"PER", 3, 7, 1}}, .words = 5, .right_words = 5};

double value(const EntityEvaluation& evaluation, std::string_view name) { return evaluation.at(name).value; }

TEST(EvaluateEntities, FiguresAreThoseOfTheCounts) {
  const std::vector<EntityText> texts = {kText, kRight};
  const EntityEvaluation evaluation = evaluate_entities(texts, {.bootstrap = 0});
  EXPECT_EQ(evaluation.gold, 5u);
  EXPECT_EQ(evaluation.predicted, 5u);
  EXPECT_EQ(evaluation.right, 2u);
  EXPECT_DOUBLE_EQ(value(evaluation, "micro_f1"), 0.4);
  EXPECT_DOUBLE_EQ(value(evaluation, "overlap_precision"), 0.6);  // ORG overlaps
  EXPECT_DOUBLE_EQ(value(evaluation, "boundary_recall"), 0.6);    // LOC has its ends
  EXPECT_DOUBLE_EQ(value(evaluation, "exact_match"), 0.5);
  EXPECT_DOUBLE_EQ(value(evaluation, "accuracy"), 0.8);
  EXPECT_DOUBLE_EQ(value(evaluation, "macro_precision"), (0.0 + 0.0 + 1.0) / 3);
  EXPECT_DOUBLE_EQ(value(evaluation, "weighted_recall"), 2.0 / 5);
  ASSERT_EQ(evaluation.types.size(), 3u);
  EXPECT_EQ(evaluation.types[2].type, "PER");
  EXPECT_EQ(evaluation.types[2].right, 2u);
  EXPECT_DOUBLE_EQ(evaluation.types[2].recall.value, 2.0 / 3);
  EXPECT_TRUE(std::isnan(evaluation.types[2].recall.low));
  EXPECT_THROW(evaluation.at("f1"), Error);
}

TEST(EvaluateEntities, EveryEntityHasAnOutcome) {
  const EntityEvaluation evaluation = evaluate_entities(std::vector<EntityText>{kText}, {.bootstrap = 0});
  EXPECT_EQ(evaluation.outcomes, (std::array<std::uint64_t, kEntityOutcomes>{1, 1, 1, 0, 1, 1}));
  const std::vector<std::uint64_t> wanted = {0, 1, 0, 0,   // LOC: said ORG
                                             0, 1, 0, 0,   // ORG
                                             0, 0, 1, 1,   // PER: one missed
                                             1, 0, 0, 0};  // spurious
  EXPECT_EQ(evaluation.confusion, wanted);
}

TEST(EvaluateEntities, PairsPreferWhatIsMoreAlike) {
  const EntityText text = {.gold = {{"A", 0, 10}, {"A", 10, 12}}, .predicted = {{"B", 0, 10}, {"A", 0, 12}, {"A", 8, 10}}};
  const std::vector<EntityPair> pairs = pair_entities(text);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].predicted, 0);  // the same ends before an overlap
  EXPECT_EQ(pairs[0].outcome, EntityOutcome::wrong_type);
  EXPECT_EQ(pairs[2].gold, 1);
  EXPECT_EQ(pairs[2].predicted, 1);
  EXPECT_EQ(pairs[1].outcome, EntityOutcome::spurious);
}

TEST(EvaluateEntities, WhatStandsTwiceCountsOnce) {
  EntityText twice = kRight;
  twice.predicted.push_back(twice.predicted.front());
  twice.gold.push_back(twice.gold.front());
  EXPECT_DOUBLE_EQ(value(evaluate_entities(std::vector<EntityText>{twice}, {.bootstrap = 0}), "micro_precision"), 1);
}

TEST(EvaluateEntities, NothingToFindHasNoFigures) {
  const EntityEvaluation evaluation = evaluate_entities(std::vector<EntityText>(3), {.bootstrap = 10});
  EXPECT_TRUE(std::isnan(value(evaluation, "micro_f1")));
  EXPECT_DOUBLE_EQ(value(evaluation, "exact_match"), 1);
  EXPECT_EQ(evaluation.measures.back().info.name, "exact_match");  // no words
  EXPECT_THROW(evaluate_entities({}, {}), Error);
}

std::vector<EntityText> many() {
  std::vector<EntityText> texts;
  for (std::size_t text = 0; text < 60; ++text) texts.push_back(text % 3 == 0 ? kText : kRight);
  return texts;
}

TEST(EvaluateEntities, IntervalsHoldTheValueAndTheSeedDecides) {
  const std::vector<EntityText> texts = many();
  const EntityEvaluation one = evaluate_entities(texts, {.bootstrap = 200, .seed = 3, .num_threads = 1}),
      two = evaluate_entities(texts, {.bootstrap = 200, .seed = 3, .num_threads = 3});
  for (std::size_t at = 0; at < one.measures.size(); ++at) {
    const Measure& measure = one.measures[at].measure;
    EXPECT_LE(measure.low, measure.value) << one.measures[at].info.name;
    EXPECT_GE(measure.high, measure.value) << one.measures[at].info.name;
    EXPECT_EQ(measure.low, two.measures[at].measure.low);
  }
  EXPECT_LT(one.at("micro_f1").low, one.at("micro_f1").high);
}

TEST(CompareEntities, CountsWhatEachFinds) {
  std::vector<EntityText> first = many(), second = first;
  for (EntityText& text : second) text.predicted = text.gold;
  const EntityComparison comparison = compare_entities(first, second, {.bootstrap = 100});
  EXPECT_EQ(comparison.both_found, 60u);
  EXPECT_EQ(comparison.only_second, 60u);
  EXPECT_EQ(comparison.only_first + comparison.neither, 0u);
  EXPECT_EQ(comparison.same_prediction, 40u);
  EXPECT_EQ(comparison.bootstrap_p, 0);
  EXPECT_GT(comparison.differences.front().measure.low, 0);
  const EntityComparison none = compare_entities(first, first, {.bootstrap = 100});
  EXPECT_EQ(none.bootstrap_p, 1);
  EXPECT_EQ(none.mcnemar_mid_p, 1);
  second.front().gold.clear();
  EXPECT_THROW(compare_entities(first, second), Error);
}

TEST(EntitiesJson, HasEveryNumber) {
  EntityEvaluationReport report;
  report.evaluation = evaluate_entities(std::vector<EntityText>{kText}, {.bootstrap = 0});
  report.has_words = true;
  report.never_said = {{"ORG", 1}};
  report.worst = {{.row = 1, .text = "a", .loss = 3.1, .entities = kText}};
  JsonWriter json;
  write_json(report, json);
  const auto read = nlohmann::json::parse(json.take_line());
  EXPECT_EQ(read["kind"], "entities");
  EXPECT_EQ(read["gold"], 4);
  EXPECT_EQ(read["never_said"]["ORG"], 1);
  EXPECT_EQ(read["outcomes"]["wrong_type"], 1);
  EXPECT_EQ(read["confusion"].size(), 4u);
  EXPECT_EQ(read["types"][2]["type"], "PER");
  EXPECT_TRUE(read["measures"]["micro_f1"]["low"].is_null());
  EXPECT_EQ(read["worst"][0]["predicted"][0], (nlohmann::json{{"label", "PER"}, {"score", 0.9}, {"start", 0}, {"end", 5}}));
}

}  // namespace
}  // namespace filbert
