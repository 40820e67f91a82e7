// The three stages in one call: what is truncated is said, scores are those of stage 3, rows of elsewhere are taken.
#include <filbert/pipeline.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

TinyCheckpoint three_labels() { return {.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}; }

class Pipeline : public testing::Test {
 protected:
  const TemporaryDirectory directory_ = write_checkpoint(three_labels());
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 2});

  static std::string words(std::size_t count) {  // each one token of tiny_vocab
    std::string text;
    for (std::size_t word = 0; word < count; ++word) text += word % 2 == 0 ? "book " : "love ";
    return text;
  }
};

TEST_F(Pipeline, AnswersWithEveryLabelInIdOrderAndTheBest) {
  const Classification answer = classify_("I really love this book");
  ASSERT_EQ(answer.scores.size(), 3u);
  EXPECT_EQ(answer.scores[0].label, "bad");
  EXPECT_EQ(answer.scores[1].label, "so-so");
  EXPECT_EQ(answer.scores[2].label, "good");
  Tensor logits({1, 3});
  logits.data = answer.logits;
  const Tensor scores = softmax(logits);
  float best = 0, sum = 0;
  for (std::size_t id = 0; id < 3; ++id) {
    EXPECT_EQ(answer.scores[id].score, scores[0][id]);
    best = std::max(best, scores[0][id]);
    sum += scores[0][id];
  }
  EXPECT_EQ(answer.score, best);
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(answer.tokens_total, 7u);
  EXPECT_EQ(answer.tokens_used, 7u);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(answer.invalid_utf8, 0u);
}

TEST_F(Pipeline, TopKIsSortedAndCut) {
  const Classification all = classify_("good book", {.top_k = 3});
  ASSERT_EQ(all.scores.size(), 3u);
  EXPECT_GE(all.scores[0].score, all.scores[1].score);
  EXPECT_GE(all.scores[1].score, all.scores[2].score);
  EXPECT_EQ(all.scores[0].label, all.label);
  EXPECT_EQ(all.scores[0].score, all.score);
  const Classification one = classify_("good book", {.top_k = 1});
  ASSERT_EQ(one.scores.size(), 1u);
  EXPECT_EQ(one.label, all.label);
  EXPECT_EQ(one.logits, all.logits);  // of all labels, in id order
  EXPECT_EQ(classify_("good book", {.top_k = 99}).scores.size(), 3u);
  expect_error(ErrorKind::invalid_argument, {"top_k", "0"}, [&] { classify_("good book", {.top_k = 0}); });
}

TEST_F(Pipeline, FunctionToApplyIsTheCallersChoice) {
  const Classification none = classify_("good book", {.function_to_apply = FunctionToApply::none});
  for (std::size_t id = 0; id < 3; ++id) EXPECT_EQ(none.scores[id].score, none.logits[id]);
  const Classification sigmoids = classify_("good book", {.function_to_apply = FunctionToApply::sigmoid});
  Tensor logits({1, 3});
  logits.data = none.logits;
  for (std::size_t id = 0; id < 3; ++id) EXPECT_EQ(sigmoids.scores[id].score, sigmoid(logits)[0][id]);
}

TEST_F(Pipeline, ALongTextIsTruncatedAndSaysSo) {
  EXPECT_EQ(classify_.max_length(), 24u);
  const Classification fits = classify_(words(22));
  EXPECT_EQ(fits.tokens_total, 24u);
  EXPECT_EQ(fits.tokens_used, 24u);
  EXPECT_FALSE(fits.truncated);
  const Classification cut = classify_(words(23));
  EXPECT_EQ(cut.tokens_total, 25u);
  EXPECT_EQ(cut.tokens_used, 24u);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.logits, fits.logits);
  const Classification far = classify_(words(5000));
  EXPECT_EQ(far.tokens_total, 5002u);
  EXPECT_EQ(far.tokens_used, 24u);
  EXPECT_EQ(far.logits, fits.logits);
}

TEST_F(Pipeline, MaxLengthMayBeLessThanTheModelTakesButNotMore) {
  const Classification cut = classify_(words(22), {.max_length = 10});
  EXPECT_EQ(cut.tokens_total, 24u);
  EXPECT_EQ(cut.tokens_used, 10u);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.logits, classify_(words(8)).logits);
  expect_error(ErrorKind::invalid_argument, {"max_length", "24", "25"}, [&] { classify_("book", {.max_length = 25}); });
  expect_error(ErrorKind::invalid_argument, {"max_length"}, [&] { classify_("book", {.max_length = 1}); });
  expect_error(ErrorKind::invalid_argument, {"24", "25"},
               [&] { classify_(words(23), {.truncation = Truncation::do_not_truncate}); });
}

