#include "tokenize/encode.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::small_tokenizer;
using reference::SmallJson;

TEST(Encode, WordsCountFromZeroAndShareTheirPieces) {
  const BatchEncoding row = small_tokenizer()("The unables!");
  EXPECT_EQ(row.input_ids, (Ids{2, 5, 6, 7, 9, 10, 3}));
  EXPECT_EQ(row.word_ids, (Ids{-1, 0, 1, 1, 1, 2, -1}));
}

TEST(Encode, CasedLeavesLettersAndAccents) {
  EXPECT_EQ(small_tokenizer(R"({"do_lower_case":false})")("The the CAFE café").input_ids, (Ids{2, 14, 5, 1, 1, 3}));
}

TEST(Encode, ChineseCharactersAreWordsUnlessTheConfigSaysNo) {
  EXPECT_EQ(small_tokenizer()("a中b").input_ids, (Ids{2, 15, 12, 18, 3}));
  EXPECT_EQ(small_tokenizer(R"({"tokenize_chinese_chars":false})")("a中b").input_ids, (Ids{2, 1, 3}));
}

TEST(Issue3, TextEmptyAfterCleaningIsTwoSpecialTokens) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text : {""sv, " "sv, "\n\t"sv, "\0\0"sv, "\xEF\xBF\xBD"sv, "\xFF"sv}) {
    const BatchEncoding row = small_tokenizer()(text);
    EXPECT_EQ(row.input_ids, (Ids{2, 3}));
    EXPECT_EQ(row.rows[0].tokens_total, 2u);
  }
}

TEST(Encode, NulIsCleanedAway) { EXPECT_EQ(small_tokenizer()(std::string_view("th\0e", 4)).input_ids, (Ids{2, 5, 3})); }

TEST(Encode, InvalidUtf8IsReplacedAndCounted) {
  const BatchEncoding row = small_tokenizer()("\xF0\x9F the \xC0\x80", "\xFF");
  EXPECT_EQ(row.input_ids, (Ids{2, 5, 3, 3}));
  EXPECT_EQ(row.rows[0].invalid_utf8, 4u);
}

TEST(Encode, RowsOfABatchEqualRowsAlone) {
  const Tokenizer tokenizer = small_tokenizer();
  const std::vector<TextInput> inputs = {{"The unables!", {}}, {"", {}}, {"a 中", "b \xFF"}, {"x", {}}};
  const BatchEncoding batch = tokenizer(inputs);
  ASSERT_EQ(batch.batch_size(), 4u);
  for (std::size_t row = 0; row < 4; ++row) {
    const BatchEncoding alone = tokenizer(std::span(&inputs[row], 1));
    const auto begin = static_cast<std::ptrdiff_t>(batch.row_starts[row]),
               end = static_cast<std::ptrdiff_t>(batch.row_starts[row + 1]);
    EXPECT_EQ(alone.input_ids, Ids(batch.input_ids.begin() + begin, batch.input_ids.begin() + end));
    EXPECT_EQ(alone.offset_mapping,
              reference::Offsets(batch.offset_mapping.begin() + begin, batch.offset_mapping.begin() + end));
    EXPECT_EQ(alone.rows[0].tokens_total, batch.rows[row].tokens_total);
    EXPECT_EQ(alone.rows[0].invalid_utf8, batch.rows[row].invalid_utf8);
  }
}

TEST(Encode, WithoutOffsetsTheIdsAreTheSame) {
  SmallJson json;
  json.added_tokens =
      R"([{"id":19,"content":"New","single_word":false,"lstrip":true,"rstrip":false,"normalized":true,"special":false}])";
  const Tokenizer tokenizer = json.load();
  const std::string_view text = "The  NEW café 中 [SEP]\xFF unables";
  const BatchEncoding with = tokenizer(text), without = tokenizer(text, {.return_offsets_mapping = false});
  EXPECT_EQ(with.input_ids, without.input_ids);
  EXPECT_EQ(with.special_tokens_mask, without.special_tokens_mask);
  EXPECT_TRUE(without.offset_mapping.empty() && without.word_ids.empty() && without.sequence_ids.empty());
}

TEST(Encode, NeverSplitWordsPassWhole) {
  const Tokenizer tokenizer = small_tokenizer(R"({"never_split":["The","X-Y","!a"]})");
  EXPECT_EQ(tokenizer("The the").input_ids, (Ids{2, 14, 5, 3}));      // not lower-cased
  EXPECT_EQ(tokenizer("a X-Y b").input_ids, (Ids{2, 15, 1, 18, 3}));  // not split, and not in the vocabulary
  EXPECT_EQ(tokenizer("The, b").input_ids, (Ids{2, 5, 11, 18, 3}));   // "The," is another word
  EXPECT_EQ(tokenizer("b中The\xE2\x80\x8B").input_ids, (Ids{2, 18, 12, 14, 3}));  // cleaned before it is compared
  const BatchEncoding row = tokenizer("é The!");
  EXPECT_EQ(tokenizer("é The b").offset_mapping[2], (Offset{2, 5}));
  EXPECT_EQ(row.input_ids, (Ids{2, 1, 5, 10, 3}));
}

TEST(Encode, WithoutNormalizerAndPreTokenizerATextIsOneWord) {
  SmallJson json;
  json.normalizer = json.pre_tokenizer = "null";
  const Tokenizer tokenizer = json.load();
  EXPECT_EQ(tokenizer("The").input_ids, (Ids{2, 14, 3}));
  EXPECT_EQ(tokenizer("The the").input_ids, (Ids{2, 1, 3}));
  EXPECT_FALSE(tokenizer.lowercases());
}

TEST(Encode, TenMegabytesAndAMegabyteWordAreLinear) {
  const Tokenizer tokenizer = small_tokenizer();
  const auto start = std::chrono::steady_clock::now();
  std::string text;
  while (text.size() < 10'000'000) text += "The unables, café 中文 각 e\xCC\x81 [SEP] ";
  EXPECT_GT(tokenizer(text).total_tokens(), 1'000'000u);
  EXPECT_EQ(tokenizer(std::string(1'000'000, 'a')).input_ids, (Ids{2, 1, 3}));
  std::string marks = "a";
  while (marks.size() < 1'000'000) marks += "\xCC\x81\xCC\xA3";
  EXPECT_EQ(tokenizer(marks).input_ids, (Ids{2, 15, 3}));
  // Seconds where a quadratic step would take hours; loose because sanitizers and busy machines are slow.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(Encode, ManyThreadsShareOneTokenizer) {
  const Tokenizer tokenizer = small_tokenizer();
  const Ids expected = tokenizer("The unables, café 中!").input_ids;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += tokenizer("The unables, café 中!").input_ids != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace filbert
