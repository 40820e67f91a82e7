// What is measured of texts, what a comparison says of it, and that a summary is read as it was written, or refused.
#include <algorithm>

#include <gtest/gtest.h>

#include <filbert/drift.h>

#include "evaluate/drift.h"
#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using reference::expect_error;

class DriftOfTexts : public testing::Test {
 protected:
  DriftSummary summary_of(std::span<const DriftText> texts, const ClassifyOptions& options = {}) const {
    DriftSummarizer summarizer(classifier_, options);
    summarizer.add(texts);
    return summarizer.summary();
  }
  static std::vector<DriftText> many(std::initializer_list<const char*> texts, int times) {
    std::vector<DriftText> all;
    for (int time = 0; time < times; ++time) {
      for (const char* text : texts) all.push_back({text});
    }
    return all;
  }
  static const DriftMeasure& find(const DriftReport& report, std::string_view name) {
    return *std::ranges::find(report.measures, name, [](const DriftMeasure& measure) { return measure.info.name; });
  }

  reference::TemporaryDirectory directory_ = reference::write_checkpoint(reference::TinyCheckpoint());
  TextClassificationPipeline classifier_ = pipeline("text-classification", directory_.path());
};

TEST_F(DriftOfTexts, AreMeasuredAsTheModelSeesThem) {
  const std::vector<DriftText> texts = {{"good book"}, {"Это я"}, {"", {}, "bad"}, {"a я", "漢ひ", "good"}, {"a b c d e f g h i j k", {}, "bad"}, {"bad \xff"}};
  const DriftSummary summary = summary_of(texts, {.max_length = 10});
  EXPECT_EQ(summary.texts, 6U);
  const std::size_t tokens = classifier_.tokenizer()(texts[0].text).total_tokens();
  EXPECT_EQ(summary.numbers.at("characters").at(9), 1U);
  EXPECT_EQ(summary.numbers.at("characters").at(0), 1U);
  EXPECT_EQ(summary.numbers.at("tokens").at(13), 1U);  // as many as there would be without max_length
  EXPECT_GE(summary.numbers.at("tokens").at(static_cast<double>(tokens)), 1U);
  EXPECT_EQ(summary.numbers.at("characters_per_token").at(1.62), 1U);  // 21 / 13
  EXPECT_EQ(summary.numbers.at("unk_share").at(1), 1U);  // a Cyrillic text
  EXPECT_EQ((summary.shares.at("truncated")), (std::map<std::string, std::uint64_t>{{"no", 5}, {"yes", 1}}));
  EXPECT_EQ((summary.shares.at("script")), (std::map<std::string, std::uint64_t>{{"Cyrillic", 2}, {"Latin", 3}, {"no letters", 1}}));
  EXPECT_EQ(summary.shares.at("mixed_scripts").at("yes"), 1U);
  EXPECT_EQ(summary.shares.at("invalid_utf8").at("yes"), 1U);
  EXPECT_EQ((summary.shares.at("gold")), (std::map<std::string, std::uint64_t>{{"bad", 2}, {"good", 1}}));
  EXPECT_EQ(summary.letters.at("Han"), 1U);
  EXPECT_EQ(summary.letters.at("Cyrillic"), 5U);
}

TEST_F(DriftOfTexts, TheSameFileHasNone) {
  const auto texts = many({"good book", "a bad film that was long", "I love it"}, 30);
  const DriftSummary summary = summary_of(texts);
  const DriftReport report = compare_drift(summary, summary);
  EXPECT_EQ(report.drift, Drift::none);
  for (const DriftMeasure& measure : report.measures) {
    EXPECT_EQ(measure.psi, 0) << measure.info.name;
    EXPECT_EQ(measure.chance_p, 1) << measure.info.name;
    EXPECT_EQ(measure.statistic, 0) << measure.info.name;
  }
}

TEST_F(DriftOfTexts, AnotherScriptIsMuchAndShown) {
  const auto old_texts = many({"good book", "a bad film that was long", "I love it"}, 30);
  auto new_texts = old_texts;
  for (int each = 0; each < 30; ++each) new_texts.push_back({"Очень хорошо " + std::to_string(each)});
  const DriftSummary reference = summary_of(old_texts);
  DriftSummarizer summarizer(classifier_, {}, {}, &reference);
  summarizer.add(new_texts);
  const DriftReport report = compare_drift(reference, summarizer.summary(), summarizer.examples());
  EXPECT_EQ(report.drift, Drift::much);
  const DriftMeasure& script = find(report, "script");
  EXPECT_EQ(script.drift, Drift::much);
  EXPECT_EQ(script.reason, "script: Cyrillic 0.0 % → 25.0 %, Latin 100.0 % → 75.0 %");
  ASSERT_EQ(script.examples.size(), 3U);
  for (const DriftExample& example : script.examples) EXPECT_TRUE(example.text.starts_with("Очень хорошо ")) << example.text;
  EXPECT_EQ(find(report, "truncated").drift, Drift::none);
}