TEST_F(Pipeline, TheTokenizersMaximumCountsToo) {
  directory_.write("tokenizer_config.json", R"({"model_max_length": 16, "do_lower_case": true})");
  const auto classify = pipeline("sentiment-analysis", directory_.path());
  EXPECT_EQ(classify.max_length(), 16u);
  EXPECT_EQ(classify(words(30)).tokens_used, 16u);
  directory_.write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(pipeline("sentiment-analysis", directory_.path()).max_length(), 24u);
  directory_.write("tokenizer_config.json", R"({"model_max_length": 512})");
  EXPECT_EQ(pipeline("sentiment-analysis", directory_.path()).max_length(), 24u);
}

TEST_F(Pipeline, APairIsOneRowOfTwoTypes) {
  const TextInput pair{"good book", "bad book"};
  const BatchEncoding encoding = classify_.tokenize(std::span(&pair, 1));
  EXPECT_EQ(encoding.total_tokens(), 7u);
  EXPECT_EQ(encoding.token_type_ids, (std::vector<std::int32_t>{0, 0, 0, 0, 1, 1, 1}));
  const auto answers = classify_(std::span(&pair, 1));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_NE(answers[0].logits, classify_("good book bad book").logits);
  EXPECT_EQ(answers[0].logits, classify_(encoding)[0].logits);
}

TEST_F(Pipeline, ABatchAnswersInOrderAsEachTextAlone) {
  std::vector<std::string> texts = {"", "good", words(40), "I hate this.", "\xFF\xFEgood", "very very bad book!", "good"};
  std::vector<TextInput> inputs;
  for (const std::string& text : texts) inputs.push_back({text, std::nullopt});
  const auto answers = classify_(inputs);
  ASSERT_EQ(answers.size(), texts.size());
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const Classification alone = classify_(texts[index]);
    EXPECT_TRUE(same_bits(answers[index].logits, alone.logits)) << index;
    EXPECT_EQ(answers[index].label, alone.label);
    EXPECT_EQ(answers[index].tokens_total, alone.tokens_total);
    EXPECT_EQ(answers[index].truncated, alone.truncated);
  }
  EXPECT_EQ(answers[0].tokens_total, 2u);  // [CLS] [SEP]
  EXPECT_EQ(answers[4].invalid_utf8, 2u);
  EXPECT_TRUE(classify_(std::span<const TextInput>()).empty());
}

TEST_F(Pipeline, RowsOfElsewhereNeedNoTokenizer) {
  const BatchEncoding rows = classify_.tokenize(std::vector<TextInput>{{"good book", std::nullopt}});
  const auto expected = classify_(rows);
  std::filesystem::remove(directory_.path() / "vocab.txt");
  const auto without = pipeline("text-classification", directory_.path());
  EXPECT_FALSE(without.has_tokenizer());
  EXPECT_EQ(without(rows)[0].logits, expected[0].logits);
  EXPECT_EQ(without(rows)[0].tokens_used, 4u);
  expect_error(ErrorKind::not_found, {"tokenizer.json", "vocab.txt"}, [&] { without("good book"); });
  expect_error(ErrorKind::not_found, {"tokenizer.json", "vocab.txt"}, [&] { without.tokenizer(); });
}

TEST_F(Pipeline, RowsFilledByHandMustAgreeWithThemselves) {
  BatchEncoding rows;
  rows.add_row(std::vector<std::int32_t>{2, 5, 3});
  rows.rows.clear();
  expect_error(ErrorKind::invalid_argument, {"rows"}, [&] { classify_(rows); });
}

TEST_F(Pipeline, OtherTasksAreUnsupported) {
  for (const char* task : {"", "ner", "Text-Classification"}) {
    expect_error(ErrorKind::unsupported, {"text-classification", task}, [&] { pipeline(task, directory_.path()); });
  }
}

TEST_F(Pipeline, OneLabelIsASigmoidAndARegressionIsPlain) {
  TinyCheckpoint checkpoint{.labels = {"toxic"}};
  const TemporaryDirectory one = write_checkpoint(checkpoint);
  const Classification toxic = pipeline("text-classification", one.path())("bad book");
  Tensor logits({1, 1});
  logits.data = toxic.logits;
  EXPECT_EQ(toxic.score, sigmoid(logits)[0][0]);
  checkpoint.edit_config = [](auto& config) { config["problem_type"] = "regression"; };
  const TemporaryDirectory regression = write_checkpoint(checkpoint);
  const Classification plain = pipeline("text-classification", regression.path())("bad book");
  EXPECT_EQ(plain.score, plain.logits[0]);
  EXPECT_EQ(plain.logits, toxic.logits);
}

