// What is said of many texts: aggregates of explanations that are known, and that what a model gives does not depend on company.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/explain_corpus.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "explain/corpus_json.h"
#include "explain/report_assets.h"
#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

class Corpus : public testing::Test {
 protected:
  static TemporaryDirectory checkpoint(std::vector<std::string> labels = {"bad", "good"}, std::string problem_type = {}) {
    return write_checkpoint({.seed = 11, .max_position_embeddings = 24, .labels = std::move(labels), .edit_config = [=](auto& config) {
                               if (!problem_type.empty()) config["problem_type"] = problem_type;
                             }});
  }
  static std::vector<CorpusText> some_texts() {
    std::vector<CorpusText> texts;
    for (const char* text : {"I love this book", "not good, not bad!", "", "this film was good", "Love love LOVE", "bad \xff book", "very very bad film",
                             "good book this book this book this book this book this book this book this book this book this book this book this book this book this book this book this book"}) {
      texts.push_back({texts.size() + 1, text, texts.size() % 2 == 0 ? "good" : "bad"});
    }
    return texts;
  }
  static std::string json_of(const CorpusReport& report) {
    JsonWriter json;
    write_json(report, json);
    return json.take_line();
  }
  // A text of `words`, whose values are given.
  static std::pair<CorpusText, TextExplanation> made(std::size_t row, const std::string& label, const std::vector<TextWord>& words, float score = 0.9F) {
    std::pair<CorpusText, TextExplanation> made{{row, {}, {}}, {label, score, words, false, 0, words.size() + 1}};
    for (TextWord& word : made.second.words) {
      word.places = {{made.first.text.size(), made.first.text.size() + word.word.size()}};
      made.first.text += word.word + " ";
    }
    return made;
  }

  const TemporaryDirectory directory_ = checkpoint();
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 1});
};

TEST_F(Corpus, AWordIsMaskedInAllItsPlaces) {
  const CorpusText text{1, "Love love this", {}};
  const TextExplanation explanation = CorpusExplainer(classify_).explain(std::span(&text, 1)).front();
  ASSERT_EQ(explanation.words.size(), 2U);
  const Classification whole = classify_(text.text), without = classify_("[MASK] [MASK] this");
  const std::size_t label = whole.label == "good" ? 1 : 0;
  EXPECT_EQ(explanation.words[0].word, "love");
  EXPECT_EQ(explanation.words[0].places, (std::vector<Offset>{{0, 4}, {5, 9}}));
  EXPECT_EQ(explanation.score, whole.score);
  EXPECT_EQ(explanation.words[0].score_without, without.scores[label].score);
  EXPECT_EQ(explanation.words[0].value, double{whole.score} - double{without.scores[label].score});
  EXPECT_EQ(explanation.words[0].flips, without.label != whole.label);
}

TEST_F(Corpus, AWordOfAPairIsMaskedInBothTexts) {
  const CorpusText text{.row = 1, .text = "good book", .text_pair = "a good film"};
  CorpusExplainer explainer(classify_);
  const TextExplanation explanation = explainer.explain(std::span(&text, 1)).front();
  ASSERT_EQ(explanation.words.size(), 4U);
  const TextWord& good = explanation.words[0];
  EXPECT_EQ(good.places, (std::vector<Offset>{{0, 4}}));
  EXPECT_EQ(good.pair_places, (std::vector<Offset>{{2, 6}}));
  EXPECT_TRUE(explanation.words[3].places.empty());  // film
  const std::vector<TextInput> pairs = {{"good book", "a good film"}, {"[MASK] book", "a [MASK] film"}};
  const std::vector<Classification> answers = classify_(pairs);
  EXPECT_EQ(explanation.score, answers[0].score);
  EXPECT_EQ(good.score_without, answers[1].scores[answers[0].label == "good" ? 1 : 0].score);

  JsonWriter json;
  write_json(RowExplanation{1, explanation}, json);
  explainer.add(text, parse_row_explanation(json.take_line(), "partial").explanation);
  const CorpusReport report = explainer.result();
  ASSERT_EQ(report.representatives.size(), 1U);
  EXPECT_EQ(report.representatives[0].text.text_pair, "a good film");
  EXPECT_EQ(report.representatives[0].explanation.words[0].pair_places, good.pair_places);
  EXPECT_NE(json_of(report).find(R"("text_pair": "a good film")"), std::string::npos);
  EXPECT_NE(html_report(report).find(">film</span>"), std::string::npos);
}

