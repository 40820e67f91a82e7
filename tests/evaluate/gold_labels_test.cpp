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

TEST(GoldLabels, OtherNamesAreThoseOfTheModel) {
  const OtherNames own{{"1 star", "2 stars", "3 stars"}, {0, 0, 1}};
  const GoldLabels merged({"bad", "Good"}, {{"awful", "2 stars"}}, own);
  EXPECT_EQ(merged.find("bad"), 0);
  EXPECT_EQ(merged.find("2 stars"), 0);
  EXPECT_EQ(merged.find(" 3 STARS"), 1);
  EXPECT_EQ(merged.find("good"), 1);
  EXPECT_EQ(merged.find("awful"), 0);
  EXPECT_EQ(merged.find("3"), 1) << "the number of the model's name, since none of the new names has one";
  EXPECT_EQ(merged.find("0"), std::nullopt) << "no id, since the model's names have numbers";
  EXPECT_EQ(merged.nearest_to("3 starz"), "3 stars");
  const GoldLabels numbered({"1: bad", "2: good"}, {}, {{"LABEL_0", "LABEL_1"}, {0, 1}});
  EXPECT_EQ(numbered.find("LABEL_1"), 1);
  EXPECT_EQ(numbered.find("1"), 1) << "\"1:\" is no number of its own, so it is an id of the model";
  const GoldLabels stars({"1 star", "2 stars"}, {}, {{"LABEL_0", "LABEL_1"}, {0, 1}});
  EXPECT_EQ(stars.find("2"), 1);
  EXPECT_EQ(stars.find("0"), std::nullopt);
}

TEST(GoldLabels, ALabelThatTookAnothersNameHasIt) {
  const GoldLabels swapped({"no", "yes"}, {}, {{"yes", "no"}, {0, 1}});
  EXPECT_EQ(swapped.find("no"), 0);
  EXPECT_EQ(swapped.find("yes"), 1);
  EXPECT_EQ(swapped.find("NO"), 0);
}

TEST(GoldLabels, TheMapComesFirst) {
  const GoldLabels labels({"negative", "positive"}, {{"pos", "positive"}, {"negative", "1"}});
  EXPECT_EQ(labels.find("pos"), 1);
  EXPECT_EQ(labels.find("negative"), 1);
  EXPECT_THROW(GoldLabels({"negative", "positive"}, {{"pos", "possitive"}}), Error);
}

}  // namespace
}  // namespace filbert
