#include "explain/corpus_words.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/random.h"

namespace filbert {
namespace {

std::vector<std::string> names(const std::vector<CorpusWord>& words) {
  std::vector<std::string> found;
  for (const CorpusWord& word : words) found.push_back(word.word);
  return found;
}

TEST(CorpusWords, TheIntervalCoversTheMean) {
  RandomState random(5);
  for (const std::size_t texts : {5U, 20U}) {
    int covered = 0;
    for (int trial = 0; trial < 500; ++trial) {
      std::vector<float> values(texts);
      for (float& value : values) value = static_cast<float>(0.3 + random.randn());
      const Interval interval = bootstrap_mean(values, texts, static_cast<std::uint32_t>(trial));
      covered += interval.low <= 0.3 && interval.high >= 0.3;
    }
    EXPECT_NEAR(covered, 475, 15) << texts;  // three standard deviations
  }
}

TEST(CorpusWords, ASampleOfManyTextsHasTheirInterval) {
  RandomState random(6);
  std::vector<float> values(4000);
  for (float& value : values) value = static_cast<float>(random.randn());
  const Interval all = bootstrap_mean(values, values.size(), 1);
  const Interval sample = bootstrap_mean(std::span(values).first(400), values.size(), 1);
  EXPECT_NEAR(sample.high - sample.low, all.high - all.low, 0.2 * (all.high - all.low));
  EXPECT_EQ(bootstrap_mean(std::span(values).first(1), 1, 1).low, -std::numeric_limits<double>::infinity());
}

TEST(CorpusWords, TheOrderOfTheTextsChangesNoSample) {
  WordTable forwards(3), backwards(3);
  for (std::size_t row = 1; row <= 2000; ++row) {
    forwards.add("w", row, static_cast<double>(row % 7), false);
    backwards.add("w", 2001 - row, static_cast<double>((2001 - row) % 7), false);
  }
  auto a = forwards.find("w")->sample, b = backwards.find("w")->sample;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.size(), WordTable::kMaxValues);
}

TEST(CorpusWords, AWordOfFewTextsDoesNotLead) {
  WordTable table(0);
  for (std::size_t row = 1; row <= 100; ++row) {
    table.add("often", row, 0.3 + 0.1 * (row % 3 == 0), false);
    table.add("never", row, -0.2 - 0.1 * (row % 3 == 0), true);
  }
  for (std::size_t row = 1; row <= 3; ++row) table.add("rare", row, row == 3 ? 0.1 : 0.7, false);
  table.add("once", 1, 0.9, false);
  EXPECT_EQ(names(table.surest(1, 3, 10)), (std::vector<std::string>{"often"}));
  EXPECT_EQ(names(table.surest(-1, 3, 10)), (std::vector<std::string>{"never"}));
  const CorpusWord often = table.surest(1, 3, 10).front();
  EXPECT_NEAR(often.mean, 0.333, 1e-9);
  EXPECT_LT(often.low, often.mean);
  EXPECT_GT(often.high, often.mean);
  EXPECT_EQ(often.share_for, 1);
  EXPECT_EQ(table.find("never")->decided, 100U);
}

TEST(CorpusWords, AWordOfBothSidesIsMixed) {
  WordTable table(0);
  for (std::size_t row = 1; row <= 40; ++row) {
    table.add("not", row, row % 2 == 0 ? 0.4 : -0.3, false);
    table.add("one-sided", row, 0.4, false);
    table.add("noise", row, row % 2 == 0 ? 1e-9 : -1e-9, false);
  }
  ASSERT_FALSE(table.mixed(3, 1).empty());
  EXPECT_EQ(names(table.mixed(3, 1)), (std::vector<std::string>{"not"}));
}

TEST(CorpusWords, MemoryHasAnEnd) {
  WordTable table(0, 100);
  for (std::size_t row = 1; row <= 50; ++row) table.add("common", row, 0.5, false);
  for (std::size_t row = 1; row <= 1000; ++row) table.add("only-" + std::to_string(row), row, 0.5, false);
  EXPECT_LE(table.words().size(), 100U);
  EXPECT_EQ(table.find("common")->texts, 50U);
  EXPECT_GE(table.forgotten(), 900U);
}

}  // namespace
}  // namespace filbert
