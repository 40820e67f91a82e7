// Texts that are longer than the model takes, in windows: each is a row of its own, and the answer is made of them.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/pipeline.h>

#include "reference/expect_error.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

constexpr std::size_t kMaxLength = 24;

class LongTexts : public testing::Test {
 protected:
  const TemporaryDirectory directory_ =
      write_checkpoint({.seed = 21, .max_position_embeddings = kMaxLength, .labels = {"bad", "so-so", "good"}});
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 2});

  static std::string words(std::size_t count) {  // each one token of tiny_vocab and five characters
    static const std::vector<std::string> kWords = {"book ", "love ", "good ", "this "};
    std::string text;
    for (std::size_t word = 0; word < count; ++word) text += kWords[word * word % 7 % kWords.size()];
    return text;
  }
};

const ClassifyOptions kWindows{.long_text = LongText::windows};

void expect_same(const Classification& a, const Classification& b) {
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.score, b.score);
  EXPECT_TRUE(same_bits(a.logits, b.logits));
  ASSERT_EQ(a.scores.size(), b.scores.size());
  for (std::size_t id = 0; id < a.scores.size(); ++id) EXPECT_EQ(a.scores[id].score, b.scores[id].score);
  EXPECT_EQ(a.tokens_total, b.tokens_total);
  EXPECT_EQ(a.tokens_used, b.tokens_used);
  EXPECT_EQ(a.truncated, b.truncated);
  ASSERT_EQ(a.windows.size(), b.windows.size());
  for (std::size_t window = 0; window < a.windows.size(); ++window) {
    EXPECT_TRUE(same_bits(a.windows[window].logits, b.windows[window].logits));
    EXPECT_EQ(a.windows[window].offset, b.windows[window].offset);
  }
}

TEST_F(LongTexts, AreTruncatedUnlessWindowsAreAskedFor) {
  const Classification cut = classify_(words(60));
  EXPECT_TRUE(cut.truncated);
  EXPECT_TRUE(cut.windows.empty());
}

TEST_F(LongTexts, ATextThatFitsIsScoredAsWithoutWindows) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kMaxLength - 2}) {
    for (const Combine how : {Combine::mean, Combine::vote}) {
      ClassifyOptions options = kWindows;
      options.combine = how;
      options.stride = 5;
      const Classification answer = classify_(words(count), options);
      expect_same(answer, classify_(words(count)));
      EXPECT_TRUE(answer.windows.empty());
    }
  }
}

TEST_F(LongTexts, EachWindowIsWhatItsPieceOfTheTextGivesAlone) {
  const std::string text = words(60);
  ClassifyOptions options = kWindows;
  options.stride = 4;
  const Classification answer = classify_(text, options);
  ASSERT_EQ(answer.windows.size(), 4u);  // 22 words, then 18 new ones each, then the last 2 with 4 that were there before
  EXPECT_EQ(answer.tokens_total, 62u);
  EXPECT_EQ(answer.tokens_used, 62u);
  EXPECT_FALSE(answer.truncated);
  std::vector<double> logits(3), scores(3);
  for (std::size_t at = 0; at < 4; ++at) {
    const Window& window = answer.windows[at];
    EXPECT_EQ(window.offset.begin, 5 * (18 * at));
    EXPECT_EQ(window.offset.end, 5 * std::min<std::size_t>(18 * at + 22, 60) - 1);
    EXPECT_EQ(window.tokens_used, at == 3 ? 8u : 24u);
    EXPECT_EQ(window.sequence_id, 0);
    const Classification alone = classify_(text.substr(window.offset.begin, window.offset.end - window.offset.begin));
    EXPECT_TRUE(same_bits(window.logits, alone.logits));
    EXPECT_EQ(window.label, alone.label);
    EXPECT_EQ(window.score, alone.score);
    for (std::size_t id = 0; id < 3; ++id) {
      const double weight = static_cast<double>(window.tokens_used - 2) / (3 * 22 + 6);
      EXPECT_EQ(window.scores[id].score, alone.scores[id].score);
      logits[id] += weight * window.logits[id];
      scores[id] += weight * window.scores[id].score;
    }
  }
  for (std::size_t id = 0; id < 3; ++id) {
    EXPECT_NEAR(answer.scores[id].score, scores[id], 1e-6);  // f32 from a sum in another order
    EXPECT_NEAR(answer.logits[id], logits[id], 1e-6);
  }
}

