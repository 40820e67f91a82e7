// Windows: what truncation would drop comes in further rows, cut as tokenizers cuts it (tools/make_tokenizer_goldens.py).
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tokenize/kinds.h"
#include "tokenize/load.h"
#include "tokenize/small_vocab.h"
#include "tokenize/truncation.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::ids_of;
using reference::message_of;
using reference::small_tokenizer;
using Samples = std::vector<std::size_t>;

Ids row_of(const BatchEncoding& rows, const Ids& column, std::size_t row) {
  const auto begin = column.begin() + static_cast<std::ptrdiff_t>(rows.row_starts[row]);
  return {begin, begin + static_cast<std::ptrdiff_t>(rows.row_length(row))};
}

// The rows of `golden`, an element of a line's "windows", against those of `tokenizer`.
void expect_windows(const Tokenizer& tokenizer, const JsonValue& golden, const std::string& what) {
  TextInput input{golden.at("text").as_string()};
  if (const auto pair = golden.find("text_pair")) input.text_pair = pair->as_string();
  EncodeOptions options{.truncation = truncation_from_name(golden.at("truncation").as_string()),
                        .max_length = static_cast<std::size_t>(golden.at("max_length").as_int()),
                        .return_overflowing_tokens = true,
                        .stride = static_cast<std::size_t>(golden.at("stride").as_int())};
  const BatchEncoding rows = tokenizer(std::span(&input, 1), options);
  ASSERT_EQ(rows.batch_size(), golden.at("rows").size()) << what;
  EXPECT_EQ(rows.overflow_to_sample_mapping, Samples(rows.batch_size(), 0));
  std::size_t row = 0;
  golden.at("rows").for_each_element([&](const JsonValue& window) {
    EXPECT_EQ(row_of(rows, rows.input_ids, row), ids_of(window.at("ids"))) << what;
    EXPECT_EQ(row_of(rows, rows.token_type_ids, row), ids_of(window.at("type_ids"))) << what;
    EXPECT_EQ(row_of(rows, rows.word_ids, row), ids_of(window.at("words"))) << what;
    Ids offsets;
    for (std::size_t token = rows.row_starts[row]; token < rows.row_starts[row + 1]; ++token) {
      offsets.push_back(static_cast<std::int32_t>(rows.offset_mapping[token].begin));
      offsets.push_back(static_cast<std::int32_t>(rows.offset_mapping[token].end));
    }
    Ids expected;
    window.at("offsets").for_each_element([&](const JsonValue& offset) {
      for (const std::int32_t end : ids_of(offset)) expected.push_back(end);
    });
    EXPECT_EQ(offsets, expected) << what;
    EXPECT_FALSE(rows.rows[row].truncated);
    ++row;
  });
  options.return_offsets_mapping = false;
  const BatchEncoding ids_alone = tokenizer(std::span(&input, 1), options);
  EXPECT_EQ(ids_alone.input_ids, rows.input_ids) << what;
  EXPECT_EQ(ids_alone.row_starts, rows.row_starts) << what;
}

TEST(Windows, OfEveryKindOfTokenizerAreThoseOfTokenizers) {
  std::size_t compared = 0;
  reference::for_each_kind([&](const JsonValue& line, const std::string& kind) {
    line.at("windows").for_each_element([&](const JsonValue& golden) {
      const std::string side(golden.at("side").as_string());
      const Tokenizer tokenizer =
          load_tokenizer_json(line.at("tokenizer_json").as_string(), R"({"truncation_side":")" + side + "\"}", "t");
      expect_windows(tokenizer, golden, kind + ", " + golden.where());
      ++compared;
    });
  });
  EXPECT_GE(compared, 100u);
}

constexpr EncodeOptions kFour{.truncation = Truncation::longest_first, .max_length = 6, .return_overflowing_tokens = true, .stride = 1};

TEST(Windows, OverlapByTheStrideAndTheLastTakesWhatIsLeft) {
  const BatchEncoding rows = small_tokenizer()("the a b the a b", kFour);
  ASSERT_EQ(rows.batch_size(), 2u);
  EXPECT_EQ(rows.input_ids, (Ids{2, 5, 15, 18, 5, 3, 2, 5, 15, 18, 3}));
  EXPECT_EQ(rows.offset_mapping[7], (Offset{8, 11}));
  EXPECT_EQ(rows.word_ids, (Ids{-1, 0, 1, 2, 3, -1, -1, 3, 4, 5, -1}));
  for (const BatchEncoding::Row& row : rows.rows) {
    EXPECT_EQ(row.tokens_total, 8u);
    EXPECT_FALSE(row.truncated);
  }
}

TEST(Windows, ATextThatFitsIsOneRow) {
  const Tokenizer tokenizer = small_tokenizer();
  for (const char* text : {"", "the", "the a b the"}) {
    const BatchEncoding rows = tokenizer(text, kFour);
    EXPECT_EQ(rows.input_ids, tokenizer(text).input_ids);
    EXPECT_EQ(rows.overflow_to_sample_mapping, Samples{0});
    EXPECT_FALSE(rows.rows[0].truncated);
  }
}

