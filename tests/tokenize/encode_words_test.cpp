// Texts split into words elsewhere, by goldens that tools/make_tokenizer_goldens.py recorded from tokenizers.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tokenize/encode_batch.h"
#include "tokenize/kinds.h"
#include "tokenize/load.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::ids_of;
using reference::Offsets;
using reference::offsets_of;
using reference::small_tokenizer;
using Words = std::vector<std::string_view>;

BatchEncoding encode(const Tokenizer& tokenizer, const Words& words, const EncodeOptions& options = {}) {
  const WordsInput input{words};
  return tokenizer(std::span(&input, 1), options);
}

TEST(EncodeWords, EveryKindGivesTheIdsOfTokenizers) {
  const std::size_t kinds = reference::for_each_kind([](const JsonValue& line, const std::string& kind) {
    const Tokenizer tokenizer = load_tokenizer_json(line.at("tokenizer_json").as_string(), {}, kind);
    line.at("split_into_words").for_each_element([&](const JsonValue& row) {
      Words words;
      row.at("text").for_each_element([&](const JsonValue& word) { words.push_back(word.as_string()); });
      const BatchEncoding encoding = encode(tokenizer, words);
      const std::string what = kind + ", " + row.where();
      EXPECT_EQ(encoding.input_ids, ids_of(row.at("ids"))) << what;
      EXPECT_EQ(encoding.offset_mapping, offsets_of(row.at("offsets"))) << what;
      EXPECT_EQ(encoding.word_ids, ids_of(row.at("words"))) << what;
      EXPECT_EQ(encode(tokenizer, words, {.return_offsets_mapping = false}).input_ids, encoding.input_ids) << what;
    });
  });
  EXPECT_GE(kinds, 15u);
}

TEST(EncodeWords, OffsetsAreThoseInTheWord) {
  const Tokenizer tokenizer = small_tokenizer();
  const BatchEncoding rows = encode(tokenizer, {"The", "", "unables!", "中 café"});
  EXPECT_EQ(rows.input_ids, (Ids{2, 5, 6, 7, 9, 10, 12, 13, 3}));
  EXPECT_EQ(rows.word_ids, (Ids{-1, 0, 2, 2, 2, 2, 3, 3, -1}));
  EXPECT_EQ(rows.offset_mapping, (Offsets{{0, 0}, {0, 3}, {0, 2}, {2, 6}, {6, 7}, {7, 8}, {0, 1}, {2, 6}, {0, 0}}));
  EXPECT_EQ(rows.sequence_ids, (Ids{-1, 0, 0, 0, 0, 0, 0, 0, -1}));
  EXPECT_EQ(encode(tokenizer, {"中 café"}, {.offset_unit = OffsetUnit::bytes}).offset_mapping, (Offsets{{0, 0}, {0, 3}, {4, 9}, {0, 0}}));
}

TEST(EncodeWords, EveryWordIsRepairedAndCounted) {
  const BatchEncoding rows = encode(small_tokenizer(), {"a\xFF", "the", "\xE2\x82"}, {.offset_unit = OffsetUnit::bytes});
  EXPECT_EQ(rows.input_ids, (Ids{2, 15, 5, 3}));
  EXPECT_EQ(rows.rows[0].invalid_utf8, 2u);
}

TEST(EncodeWords, RowsAreTruncatedAndCutIntoWindows) {
  const Tokenizer tokenizer = small_tokenizer();
  const Words words = {"the", "unables", "a", "b"};
  EncodeOptions options{.truncation = Truncation::longest_first, .max_length = 6};
  const BatchEncoding truncated = encode(tokenizer, words, options);
  EXPECT_EQ(truncated.input_ids, (Ids{2, 5, 6, 7, 9, 3}));
  EXPECT_TRUE(truncated.rows[0].truncated);
  EXPECT_EQ(truncated.rows[0].tokens_total, 8u);
  options.return_overflowing_tokens = true;
  options.stride = 1;
  const BatchEncoding windows = encode(tokenizer, words, options);
  EXPECT_EQ(windows.input_ids, (Ids{2, 5, 6, 7, 9, 3, 2, 9, 15, 18, 3}));
  EXPECT_EQ(windows.word_ids, (Ids{-1, 0, 1, 1, 1, -1, -1, 1, 2, 3, -1}));
}

TEST(EncodeWords, ManyTextsAreTheSameForAnyNumberOfThreads) {
  const Tokenizer tokenizer = small_tokenizer();
  const std::string long_word(20'000, 'a');
  std::vector<Words> texts;
  for (std::size_t text = 0; text < 200; ++text) {
    Words words(text % 13, text % 2 == 0 ? "unables" : "café!");
    words.push_back(long_word);
    texts.push_back(words);
  }
  std::vector<WordsInput> inputs;
  for (const Words& words : texts) inputs.push_back({words});
  const BatchEncoding expected = tokenizer(inputs, {.num_threads = 1});
  const BatchEncoding found = tokenizer(inputs, {.num_threads = 3});
  EXPECT_EQ(found.input_ids, expected.input_ids);
  EXPECT_EQ(found.offset_mapping, expected.offset_mapping);
  EXPECT_EQ(found.word_ids, expected.word_ids);
  EXPECT_EQ(found.row_starts, expected.row_starts);
}

}  // namespace
}  // namespace filbert