TEST_F(Corpus, APlaceThatThePairDoesNotHaveIsRefused) {
  CorpusExplainer explainer(classify_);
  const TextWord word{.word = "film", .places = {}, .pair_places = {{7, 11}}};
  expect_error(ErrorKind::corrupt, {"row 1", "pair_places", "0 bytes"}, [&] { explainer.add({1, "a good film"}, {"good", 0.9F, {word}}); });
  expect_error(ErrorKind::corrupt, {"pair_places", "5 bytes"},
               [&] { explainer.add({.row = 1, .text = "a", .text_pair = "short"}, {"good", 0.9F, {word}}); });
}

TEST_F(Corpus, CompanyAndThreadsChangeNothing) {
  const std::vector<CorpusText> texts = some_texts();
  for (const char* method : {"occlusion", "shap", "lime"}) {
    CorpusOptions options{.method = method};
    options.lime.num_samples = 200;
    CorpusExplainer alone(classify_, options);
    options.num_threads = 3;
    CorpusExplainer together(classify_, options);
    const std::vector<TextExplanation> all = together.explain(texts);
    for (std::size_t text = 0; text < texts.size(); ++text) {
      alone.add(texts[text], alone.explain(std::span(&texts[text], 1)).front());
      together.add(texts[text], all[text]);
    }
    EXPECT_EQ(json_of(alone.result()), json_of(together.result())) << method;
  }
}

TEST_F(Corpus, WhatWasWrittenIsReadBackBitForBit) {
  const std::vector<CorpusText> texts = some_texts();
  CorpusExplainer direct(classify_), read(classify_);
  const std::vector<TextExplanation> all = direct.explain(texts);
  for (std::size_t text = 0; text < texts.size(); ++text) {
    direct.add(texts[text], all[text]);
    JsonWriter json;
    write_json(RowExplanation{texts[text].row, all[text]}, json);
    const std::string line = json.take_line();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    const RowExplanation row = parse_row_explanation(line, "partial");
    EXPECT_EQ(row.row, texts[text].row);
    read.add(texts[text], row.explanation);
  }
  EXPECT_EQ(json_of(read.result()), json_of(direct.result()));
  EXPECT_EQ(direct.result().truncated, 1U);
  EXPECT_EQ(direct.result().invalid_utf8, 1U);
  EXPECT_EQ(direct.result().empty, 1U);
}

TEST_F(Corpus, AWordThatGivesALabelAwayIsFound) {
  CorpusExplainer explainer(classify_);
  for (std::size_t row = 1; row <= 200; ++row) {
    std::vector<TextWord> words = {{"the", 0.001, 0.89F, false, {}}, {row % 2 ? "nice" : "film", 0.1, 0.8F, false, {}}};
    if (row % 4 == 0) words.push_back({"sent-from", row % 8 == 0 ? 0.8 : 0.5, row % 8 == 0 ? 0.1F : 0.4F, row % 8 == 0, {}});
    const auto [text, explanation] = made(row, "good", words);
    explainer.add(text, explanation);
    const auto [other, other_explanation] = made(1000 + row, "bad", {{"the", 0.001, 0.9F, false, {}}, {row == 7 ? "sent-from" : "dull", 0.2, 0.7F, false, {}}});
    explainer.add(other, other_explanation);
  }
  const CorpusReport report = explainer.result();
  ASSERT_EQ(report.leaks.size(), 1U);
  const Leak& leak = report.leaks.front();
  EXPECT_EQ(leak.label, "good");
  EXPECT_EQ(leak.word, "sent-from");
  EXPECT_EQ(leak.decided, 50U);
  EXPECT_EQ(leak.coverage, 0.25);
  EXPECT_EQ(leak.explained, 0.25);
  EXPECT_EQ(leak.precision, 50.0 / 51);
  ASSERT_EQ(report.labels.size(), 2U);
  EXPECT_EQ(report.labels[1].words_for.front().word, "sent-from");
  EXPECT_EQ(report.representatives.size(), 5U);
}

TEST_F(Corpus, TwoTextsOfThirteenAreNoLeak) {
  CorpusExplainer explainer(classify_);
  for (std::size_t row = 1; row <= 13; ++row) {
    const auto [text, explanation] = made(row, "good", {{row <= 2 ? "wanted" : "the", 0.5, row <= 2 ? 0.1F : 0.9F, row <= 2, {}}});
    explainer.add(text, explanation);
  }
  EXPECT_TRUE(explainer.result().leaks.empty());
}