TEST(Windows, RowsSayWhichTextTheyAreOf) {
  const Tokenizer tokenizer = small_tokenizer();
  std::vector<TextInput> texts = {{"the"}, {"the a b the a b the a"}, {""}, {"the a b the a", "b"}};
  EXPECT_EQ(tokenizer(texts, kFour).overflow_to_sample_mapping, (Samples{0, 1, 1, 1, 2, 3, 3, 3, 3}));
  EXPECT_TRUE(tokenizer(texts, {.truncation = Truncation::longest_first, .max_length = 6}).overflow_to_sample_mapping.empty());

  const std::string filler(60'000, 'a');  // many texts are spread over threads, and put together again
  texts.clear();
  for (int i = 0; i < 40; ++i) texts.push_back({i % 3 == 0 ? std::string_view("the a b the a b") : std::string_view(filler)});
  EncodeOptions options = kFour;
  options.num_threads = 1;
  const BatchEncoding expected = tokenizer(texts, options);
  EXPECT_EQ(expected.overflow_to_sample_mapping.back(), 39u);
  options.num_threads = 3;
  const BatchEncoding rows = tokenizer(texts, options);
  EXPECT_EQ(rows.overflow_to_sample_mapping, expected.overflow_to_sample_mapping);
  EXPECT_EQ(rows.input_ids, expected.input_ids);
}

TEST(Windows, OfAPairOneTextIsCutAndTheOtherStandsWhole) {
  const Tokenizer tokenizer = small_tokenizer();
  EncodeOptions options{.truncation = Truncation::only_second, .max_length = 6, .return_overflowing_tokens = true};
  EXPECT_EQ(tokenizer("a", "the b the", options).input_ids, (Ids{2, 15, 3, 5, 18, 3, 2, 15, 3, 5, 3}));
  EXPECT_EQ(tokenizer("a", "the b the", options).rows[1].sequence_id, 1);
  options.truncation = Truncation::longest_first;
  EXPECT_EQ(tokenizer("a", "the b the", options).input_ids, (Ids{2, 15, 3, 5, 18, 3, 2, 15, 3, 5, 3}));
  options.max_length = 8;  // room for five: both are long, and the longer is cut
  const BatchEncoding rows = tokenizer("a the b the b the", "the b the b", options);
  EXPECT_EQ(rows.batch_size(), 6u);
  EXPECT_EQ(row_of(rows, rows.sequence_ids, 1), (Ids{-1, 0, -1, 1, 1, 1, 1, -1}));
  EXPECT_EQ(rows.rows[0].tokens_total, 13u);
  EXPECT_EQ(rows.rows[5].sequence_id, 0);
  options.truncation = Truncation::only_first;
  EXPECT_EQ(tokenizer("a the b the b the", "the b the b", options).input_ids, rows.input_ids);
}

TEST(Windows, AStrideThatLeavesNoStepIsAnError) {
  const Tokenizer tokenizer = small_tokenizer();
  EncodeOptions options = kFour;
  const auto message = [&](std::vector<TextInput> texts) {
    return message_of(ErrorKind::invalid_argument, [&] { tokenizer(texts, options); });
  };
  options.stride = 3;
  EXPECT_EQ(message({{"the a b the a b"}}), "nothing was thrown");
  EXPECT_EQ(message({{"the a b the a b", "b"}}), "stride: expected less than the 2 tokens of the text that a window has room for, found 3");
  options.stride = 4;
  EXPECT_EQ(message({}), "stride: expected less than the 4 tokens of the text that a window has room for, found 4");
  options.stride = 0;
  options.max_length = 2;
  EXPECT_EQ(message({}), "max_length: expected room for tokens of the text in a window, found room for the special tokens alone");
  options.max_length = 3;
  EXPECT_EQ(message({{"the a", "b"}}), "max_length: expected room for tokens of the text in a window, found room for the special tokens alone");
  options.truncation = Truncation::only_second;
  options.max_length = 6;
  EXPECT_EQ(message({{"the the the", "b"}}),
            "truncation: only_second expects the other text to leave room within 3 tokens, found 3 tokens in it");
  EXPECT_EQ(message({{"the the the the the"}}), "truncation: only_second expects a pair, found one text");
}

TEST(Windows, CoverEveryTokenOnce) {
  for (std::size_t length = 1; length < 8; ++length) {
    for (std::size_t stride = 0; stride < length; ++stride) {
      for (std::size_t tokens = 0; tokens < 30; ++tokens) {
        const std::size_t count = num_windows(tokens, length, stride);
        for (const bool from_left : {false, true}) {
          std::size_t seen = 0;
          for (std::size_t index = 0; index < count; ++index) {
            TokenRange range = window(index, tokens, length, stride, from_left);
            if (from_left) range = {tokens - range.end, tokens - range.begin};
            EXPECT_EQ(range.begin, index == 0 ? 0 : seen - stride);
            EXPECT_LE(range.end - range.begin, length);
            EXPECT_EQ(range.end - range.begin == length || index + 1 == count, true);
            EXPECT_EQ(range.end == tokens, index + 1 == count);  // the last, and no other, ends the text
            seen = range.end;
          }
        }
      }
    }
  }
}

TEST(Windows, ARowFromElsewhereIsATextOfItsOwn) {
  BatchEncoding rows = small_tokenizer()("the a b the a b", kFour);
  rows.add_row(Ids{2, 5, 3});
  EXPECT_EQ(rows.overflow_to_sample_mapping, (Samples{0, 0, 1}));
  rows.clear();
  EXPECT_TRUE(rows.overflow_to_sample_mapping.empty());
}

}  // namespace
}  // namespace filbert