TEST_F(DriftOfTexts, FewTextsDoNotAlarm) {
  // Ten texts against ten of the same kind: a PSI that would be much, were it not chance.
  reference::Random random(3);
  int alarms = 0, large = 0;
  for (int pair = 0; pair < 20; ++pair) {
    std::vector<DriftText> texts[2];
    for (auto& each : texts) {
      for (int text = 0; text < 10; ++text) {
        std::string words = "good";
        for (std::size_t word = random.between(0, 20); word > 0; --word) words += random.pick<std::string>({" bad", " book", " b", " x"});
        each.push_back({words});
      }
    }
    const DriftReport report = compare_drift(summary_of(texts[0]), summary_of(texts[1]));
    alarms += report.drift != Drift::none;
    large += std::ranges::any_of(report.measures, [](const DriftMeasure& measure) { return measure.psi > 0.25; });
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_TRUE(report.notes[0].starts_with("Too few texts to tell much drift from chance"));
  }
  EXPECT_LE(alarms, 1);
  EXPECT_GE(large, 15);
}

TEST_F(DriftOfTexts, ASummaryIsReadAsItWasWrittenAndHoldsNoText) {
  DriftSummary summary = summary_of(std::vector<DriftText>{{"unmistakable", {}, "good"}, {"good \"book\"", {}, "b\"ad"}});
  summary.input = "a.csv", summary.model = "built-in", summary.max_length = 12;
  const std::string json = to_json(summary);
  EXPECT_EQ(json.find("unmistakable"), std::string::npos);
  const DriftSummary read = drift_summary_from_json(json, "a.json");
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(read.numbers, summary.numbers);
  EXPECT_EQ(read.shares, summary.shares);
}

TEST_F(DriftOfTexts, AWrongSummaryIsRefused) {
  DriftSummary summary = summary_of(std::vector<DriftText>{{"good"}});
  const std::string json = to_json(summary);
  const auto changed = [&](std::string from, std::string_view to) {
    std::string wrong = json;
    const std::size_t at = wrong.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return wrong.replace(at, from.size(), to);
  };
  const auto refused = [&](const std::string& wrong, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::corrupt, parts, [&] { drift_summary_from_json(wrong, "a.json"); });
  };
  refused("{}", {"a.json", "filbert_drift"});
  refused(changed("\"filbert_drift\": 1", "\"filbert_drift\": 2"), {"filbert_drift", "2"});
  refused(changed("\"texts\": 1", "\"texts\": 0"), {"counts of at most 0 texts"});
  refused(changed("\"texts\": 1", "\"texts\": -1"), {"texts", "a count"});
  refused(changed("\"values\": [4", "\"values\": [4, 4"), {"ascend"});
  refused(changed("\"values\": [4", "\"values\": [1e300, 4"), {"a number that a text can have"});
  refused(changed("\"values\": [4", "\"values\": [3, 4"), {"one a value"});
  refused(changed("\"tokens\": {\"values\"", "\"tokenz\": {\"values\""), {"tokenz", "no measure"});
  refused(changed("\"label\": {", "\"tokens\": {"), {"no measure"});
}

TEST_F(DriftOfTexts, WhatCannotBeComparedIsRefusedOrSaid) {
  DriftSummary one = summary_of(std::vector<DriftText>{{"good", {}, "good"}}), other = summary_of(std::vector<DriftText>{{"good"}});
  one.input = "old.csv", other.input = "new.csv";
  const DriftReport report = compare_drift(one, other);
  EXPECT_EQ(report.notes.front(), "Only old.csv has the gold label.");
  one.model_sha256 = "1", other.model_sha256 = "2";
  expect_error(ErrorKind::invalid_argument, {"old.csv", "weights 2", "1"}, [&] { compare_drift(one, other); });
  other.model_sha256 = "1", other.max_length = 7;
  expect_error(ErrorKind::invalid_argument, {"max_length", "7", "none"}, [&] { compare_drift(one, other); });
  expect_error(ErrorKind::invalid_argument, {"expected texts, found none"}, [&] { compare_drift(DriftSummary(), one); });
  expect_error(ErrorKind::invalid_argument, {"bins", "1"}, [&] { compare_drift(one, one, {}, {.bins = 1}); });
  expect_error(ErrorKind::invalid_argument, {"replicates", "1099"}, [&] { compare_drift(one, one, {}, {.replicates = 99}); });
  std::vector<DriftText> gold;
  for (int each = 0; each < 1001; ++each) gold.push_back({"a", {}, std::to_string(each)});
  expect_error(ErrorKind::invalid_argument, {"--label-column", "1000"}, [&] { summary_of(gold); });
}

}  // namespace
}  // namespace filbert