TEST_F(Corpus, RightAndWrongAreCounted) {
  CorpusExplainer explainer(classify_);
  for (std::size_t row = 1; row <= 20; ++row) {
    auto [text, explanation] = made(row, "good", {{row % 4 == 0 ? "ironic" : "nice", 0.3 + 0.001 * static_cast<double>(row), 0.6F, false, {}}});
    text.gold = row % 4 == 0 ? "bad" : row == 1 ? "5" : "good";
    explainer.add(text, explanation);
  }
  const GoldReport gold = explainer.result().gold.value();
  EXPECT_EQ(gold.texts, 19U);
  EXPECT_EQ(gold.correct, 14U);
  EXPECT_EQ(gold.unknown, 1U);
  EXPECT_EQ(gold.unknown_labels, (std::vector<std::string>{"5"}));
  ASSERT_EQ(gold.confusions.size(), 2U);
  EXPECT_EQ(gold.confusions[0].texts, 5U);
  ASSERT_EQ(gold.misleading.size(), 1U);
  EXPECT_EQ(gold.misleading[0].word, "ironic");
}

TEST_F(Corpus, ARegressionHasNoLeaks) {
  const TemporaryDirectory directory = checkpoint({"points"}, "regression");
  const auto classifier = pipeline("text-classification", directory.path(), {.num_threads = 1});
  CorpusExplainer explainer(classifier, {.min_texts = 1});
  const std::vector<CorpusText> texts = some_texts();
  const auto all = explainer.explain(texts);
  for (std::size_t text = 0; text < texts.size(); ++text) explainer.add(texts[text], all[text]);
  EXPECT_TRUE(explainer.result().leaks.empty());
  EXPECT_FALSE(explainer.result().has_scores_of_labels);
  EXPECT_EQ(html_report(explainer.result()).find("decide a label"), std::string::npos);
}

TEST_F(Corpus, WhatIsOfAnotherTextIsRefused) {
  CorpusExplainer explainer(classify_);
  expect_error(ErrorKind::corrupt, {"row 1", "label", "great"}, [&] { explainer.add({1, "a", {}}, {.label = "great", .words = {}}); });
  expect_error(ErrorKind::corrupt, {"row 1", "places", "1 bytes"}, [&] {
    explainer.add({1, "a", {}}, {.label = "good", .words = {{"ab", 0.5, 0.1F, false, {{0, 2}}}}});
  });
  expect_error(ErrorKind::corrupt, {"partial", "places"}, [] {
    parse_row_explanation(R"({"row":1,"label":"a","score":1,"truncated":false,"invalid_utf8":0,"evaluations":1,"words":[{"word":"a","flips":true,"places":[[1]]}]})",
                          "partial");
  });
}

TEST_F(Corpus, WrongOptionsAreNamed) {
  expect_error(ErrorKind::invalid_argument, {"method", "occlusion, shap, lime", "gradients"}, [&] { CorpusExplainer(classify_, {.method = "gradients"}); });
  expect_error(ErrorKind::invalid_argument, {"label", "good"}, [&] { CorpusExplainer(classify_, {.explain = {.label = "good"}}); });
  expect_error(ErrorKind::invalid_argument, {"leak_share"}, [&] { CorpusExplainer(classify_, {.leak_share = 0}); });
}

TEST_F(Corpus, WhateverATextHoldsStaysText) {
  const std::string hostile = "</script><img src=x onerror=alert(1)> \u202e\"'&</style>";
  const TemporaryDirectory directory = checkpoint({hostile, "</title><b>"});
  const auto classifier = pipeline("text-classification", directory.path(), {.num_threads = 1});
  CorpusExplainer explainer(classifier, {.min_texts = 1});
  std::vector<CorpusText> texts;
  for (std::size_t row = 1; row <= 12; ++row) texts.push_back({row, hostile + " good <i>" + std::to_string(row % 2), row % 3 ? hostile : "<unknown>"});
  const auto all = explainer.explain(texts);
  for (std::size_t text = 0; text < texts.size(); ++text) explainer.add(texts[text], all[text]);
  CorpusReport report = explainer.result();
  report.input = report.command = report.model = hostile;
  const std::string page = html_report(report);
  for (const char* never : {"<img", "<script", "</script", "<b>", "<i>", "<unknown", " style=", "\u202e", "http://", "https://", "onerror=alert(1)>"}) {
    EXPECT_EQ(page.find(never), std::string::npos) << never;
  }
  for (const std::string_view style : {kReportCss, kCorpusCss}) {
    EXPECT_NE(page.find("'sha256-" + base64_of_hex(sha256_of(style)) + "'"), std::string::npos);
    EXPECT_NE(page.find("<style>" + std::string(style) + "</style>"), std::string::npos);
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("script-src"), std::string::npos);
}

TEST_F(Corpus, NothingIsAReportToo) {
  const CorpusReport report = CorpusExplainer(classify_).result();
  EXPECT_EQ(report.texts, 0U);
  EXPECT_TRUE(report.labels.empty());
  EXPECT_NE(html_report(report).find("There are no texts"), std::string::npos);
}

}  // namespace
}  // namespace filbert
