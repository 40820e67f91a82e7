// What stage 2 refuses, by name: rows too long, ids outside the tables, encodings that contradict themselves.
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include <filbert/model.h>

#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

class Inputs : public testing::Test {
 protected:
  // vocab_size 101, type_vocab_size 2, max_position_embeddings 64
  const TemporaryDirectory directory_ = write_checkpoint(TinyCheckpoint{});
  const BertForSequenceClassification model_ = BertForSequenceClassification::from_pretrained(directory_.path(), {.num_threads = 2});

  // Classifies [good row, this row].
  void classify(const std::vector<std::int32_t>& input_ids, const std::vector<std::int32_t>& token_type_ids = {}) const {
    BatchEncoding batch;
    batch.add_row(std::vector<std::int32_t>{2, 3});
    batch.add_row(input_ids, token_type_ids);
    model_(batch);
  }
};

TEST(MaxBatchTokens, NoneIsRefused) {
  const TemporaryDirectory directory = write_checkpoint(TinyCheckpoint{});
  expect_error(ErrorKind::invalid_argument, {"max_batch_tokens", "at least 1", "found 0"}, [&] {
    BertForSequenceClassification::from_pretrained(directory.path(), {.max_batch_tokens = 0});
  });
}

TEST_F(Inputs, TheLongestRowIsTaken) { EXPECT_NO_THROW(classify(std::vector<std::int32_t>(64, 100))); }

TEST_F(Inputs, RowLongerThanTheModelTakes) {
  expect_error(ErrorKind::invalid_argument, {"row 1", "64", "max_position_embeddings", "65"},
               [&] { classify(std::vector<std::int32_t>(65, 7)); });
  expect_error(ErrorKind::invalid_argument, {"row 1", "64", "100000"},
               [&] { classify(std::vector<std::int32_t>(100'000, 7)); });
}

TEST_F(Inputs, InputIdsOutsideTheVocabulary) {
  for (const std::int32_t id : {101, 102, 30'522, std::numeric_limits<std::int32_t>::max(), -1, -100,
                                std::numeric_limits<std::int32_t>::min()}) {
    expect_error(ErrorKind::invalid_argument, {"input_ids", "row 1", "100", "vocab_size", std::to_string(id)},
                 [&] { classify({2, 5, id, 3}); });
  }
}

TEST_F(Inputs, TokenTypesOutsideTheirTable) {
  for (const std::int32_t id : {2, 3, std::numeric_limits<std::int32_t>::max(), -1, std::numeric_limits<std::int32_t>::min()}) {
    expect_error(ErrorKind::invalid_argument, {"token_type_ids", "row 1", "type_vocab_size", std::to_string(id)},
                 [&] { classify({2, 5, 3}, {0, id, 1}); });
  }
}

TEST_F(Inputs, RowsMustHaveTokensAndAsManyTypes) {
  BatchEncoding batch;
  expect_error(ErrorKind::invalid_argument, {}, [&] { batch.add_row({}); });
  expect_error(ErrorKind::invalid_argument, {"2", "3"},
               [&] { batch.add_row(std::vector<std::int32_t>{2, 5, 3}, std::vector<std::int32_t>{0, 1}); });
  EXPECT_EQ(batch.batch_size(), 0u);  // as it was
  EXPECT_EQ(batch.total_tokens(), 0u);
}

// A caller may fill the arrays by hand; none of these may be read past its end.
TEST_F(Inputs, EncodingsThatContradictThemselves) {
  BatchEncoding good;
  good.add_row(std::vector<std::int32_t>{2, 5, 3});
  good.add_row(std::vector<std::int32_t>{2, 3});
  const auto refuse = [&](const std::function<void(BatchEncoding&)>& spoil) {
    BatchEncoding batch = good;
    spoil(batch);
    expect_error(ErrorKind::invalid_argument, {}, [&] { model_(batch); });
  };
  refuse([](BatchEncoding& batch) { batch.row_starts.back() = 6; });
  refuse([](BatchEncoding& batch) { batch.row_starts.back() = 4; });
  refuse([](BatchEncoding& batch) { batch.row_starts = {0, 3, 2, 5}; });
  refuse([](BatchEncoding& batch) { batch.row_starts = {0, 3, 3, 5}; });
  refuse([](BatchEncoding& batch) { batch.row_starts = {1, 3, 5}; });
  refuse([](BatchEncoding& batch) { batch.row_starts.clear(); });
  refuse([](BatchEncoding& batch) { batch.token_type_ids.clear(); });
  refuse([](BatchEncoding& batch) { batch.input_ids.pop_back(); });
}

}  // namespace
}  // namespace filbert