TEST_F(LongTexts, FirstIsWhatTruncationGives) {
  ClassifyOptions options = kWindows;
  options.combine = Combine::first;
  const Classification answer = classify_(words(50), options), truncated = classify_(words(50));
  EXPECT_TRUE(same_bits(answer.logits, truncated.logits));
  EXPECT_EQ(answer.score, truncated.score);
  EXPECT_EQ(answer.label, truncated.label);
  EXPECT_EQ(answer.windows.size(), 3u);
}

TEST_F(LongTexts, EveryFunctionAndEveryWayToCombine) {
  for (const FunctionToApply function : {FunctionToApply::softmax, FunctionToApply::sigmoid, FunctionToApply::none}) {
    for (const Combine how : {Combine::mean, Combine::max, Combine::first, Combine::logit_mean, Combine::vote}) {
      ClassifyOptions options{.function_to_apply = function, .top_k = 2, .long_text = LongText::windows, .combine = how};
      const Classification answer = classify_(words(50), options);
      ASSERT_EQ(answer.scores.size(), 2u);
      EXPECT_EQ(answer.scores[0].label, answer.label);
      EXPECT_EQ(answer.scores[0].score, answer.score);
      EXPECT_GE(answer.scores[0].score, answer.scores[1].score);
      for (const Window& window : answer.windows) EXPECT_EQ(window.scores.size(), 2u);
    }
  }
}

TEST_F(LongTexts, CompanyChangesNoBit) {
  std::vector<std::string> texts;
  for (std::size_t count = 0; count < 90; count += 7) texts.push_back(words(count) + "\xFF");
  texts.push_back(texts.back());
  std::vector<TextInput> inputs;
  for (const std::string& text : texts) inputs.push_back({text, std::nullopt});
  inputs.push_back({texts[1], texts.back()});
  ClassifyOptions options = kWindows;
  options.stride = 7;
  const auto together = classify_(inputs, options);
  ASSERT_EQ(together.size(), inputs.size());
  const auto single_thread = pipeline("text-classification", directory_.path(), {.num_threads = 1});
  for (std::size_t at = 0; at < inputs.size(); ++at) {
    expect_same(together[at], single_thread(std::span(&inputs[at], 1), options)[0]);
  }
  EXPECT_EQ(together[5].invalid_utf8, 1u);
  EXPECT_EQ(together.back().windows.front().sequence_id, 1);
}

TEST_F(LongTexts, OfAPairTheLongerIsCutOrTheOneThatIsNamed) {
  const std::string long_text = words(30), short_text = "good book";
  const TextInput pair{short_text, long_text};
  ClassifyOptions options = kWindows;
  options.stride = 3;
  const Classification answer = classify_(std::span(&pair, 1), options)[0];
  ASSERT_EQ(answer.windows.size(), 2u);  // 24 − 3 special − 2 of the other
  const Window& second = answer.windows[1];
  EXPECT_EQ(second.sequence_id, 1);
  EXPECT_EQ(second.offset, (Offset{5 * 16, 5 * 30 - 1}));
  const std::string piece = long_text.substr(second.offset.begin, second.offset.end - second.offset.begin);
  const TextInput alone{short_text, piece};
  EXPECT_TRUE(same_bits(second.logits, classify_(std::span(&alone, 1))[0].logits));
  options.truncation = Truncation::only_second;
  expect_same(classify_(std::span(&pair, 1), options)[0], answer);
  options.truncation = Truncation::only_first;
  expect_error(ErrorKind::invalid_argument, {"only_first", "30"}, [&] { classify_(std::span(&pair, 1), options); });
}

