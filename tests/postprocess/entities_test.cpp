// Words and entities by hand, rule by rule; transformers' own answers are in token_pipeline_test.cpp.
#include "postprocess/entities.h"

#include <string>

#include <gtest/gtest.h>

namespace filbert {
namespace {

const std::map<int, std::string> kLabels = {{0, "O"}, {1, "B-PER"}, {2, "I-PER"}, {3, "B-LOC"}, {4, "I-LOC"}};

std::string spaced(std::span<const std::string> tokens) {
  std::string text;
  for (const std::string& token : tokens) text += text.empty() ? token : "_" + token;
  return text;
}

// A token of four bytes, surest of `label`.
ScoredToken token(std::size_t place, std::size_t label, float score, bool is_subword = false) {
  ScoredToken made{"t" + std::to_string(place), std::vector<float>(5, (1 - score) / 4), {place * 5, place * 5 + 4}, place + 1, is_subword};
  made.scores[label] = score;
  return made;
}

std::vector<Entity> entities(const std::vector<ScoredToken>& tokens, const TokenClassificationOptions& options) {
  return entities_of_row(tokens, EntityRules(options, kLabels, spaced), true, true);
}

const std::vector<ScoredToken> kMicrosoft = {token(0, 1, 0.9f), token(1, 4, 0.5f, true), token(2, 2, 0.6f), token(3, 0, 0.95f, true)};

TEST(Entities, SimpleTakesEachTokensLabel) {
  const auto found = entities(kMicrosoft, {.aggregation_strategy = AggregationStrategy::simple});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].entity, "PER");
  EXPECT_EQ(found[1].entity, "LOC");
  EXPECT_EQ(found[2].entity, "PER");
}

TEST(Entities, WordsHaveOneLabel) {
  const auto first = entities(kMicrosoft, {.aggregation_strategy = AggregationStrategy::first});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].entity, "PER");
  EXPECT_FLOAT_EQ(first[0].score, (0.9f + 0.6f) / 2);
  EXPECT_EQ(first[0].word, "t0_t1_t2_t3");
  EXPECT_EQ(first[0].offset, (Offset{0, 19}));
  const auto max = entities(kMicrosoft, {.aggregation_strategy = AggregationStrategy::max});
  ASSERT_EQ(max.size(), 1u);  // the second word is surest of O
  EXPECT_EQ(max[0].offset, (Offset{0, 9}));
  const auto average = entities(kMicrosoft, {.aggregation_strategy = AggregationStrategy::average, .ignore_labels = {}});
  ASSERT_EQ(average.size(), 2u);
  EXPECT_FLOAT_EQ(average[0].score, (0.9f + 0.125f) / 2);
  EXPECT_EQ(average[1].entity, "O");
}

TEST(Entities, IgnoredLabelsAreOfTypesOnceAggregated) {
  const std::vector<ScoredToken> tokens = {token(0, 1, 0.9f), token(1, 3, 0.9f)};
  EXPECT_EQ(entities(tokens, {.ignore_labels = {"B-PER"}}).size(), 1u);
  EXPECT_EQ(entities(tokens, {.ignore_labels = {"PER"}}).size(), 2u);
  EXPECT_EQ(entities(tokens, {.aggregation_strategy = AggregationStrategy::simple, .ignore_labels = {"PER"}}).size(), 1u);
  EXPECT_EQ(entities(tokens, {.aggregation_strategy = AggregationStrategy::simple, .ignore_labels = {"B-PER"}}).size(), 2u);
}

TEST(Entities, WhatIsIgnoredPartsItsNeighbours) {
  const std::vector<ScoredToken> tokens = {token(0, 2, 0.9f), token(1, 0, 0.9f), token(2, 2, 0.9f)};
  EXPECT_EQ(entities(tokens, {.aggregation_strategy = AggregationStrategy::simple}).size(), 2u);
}

TEST(Entities, ViterbiIsOverWordsWhereThereAreWords) {
  // The first token alone would be O by a hair; the path B-PER I-PER is likelier than O O.
  const std::vector<ScoredToken> tokens = {token(0, 0, 0.4f), token(1, 2, 0.9f, false)};
  const auto argmax = entities(tokens, {.aggregation_strategy = AggregationStrategy::first});
  const auto path = entities(tokens, {.aggregation_strategy = AggregationStrategy::first, .decoding = Decoding::viterbi});
  ASSERT_EQ(argmax.size(), 1u);
  EXPECT_EQ(argmax[0].offset, (Offset{5, 9}));
  ASSERT_EQ(path.size(), 1u);
  EXPECT_EQ(path[0].offset, (Offset{0, 9}));
}

Entity entity(std::size_t begin, std::size_t end, float score) { return {"PER", score, 0, "", {begin, end}}; }

TEST(Entities, OfOverlapsTheLongestThenTheSurestStays) {
  const auto kept = without_overlaps({entity(10, 14, 0.5f), entity(0, 4, 0.5f), entity(2, 9, 0.1f), entity(10, 14, 0.6f), entity(20, 21, 0.1f)}, std::string(21, 'x'));
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].offset, (Offset{2, 9}));
  EXPECT_FLOAT_EQ(kept[1].score, 0.6f);
  // Ten bytes each, but seven letters and six.
  const std::string text = "жжжжaaaaa";
  const auto by_code_points = without_overlaps({entity(2, 12, 0.1f), entity(0, 10, 0.9f)}, text);
  ASSERT_EQ(by_code_points.size(), 1u);
  EXPECT_EQ(by_code_points[0].offset, (Offset{2, 12}));
  EXPECT_EQ(kept[2].offset, (Offset{20, 21}));
  EXPECT_TRUE(without_overlaps({}, "").empty());
}

}  // namespace
}  // namespace filbert
