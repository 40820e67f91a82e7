// What an Explainer makes of a text: units, masked texts, targets. The methods' own numbers have tests of their own.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/error.h>
#include <filbert/explain.h>

#include "explain/explainer.h"
#include "reference/expect_error.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;
using Words = std::vector<std::string>;
using Kept = std::vector<std::uint8_t>;

class Explaining : public testing::Test {
 protected:
  static TemporaryDirectory checkpoint(const std::string& problem_type = {}, std::vector<std::string> labels = {"bad", "so-so", "good"}) {
    return write_checkpoint({.seed = 11, .max_position_embeddings = 24, .labels = std::move(labels), .edit_config = [=](auto& config) {
                               if (!problem_type.empty()) config["problem_type"] = problem_type;
                             }});
  }
  static Words words(const Explainer& explainer) {
    Words words;
    for (const ExplainedUnit& unit : explainer.text().units) words.push_back(unit.text);
    return words;
  }
  MaskedText masked(std::string_view text, const Kept& kept, const ExplainOptions& options = {}) {
    return Explainer::Impl(classify_, {text, std::nullopt}, options).mask(kept);
  }

  const TemporaryDirectory directory_ = checkpoint();
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 2});
};

TEST_F(Explaining, TheScoreIsTheOneOfClassifyBitForBit) {
  for (const std::string text : {"i love this book", "", "  not\n good!  ", "bad \xff bytes", "this book this book this book this book this book i"}) {
    const Classification answer = classify_(text);
    const Explainer explainer(classify_, {text, std::nullopt});
    EXPECT_EQ(explainer.text().score, double{answer.score}) << text;
    EXPECT_EQ(explainer.text().label, answer.label);
    EXPECT_TRUE(same_bits(explainer.text().classification.logits, answer.logits));
  }
}

TEST_F(Explaining, WithEveryUnitTheValueIsTheScore) {
  for (const std::string text : {"i love this book", "  not\n good!  ", "this book this book this book this book this book this book i love"}) {
    Explainer explainer(classify_, {text, std::nullopt});
    EXPECT_EQ(explainer.value(Kept(explainer.text().units.size(), 1)), explainer.text().score) << text;
  }
}

TEST_F(Explaining, AMaskedUnitLeavesTheRestAsItIs) {
  EXPECT_EQ(masked(" I  love\tthis. ", {1, 0, 1, 1}).text, " I  [MASK]\tthis. ");
  EXPECT_EQ(masked("I love this", {0, 1, 0}, {.masking = Masking::remove}).text, " love ");
  EXPECT_EQ(masked("I love this", {0, 1, 1}, {.masking = Masking::string, .mask_string = "..."}).text, "... love this");
  EXPECT_EQ(masked("I love this. Not bad!", {0, 1}, {.unit = ExplainUnit::sentence}).text, "[MASK] Not bad!");
}

TEST_F(Explaining, OffsetsCountWhatIsAskedFor) {
  const std::string text = "é 😀 book";
  for (const auto& [unit, begin] : {std::pair{OffsetUnit::code_points, 4}, {OffsetUnit::bytes, 8}, {OffsetUnit::utf16, 5}}) {
    const Explainer explainer(classify_, {text, std::nullopt}, {.offset_unit = unit});
    ASSERT_EQ(words(explainer), (Words{"é", "😀", "book"}));
    EXPECT_EQ(explainer.text().units[2].offset, (Offset{static_cast<std::size_t>(begin), static_cast<std::size_t>(begin) + 4}));
  }
}

TEST_F(Explaining, WhatTruncationCutsOffIsNotSeen) {
  std::string text;
  for (int word = 0; word < 40; ++word) text += "book ";
  text += "end";
  Explainer explainer(classify_, {text, std::nullopt}, {.masking = Masking::remove});
  EXPECT_EQ(explainer.text().units.size(), 22U);  // of 24 tokens two are special
  ASSERT_EQ(explainer.text().not_seen.size(), 1U);
  EXPECT_EQ(explainer.text().not_seen[0].second, (Offset{22 * 5 - 1, 203}));
  EXPECT_EQ(explainer.value(Kept(22, 1)), explainer.text().score);
  // Removing words brings nothing new into view.
  EXPECT_EQ(explainer.value(Kept(22, 0)), double{classify_("").scores[2].score} * (explainer.text().label == "good") +
                                              double{classify_("").scores[1].score} * (explainer.text().label == "so-so") +
                                              double{classify_("").scores[0].score} * (explainer.text().label == "bad"));
}

TEST_F(Explaining, APairHasUnitsOfBoth) {
  Explainer explainer(classify_, {"i love this", "not good"});
  ASSERT_EQ(words(explainer), (Words{"i", "love", "this", "not", "good"}));
  EXPECT_EQ(explainer.text().units[3].sequence_id, 1);
  EXPECT_EQ(explainer.text().units[3].offset, (Offset{0, 3}));
  const TextInput without{"i [MASK] this", "[MASK] good"};
  const Classification answer = classify_(std::span(&without, 1)).front();
  const std::size_t id = explainer.text().label == "bad" ? 0 : explainer.text().label == "so-so" ? 1 : 2;
  EXPECT_EQ(explainer.value({1, 0, 1, 0, 1}), double{answer.scores[id].score});
}

