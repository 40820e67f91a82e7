#include "base/nearest.h"

#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

const std::vector<std::string> kWords = {"--top-k", "--threshold", "classify"};

TEST(Nearest, IsAFewEditsAway) {
  EXPECT_EQ(nearest("--topk", kWords), "--top-k");
  EXPECT_EQ(nearest("--thershold", kWords), "--threshold");
  EXPECT_EQ(nearest("class", kWords), "classify");
  EXPECT_EQ(nearest("nothing like it", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
}

TEST(Nearest, ASuggestionIsAHalfSentenceOrNothing) {
  EXPECT_EQ(suggestion("clasify", kWords), "; did you mean \"classify\"?");
  EXPECT_EQ(suggestion("zzz", kWords), "");
}

}  // namespace
}  // namespace filbert
