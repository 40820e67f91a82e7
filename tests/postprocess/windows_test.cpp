// What one row of scores is made of those of several windows, by values computed by hand.
#include <cmath>

#include <gtest/gtest.h>

#include <filbert/postprocess.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using reference::expect_error;
using Scores = std::vector<float>;
using Weights = std::vector<std::size_t>;

Tensor rows(std::size_t count, Scores numbers) {
  Tensor tensor({count, numbers.size() / count});
  tensor.data = std::move(numbers);
  return tensor;
}

const Tensor kLogits = rows(3, {0, 1, 3, 0, -1, 0});
const Tensor kScores = rows(3, {0.25, 0.75, 0.875, 0.125, 0.375, 0.625});

Scores combined(Combine how, Weights weights, FunctionToApply function = FunctionToApply::none) {
  return combine(how, function, kLogits, kScores, weights);
}

TEST(Combine, MeanIsThatOfTheScores) {
  EXPECT_EQ(combined(Combine::mean, {1, 1, 1}), (Scores{0.5, 0.5}));
  EXPECT_EQ(combined(Combine::mean, {2, 1, 1}), (Scores{0.4375, 0.5625}));
}

TEST(Combine, AWindowWeighsItsTokens) {
  const Scores scores = combined(Combine::mean, {510, 510, 1});
  EXPECT_FLOAT_EQ(scores[0], (510 * 0.25f + 510 * 0.875f + 0.375f) / 1021);
  EXPECT_EQ(combined(Combine::mean, {7, 7, 7}), (Scores{0.5, 0.5}));  // equal weights are a plain mean
}

TEST(Combine, MaxIsTheHighestOfEachLabel) { EXPECT_EQ(combined(Combine::max, {1, 9, 1}), (Scores{0.875, 0.75})); }

TEST(Combine, FirstLooksAtTheFirstAlone) { EXPECT_EQ(combined(Combine::first, {1, 9, 1}), (Scores{0.25, 0.75})); }

TEST(Combine, LogitMeanAppliesTheFunctionToTheMeanOfTheLogits) {
  EXPECT_EQ(combined(Combine::logit_mean, {1, 1, 2}), (Scores{0.25, 0.25}));
  EXPECT_EQ(combined(Combine::logit_mean, {1, 1, 2}, FunctionToApply::softmax), (Scores{0.5, 0.5}));
  EXPECT_FLOAT_EQ(combined(Combine::logit_mean, {1, 1, 2}, FunctionToApply::sigmoid)[0], 1 / (1 + std::exp(-0.25f)));
}

TEST(Combine, VoteIsTheShareOfTheWindowsThatSayALabel) {
  EXPECT_FLOAT_EQ(combined(Combine::vote, {1, 1, 1})[1], 2.0f / 3);
  EXPECT_EQ(combined(Combine::vote, {1, 6, 1}), (Scores{0.75, 0.25}));
  const Tensor tie = rows(2, {0.5, 0.5, 0.5, 0.5});
  EXPECT_EQ(combine(Combine::vote, FunctionToApply::softmax, tie, tie, Weights{1, 1}), (Scores{1, 0}));  // of equal ones the lowest id
}

TEST(Combine, OneWindowIsItself) {
  for (const Combine how : {Combine::mean, Combine::max, Combine::first}) {
    EXPECT_EQ(combine(how, FunctionToApply::none, rows(1, {2, 3}), rows(1, {0.1f, 0.7f}), Weights{3}), (Scores{0.1f, 0.7f}));
  }
}

TEST(Combine, HasNames) {
  for (const Combine how : {Combine::mean, Combine::max, Combine::first, Combine::logit_mean, Combine::vote}) {
    EXPECT_EQ(combine_from_name(name(how)), how);
  }
  expect_error(ErrorKind::invalid_argument, {"combine", "logit-mean", "median"}, [] { combine_from_name("median"); });
}

}  // namespace
}  // namespace filbert