TEST_F(Explaining, TargetsAreWhatTheySay) {
  const std::vector<float> logits = classify_("not good").logits;
  EXPECT_EQ(Explainer(classify_, {"not good", {}}, {.target = ExplainTarget::logit, .label = "bad"}).text().score, double{logits[0]});
  const Explainer contrast(classify_, {"not good", {}}, {.target = ExplainTarget::contrast, .label = "good", .against = "bad"});
  EXPECT_EQ(contrast.text().score, double{logits[2]} - double{logits[0]});
  EXPECT_EQ(contrast.text().against, "bad");
}

TEST_F(Explaining, OtherHeadsHaveTargetsToo) {
  for (const auto& [problem_type, labels] : {std::pair<std::string, Words>{"regression", {"score"}},
                                             {"multi_label_classification", {"a", "b", "c"}},
                                             {"", {"only"}}}) {
    SCOPED_TRACE(problem_type);
    const TemporaryDirectory directory = checkpoint(problem_type, labels);
    const auto classifier = pipeline("text-classification", directory.path());
    const Explainer explainer(classifier, {"i love this", {}});
    EXPECT_EQ(explainer.text().score, double{classifier("i love this").score});
  }
}

TEST_F(Explaining, AWrongOptionIsNamed) {
  expect_error(ErrorKind::invalid_argument, {"label", "bad, so-so, good", "great"}, [&] {
    Explainer(classify_, {"good", {}}, {.label = "great"});
  });
  expect_error(ErrorKind::invalid_argument, {"contrast", "second label"}, [&] { Explainer(classify_, {"good", {}}, {.target = ExplainTarget::contrast}); });
  expect_error(ErrorKind::invalid_argument, {"contrast", "twice"}, [&] {
    Explainer(classify_, {"good", {}}, {.target = ExplainTarget::contrast, .label = "bad", .against = "bad"});
  });
  expect_error(ErrorKind::invalid_argument, {"unit_regex"}, [&] {
    Explainer(classify_, {"good", {}}, {.unit = ExplainUnit::regex, .unit_regex = "("});
  });
  Explainer explainer(classify_, {"good", {}});
  expect_error(ErrorKind::invalid_argument, {"kept", "1 units", "2"}, [&] { explainer.value({1, 1}); });
}

TEST_F(Explaining, OcclusionIsTheScoreLessThatWithout) {
  Explainer explainer(classify_, {"i love this", {}}, {.label = "good"});
  const OcclusionExplanation result = explainer.occlusion();
  ASSERT_EQ(result.values.size(), 3U);
  EXPECT_EQ(result.values[1], double{classify_("i love this").scores[2].score} - double{classify_("i [MASK] this").scores[2].score});
  EXPECT_EQ(result.evaluations, 4U);
  EXPECT_EQ(explainer.occlusion({.label = "bad"}).values[1],
            double{classify_("i love this").scores[0].score} - double{classify_("i [MASK] this").scores[0].score});
}

TEST_F(Explaining, CounterfactualsAreWhatTheModelSays) {
  Explainer explainer(classify_, {"i really love this book, not bad", {}});
  const CounterfactualExplanation result = explainer.counterfactuals();
  for (const auto* sets : {&result.flips, &result.keeps}) {
    for (const Counterfactual& set : *sets) {
      const Classification answer = classify_(set.text);
      EXPECT_EQ(answer.label, set.label);
      EXPECT_EQ(double{answer.score}, set.score);
      EXPECT_EQ(answer.label == explainer.text().label, sets == &result.keeps) << set.text;
    }
  }
  EXPECT_FALSE(result.keeps.empty());  // all of it keeps it
  EXPECT_FALSE(result.stopped);
}

TEST_F(Explaining, ARegressionDecidesNothing) {
  const TemporaryDirectory directory = checkpoint("regression", {"score"});
  const auto classifier = pipeline("text-classification", directory.path());
  const CounterfactualExplanation result = Explainer(classifier, {"i love this", {}}).counterfactuals();
  EXPECT_TRUE(result.flips.empty());
  EXPECT_TRUE(result.keeps.empty());
}

TEST_F(Explaining, NothingToMaskIsNoError) {
  for (const std::string text : {"", "   ", "\n"}) {
    Explainer explainer(classify_, {text, std::nullopt});
    EXPECT_TRUE(explainer.text().units.empty());
    EXPECT_TRUE(explainer.occlusion().values.empty());
    EXPECT_TRUE(explainer.counterfactuals().flips.empty());
  }
}

TEST_F(Explaining, ABudgetOfZeroStillSaysTheScore) {
  Explainer explainer(classify_, {"i love this", {}}, {.budget = std::chrono::milliseconds(0)});
  EXPECT_EQ(explainer.text().score, double{classify_("i love this").score});
  const OcclusionExplanation result = explainer.occlusion();
  EXPECT_TRUE(result.stopped);
  EXPECT_TRUE(std::isnan(result.values[0]));
  EXPECT_TRUE(explainer.counterfactuals().stopped);
}

TEST_F(Explaining, ACancelledRunKeepsWhatItHas) {
  int asked = 0;
  std::string text;
  for (int word = 0; word < 20; ++word) text += "book ";
  Explainer explainer(classify_, {text, std::nullopt}, {.cancelled = [&] { return asked++ > 0; }});
  const OcclusionExplanation result = explainer.occlusion({.pairs = true});
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(std::isnan(result.values[0]));
}

}  // namespace
}  // namespace filbert
