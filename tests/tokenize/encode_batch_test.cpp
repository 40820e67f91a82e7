#include "tokenize/encode_batch.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::small_tokenizer;

// More than a unit for each of several threads: short texts and long ones, empty ones and pairs.
class ManyTexts {
 public:
  ManyTexts() {
    for (std::size_t i = 0; i < 3000; ++i) {
      std::string text;
      for (std::size_t words = i * i % 97; words > 0; --words) text += words % 5 == 0 ? "cafés! " : "The unables ";
      if (i % 1000 == 500) text += std::string(100'000, 'a') + "\xFF";
      texts_.push_back(text);
    }
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      inputs_.push_back({texts_[i], i % 7 == 0 ? std::optional<std::string_view>(texts_[i / 2]) : std::nullopt});
    }
  }
  const std::vector<TextInput>& inputs() const { return inputs_; }

 private:
  std::vector<std::string> texts_;
  std::vector<TextInput> inputs_;
};

void expect_equal(const BatchEncoding& a, const BatchEncoding& b) {
  EXPECT_EQ(a.row_starts, b.row_starts);
  EXPECT_EQ(a.input_ids, b.input_ids);
  EXPECT_EQ(a.token_type_ids, b.token_type_ids);
  EXPECT_EQ(a.special_tokens_mask, b.special_tokens_mask);
  EXPECT_EQ(a.offset_mapping, b.offset_mapping);
  EXPECT_EQ(a.word_ids, b.word_ids);
  EXPECT_EQ(a.sequence_ids, b.sequence_ids);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t row = 0; row < a.rows.size(); ++row) {
    EXPECT_EQ(a.rows[row].tokens_total, b.rows[row].tokens_total);
    EXPECT_EQ(a.rows[row].truncated, b.rows[row].truncated);
    EXPECT_EQ(a.rows[row].invalid_utf8, b.rows[row].invalid_utf8);
  }
}

TEST(EncodeBatch, IsTheSameForAnyNumberOfThreads) {
  const Tokenizer tokenizer = small_tokenizer();
  const ManyTexts texts;
  for (const bool offsets : {false, true}) {
    EncodeOptions options{.truncation = Truncation::longest_first, .max_length = 64, .return_offsets_mapping = offsets, .num_threads = 1};
    const BatchEncoding expected = tokenizer(texts.inputs(), options);
    for (const unsigned num_threads : {0u, 2u, 3u, 8u}) {
      options.num_threads = num_threads;
      expect_equal(tokenizer(texts.inputs(), options), expected);
    }
  }
}

TEST(EncodeBatch, OfSeveralErrorsTheFirstTextsIsThrown) {
  const Tokenizer tokenizer = small_tokenizer();
  const ManyTexts texts;
  std::vector<TextInput> inputs(texts.inputs());
  for (TextInput& input : inputs) input.text_pair.reset();
  const auto message = [&](unsigned num_threads) {
    return reference::message_of(ErrorKind::invalid_argument, [&] {
      tokenizer(inputs, {.truncation = Truncation::only_second, .max_length = 20, .num_threads = num_threads});
    });
  };
  EXPECT_EQ(message(1), "truncation: only_second expects a pair, found one text");
  EXPECT_EQ(message(4), message(1));
}

TEST(EncodeBatch, NoTextsAreNoRows) {
  const BatchEncoding batch = small_tokenizer()(std::span<const TextInput>());
  EXPECT_EQ(batch.batch_size(), 0u);
  EXPECT_EQ(batch.row_starts, std::vector<std::size_t>{0});
}

TEST(EncodeBatch, CallersShareATokenizerThatUsesThreads) {
  const Tokenizer tokenizer = small_tokenizer();
  const ManyTexts texts;
  const auto expected = tokenizer(texts.inputs(), {.num_threads = 1}).input_ids;
  std::vector<int> wrong(3);
  std::vector<std::thread> callers;
  for (int& count : wrong) {
    callers.emplace_back([&] { count += tokenizer(texts.inputs(), {.num_threads = 2}).input_ids != expected; });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(3));
}

}  // namespace
}  // namespace filbert