TEST_F(Pipeline, AThresholdPicksTheLabelsOfASigmoid) {
  const TemporaryDirectory several = write_checkpoint(
      {.seed = 21, .labels = {"toxic", "insult", "threat"}, .edit_config = [](auto& config) { config["problem_type"] = "multi_label_classification"; }});
  const auto classify = pipeline("text-classification", several.path());
  const Classification all = classify("bad book", {.threshold = 0});
  EXPECT_EQ(all.labels, (std::vector<std::string>{"toxic", "insult", "threat"}));
  for (const LabelScore& score : all.scores) {
    const Classification answer = classify("bad book", {.top_k = 1, .threshold = score.score});  // at least: the label itself is in
    std::vector<std::string> expected;
    for (const LabelScore& other : all.scores) {
      if (other.score >= score.score) expected.push_back(other.label);
    }
    EXPECT_EQ(answer.labels, expected);
    EXPECT_EQ(answer.label, all.label);
  }
  EXPECT_TRUE(classify("bad book", {.threshold = 1}).labels.empty());
  EXPECT_TRUE(classify("bad book").labels.empty());
}

TEST_F(Pipeline, AThresholdIsForASigmoidAlone) {
  expect_error(ErrorKind::invalid_argument, {"threshold", "sigmoid", "softmax"}, [&] { classify_("book", {.threshold = 0.5f}); });
  expect_error(ErrorKind::invalid_argument, {"threshold", "none"},
               [&] { classify_("book", {.function_to_apply = FunctionToApply::none, .threshold = 0.5f}); });
  const ClassifyOptions forced{.function_to_apply = FunctionToApply::sigmoid, .threshold = 0};
  EXPECT_EQ(classify_("book", forced).labels.size(), 3u);
  for (const float wrong : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN()}) {
    expect_error(ErrorKind::invalid_argument, {"threshold", "0 to 1"},
                 [&] { classify_("book", {.function_to_apply = FunctionToApply::sigmoid, .threshold = wrong}); });
  }
}

TEST(DefaultModel, IsTheOneOfTheEnvironmentOrTheBuiltIn) {
  ::setenv("FILBERT_MODEL", "/some/where", 1);
  EXPECT_EQ(default_model(), "/some/where");
  ::setenv("FILBERT_MODEL", "", 1);
  EXPECT_TRUE(std::filesystem::exists(default_model() / "model.safetensors"));
  ::unsetenv("FILBERT_MODEL");
  EXPECT_TRUE(std::filesystem::exists(default_model() / "model.safetensors"));
}

// tools/make_goldens.py: transformers on tests/data/sentences_en.txt. Ids must be equal; 1e-4: contract 1, f32 sums of
// 6 layers in another order.
TEST_F(Pipeline, CopiesOfModelAndTokenizerShareWhatTheyHoldAndOutliveEachOther) {
  auto made = std::make_unique<TextClassificationPipeline>(classify_.tokenizer(), classify_.model());
  EXPECT_EQ(&made->model().internals(), &classify_.model().internals());
  EXPECT_EQ(&made->tokenizer().internals(), &classify_.tokenizer().internals());
  const AutoModelForSequenceClassification model = made->model();
  const Tokenizer tokenizer = made->tokenizer();
  made.reset();
  EXPECT_EQ(model(tokenizer("I really love this book")).logits.data, classify_("I really love this book").logits);
}

TEST(BuiltInModel, GivesTheIdsAndLogitsOfTransformers) {
  const TextGoldens goldens = stars_en_goldens();
  ASSERT_EQ(goldens.rows.size(), 200u);
  const auto classify = pipeline("text-classification", stars_en_directory());
  EXPECT_EQ(classify.max_length(), goldens.max_length);
  std::vector<TextInput> texts;
  for (const GoldenRow& golden : goldens.rows) texts.push_back({golden.text, std::nullopt});
  texts.resize(kComputedTexts);
  const BatchEncoding encoding = classify.tokenize(texts);
  const auto answers = classify(texts);
  ASSERT_EQ(answers.size(), texts.size());
  double greatest = 0;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto begin = encoding.input_ids.begin() + static_cast<std::ptrdiff_t>(encoding.row_starts[row]);
    const std::vector<std::int32_t> ids(begin, begin + static_cast<std::ptrdiff_t>(encoding.row_length(row)));
    EXPECT_EQ(ids, goldens.rows[row].row.input_ids) << texts[row].text;
    const double difference = greatest_difference(answers[row].logits, goldens.rows[row].logits);
    EXPECT_LE(difference, 1e-4) << texts[row].text;
    greatest = std::max(greatest, difference);
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

}  // namespace
}  // namespace filbert
