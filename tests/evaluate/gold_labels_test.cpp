#include "evaluate/gold_labels.h"

#include <gtest/gtest.h>

#include <filbert/error.h>

namespace filbert {
namespace {

TEST(GoldLabels, ANameIsItself) {
  const GoldLabels labels({"negative", "neutral", "positive"}, {});
  EXPECT_EQ(labels.find("neutral"), 1);
  EXPECT_EQ(labels.find(" Positive "), 2);
  EXPECT_EQ(labels.find("possitive"), std::nullopt);
  EXPECT_EQ(labels.nearest_to("possitive"), "positive");
  EXPECT_EQ(labels.nearest_to("xyz"), "");
  EXPECT_EQ(labels.find(""), std::nullopt);
}

TEST(GoldLabels, ANumberIsAnId) {
  const GoldLabels labels({"negative", "positive"}, {});
  EXPECT_EQ(labels.find("1"), 1);
  EXPECT_EQ(labels.find("0.0"), 0);
  EXPECT_EQ(labels.find("0.5"), std::nullopt);
  EXPECT_EQ(labels.find("2"), std::nullopt);
  EXPECT_EQ(labels.find("-1"), std::nullopt);
  EXPECT_EQ(labels.find("1e0"), std::nullopt);
  EXPECT_EQ(labels.find("1."), 1);
  EXPECT_EQ(labels.find("100"), std::nullopt);
}

TEST(GoldLabels, ANumberThatNamesBeginWithIsNoId) {
  const GoldLabels labels({"1 star", "2 stars", "3 stars"}, {});
  EXPECT_EQ(labels.find("1"), 0);
  EXPECT_EQ(labels.find("3.0"), 2);
  EXPECT_EQ(labels.find("0"), std::nullopt);
  const GoldLabels mixed({"1st", "2 stars"}, {});
  EXPECT_EQ(mixed.find("1"), 1);
}

TEST(GoldLabels, NamesThatDifferInCaseAloneAreNotMixedUp) {
  const GoldLabels labels({"us", "US", "other"}, {});
  EXPECT_EQ(labels.find("US"), 1);
  EXPECT_EQ(labels.find("Us"), std::nullopt);
  EXPECT_EQ(labels.find("Other"), 2);
}

TEST(GoldLabels, TheMapComesFirst) {
  const GoldLabels labels({"negative", "positive"}, {{"pos", "positive"}, {"negative", "1"}});
  EXPECT_EQ(labels.find("pos"), 1);
  EXPECT_EQ(labels.find("negative"), 1);
  EXPECT_THROW(GoldLabels({"negative", "positive"}, {{"pos", "possitive"}}), Error);
}

}  // namespace
}  // namespace filbert
