// Thresholds on answers with known ones, and against every threshold there is.
#include "evaluate/thresholds.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace filbert {
namespace {

const std::vector<ScoredAnswer> kAnswers = {{0.9F, true}, {0.8F, true}, {0.7F, false}, {0.7F, true}, {0.6F, false}, {0.2F, true}};

TEST(Thresholds, OfAPrecisionIsTheLowestThatHasIt) {
  const Threshold three_of_four = find_threshold(kAnswers, 4, ThresholdGoal::precision, 0.75);
  EXPECT_TRUE(three_of_four.is_met);
  EXPECT_EQ(three_of_four.score, 0.7F);  // both of 0.7: equal scores stay together
  EXPECT_EQ(three_of_four.reached, 0.75);
  EXPECT_EQ(find_threshold(kAnswers, 4, ThresholdGoal::precision, 0.76).score, 0.8F);
  EXPECT_EQ(find_threshold(kAnswers, 4, ThresholdGoal::precision, 0.5).score, 0.2F);
}

TEST(Thresholds, OfAPrecisionThatIsNotToBeHadIsNever) {
  const Threshold none = find_threshold({{0.9F, false}, {0.8F, true}}, 1, ThresholdGoal::precision, 0.6);
  EXPECT_FALSE(none.is_met);
  EXPECT_TRUE(std::isinf(none.score));
  EXPECT_EQ(none.reached, 0.5);
  EXPECT_TRUE(std::isinf(find_threshold({}, 3, ThresholdGoal::precision, 0.6).score));
}

TEST(Thresholds, OfARecallIsTheHighestThatHasIt) {
  EXPECT_EQ(find_threshold(kAnswers, 4, ThresholdGoal::recall, 0.5).score, 0.8F);
  EXPECT_EQ(find_threshold(kAnswers, 4, ThresholdGoal::recall, 1).score, 0.2F);
  const Threshold some = find_threshold(kAnswers, 8, ThresholdGoal::recall, 0.9);  // as many have it that never got it
  EXPECT_FALSE(some.is_met);
  EXPECT_EQ(some.score, 0);
  EXPECT_EQ(some.reached, 0.5);
}

TEST(Thresholds, OfF1IsTheBestOfAll) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<ScoredAnswer> answers;
    std::size_t support = random() % 5;
    for (int at = 0; at < 30; ++at) {
      answers.push_back({static_cast<float>(random() % 12) / 12, random() % 2 == 0});
      support += answers.back().is_right;
    }
    double best = 0;
    const auto f1_at = [&](float threshold) {
      double taken = 0, right = 0;
      for (const ScoredAnswer& answer : answers) {
        taken += answer.score >= threshold;
        right += answer.score >= threshold && answer.is_right;
      }
      return right == 0 ? 0 : 2 * right / (taken + static_cast<double>(support));
    };
    for (const ScoredAnswer& answer : answers) best = std::max(best, f1_at(answer.score));
    const Threshold found = find_threshold(answers, support, ThresholdGoal::f1, 0);
    EXPECT_EQ(found.reached, best);
    EXPECT_EQ(f1_at(found.score), best);
  }
}

TEST(Thresholds, OfAnAccuracyThatIsNotToBeHadIsTheBestThereIs) {
  const Threshold best = threshold_for_accuracy({{0.9F, true}, {0.8F, false}, {0.7F, false}}, 1);
  EXPECT_TRUE(best.is_met);
  EXPECT_EQ(best.score, 0.9F);
  const Threshold some = threshold_for_accuracy({{0.9F, false}, {0.8F, true}, {0.7F, false}}, 0.9);
  EXPECT_FALSE(some.is_met);
  EXPECT_EQ(some.score, 0.8F);
}

}  // namespace
}  // namespace filbert
