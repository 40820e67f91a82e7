#include "explain/predictor.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

class Predicting : public testing::Test {
 protected:
  const TemporaryDirectory directory_ = write_checkpoint({.seed = 5, .labels = {"bad", "so-so", "good"}});
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 2});
  Predictor predictor_{classify_, {}};
};

TEST_F(Predicting, GivesTheBitsOfThePipeline) {
  const std::vector<MaskedText> texts = {{"i love this book"}, {""}, {"i love this book"}, {"i love this book", "not good"}};
  const Tensor logits = predictor_.logits(texts);
  EXPECT_EQ(logits.shape, (std::vector<std::size_t>{4, 3}));
  EXPECT_TRUE(same_bits(logits[0], classify_("i love this book").logits));
  EXPECT_TRUE(same_bits(logits[1], classify_("").logits));
  EXPECT_TRUE(same_bits(logits[2], logits[0]));
  const TextInput pair{"i love this book", "not good"};
  EXPECT_TRUE(same_bits(logits[3], classify_(std::span(&pair, 1)).front().logits));
}

TEST_F(Predicting, RunsEqualTextsOnce) {
  predictor_.start_count();
  const std::vector<MaskedText> texts = {{"good"}, {"bad"}, {"good"}};
  const Tensor first = predictor_.logits(texts);
  EXPECT_EQ(predictor_.count(), 2U);
  EXPECT_EQ(predictor_.texts_run(), 2U);
  predictor_.start_count();
  EXPECT_TRUE(same_bits(predictor_.logits(texts).data, first.data));
  EXPECT_EQ(predictor_.count(), 2U);  // asked for again
  EXPECT_EQ(predictor_.texts_run(), 2U);
}

TEST_F(Predicting, ApairIsNoTextThatReadsTheSame) {
  const std::vector<MaskedText> texts = {{"good", "bad"}, {"goodbad"}, {"goo", "dbad"}, {"good", ""}, {"good"}};
  predictor_.logits(texts);
  EXPECT_EQ(predictor_.texts_run(), 5U);
}

TEST_F(Predicting, NothingIsNothing) { EXPECT_EQ(predictor_.logits({}).rows(), 0U); }

}  // namespace
}  // namespace filbert