TEST_F(LongTexts, PlacesCountWhatIsAskedFor) {
  std::string text;
  for (int word = 0; word < 30; ++word) text += "\U0001F600 good ";  // an emoji is [UNK]: 2 tokens, 7 code points, 10 bytes, 8 in UTF-16
  ClassifyOptions options = kWindows;
  EXPECT_EQ(classify_(text, options).windows[1].offset, (Offset{77, 153}));
  options.offset_unit = OffsetUnit::bytes;
  EXPECT_EQ(classify_(text, options).windows[1].offset, (Offset{110, 219}));
  options.offset_unit = OffsetUnit::utf16;
  EXPECT_EQ(classify_(text, options).windows[1].offset, (Offset{88, 175}));
}

TEST_F(LongTexts, ABadOptionIsNoTextsFault) {
  const auto refuse = [&](const ClassifyOptions& options, std::initializer_list<std::string_view> said) {
    expect_error(ErrorKind::invalid_argument, said, [&] { classify_.tokenize({}, options); });
  };
  refuse({.long_text = LongText::windows, .stride = 22}, {"stride", "22"});
  refuse({.max_length = 10, .long_text = LongText::windows, .stride = 8}, {"stride", "8"});
  refuse({.max_length = 2, .long_text = LongText::windows}, {"max_length"});
  refuse({.truncation = Truncation::do_not_truncate, .long_text = LongText::windows}, {"truncation", "do_not_truncate", "windows"});
  const TemporaryDirectory one = write_checkpoint({.labels = {"toxic"}});
  const auto classify = pipeline("text-classification", one.path());
  expect_error(ErrorKind::invalid_argument, {"combine", "vote", "one"},
               [&] { classify("book", {.long_text = LongText::windows, .combine = Combine::vote}); });
  EXPECT_EQ(classify("book", {.combine = Combine::vote}).label, "toxic");  // no windows are asked for
}

TEST_F(LongTexts, RowsOfElsewhereAreNotCut) {
  const std::string text = words(50);
  const TextInput input{text, std::nullopt};
  const BatchEncoding windows = classify_.tokenize(std::span(&input, 1), kWindows);
  ASSERT_EQ(windows.batch_size(), 3u);
  expect_same(classify_(windows)[0], classify_(text, kWindows));  // what says that they belong together is in the rows

  BatchEncoding rows;
  rows.add_row(std::vector<std::int32_t>(kMaxLength + 1, 5));
  expect_error(ErrorKind::invalid_argument, {"input_ids", "24", "25"}, [&] { classify_(rows, kWindows); });

  const auto refuse = [&](const char* said, auto spoil) {
    BatchEncoding spoiled = windows;
    spoil(spoiled);
    expect_error(ErrorKind::invalid_argument, {said}, [&] { classify_(spoiled); });
  };
  refuse("overflow_to_sample_mapping", [](BatchEncoding& rows_) { rows_.overflow_to_sample_mapping = {0, 1}; });
  refuse("overflow_to_sample_mapping", [](BatchEncoding& rows_) { rows_.overflow_to_sample_mapping = {0, 2, 2}; });
  refuse("overflow_to_sample_mapping", [](BatchEncoding& rows_) { rows_.overflow_to_sample_mapping = {0, 1, 0}; });
  refuse("offset_mapping", [](BatchEncoding& rows_) { rows_.offset_mapping.clear(); });
  BatchEncoding each = windows;
  each.overflow_to_sample_mapping = {0, 1, 2};
  EXPECT_EQ(classify_(each).size(), 3u);
}

TEST(LongTextNames, AreThoseOfTheCommand) {
  EXPECT_EQ(long_text_from_name("windows"), LongText::windows);
  EXPECT_EQ(long_text_from_name("truncate"), LongText::truncate);
  expect_error(ErrorKind::invalid_argument, {"long_text", "cut"}, [] { long_text_from_name("cut"); });
}

}  // namespace
}  // namespace filbert
