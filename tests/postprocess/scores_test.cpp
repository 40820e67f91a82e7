// Stage 3: the scores that transformers' pipeline gives, for logits of any size.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <filbert/postprocess.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using reference::expect_error;
using Labels = std::map<int, std::string>;

Tensor matrix(std::size_t rows, std::vector<float> data) {
  Tensor tensor;
  tensor.shape = {rows, data.size() / rows};
  tensor.data = std::move(data);
  return tensor;
}

std::vector<std::string> labels_of(const std::vector<LabelScore>& scores) {
  std::vector<std::string> labels;
  for (const LabelScore& score : scores) labels.push_back(score.label);
  return labels;
}

// scipy.special.softmax in double; 1e-7: rounding to float.
TEST(Softmax, OfKnownNumbers) {
  const Tensor scores = softmax(matrix(2, {1, 2, 3, -2.5f, 0, 0}));
  EXPECT_EQ(scores.shape, (std::vector<std::size_t>{2, 3}));
  const double expected[] = {0.09003057317038046, 0.24472847105479764, 0.6652409557748218,
                             0.039424422479462075, 0.48028778876026895, 0.48028778876026895};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(scores.data[i], expected[i], 1e-7) << i;
}

TEST(Softmax, OfSpreadsThatOverflowAnExponential) {  // e^89 does not fit in a float
  EXPECT_EQ(softmax(matrix(1, {0, 200})).data, (std::vector<float>{0, 1}));  // e^-200 is less than the least float
  EXPECT_EQ(softmax(matrix(1, {1e30f, -1e30f, 1e30f})).data, (std::vector<float>{0.5f, 0, 0.5f}));
  EXPECT_EQ(softmax(matrix(1, {-1000, -1000})).data, (std::vector<float>{0.5f, 0.5f}));
  // The value of largest magnitude is not the maximum.
  const Tensor scores = softmax(matrix(1, {-100, 2, 1}));
  EXPECT_NEAR(scores.data[0], 0, 1e-40);
  EXPECT_NEAR(scores.data[1], 0.7310585786300049, 1e-7);
  EXPECT_NEAR(softmax(matrix(1, {0, 90})).data[0], 8.194012623990515e-40, 1e-44);
}

TEST(Softmax, EachRowSumsToOne) {
  std::vector<float> logits;
  for (int i = 0; i < 77 * 3; ++i) logits.push_back(static_cast<float>((i * 7919) % 41) / 3 - 6);
  const Tensor scores = softmax(matrix(3, logits));
  for (std::size_t row = 0; row < 3; ++row) {
    double sum = 0;
    for (const float score : scores[row]) sum += score;
    EXPECT_NEAR(sum, 1, 1e-6);  // 77 roundings to float
  }
}

TEST(Softmax, OfOneLabelIsOneAndOfNothingIsNothing) {
  EXPECT_EQ(softmax(matrix(2, {-7, 7})).data, (std::vector<float>{1, 1}));
  EXPECT_TRUE(softmax(Tensor()).data.empty());
  EXPECT_TRUE(softmax(Tensor({0, 5})).data.empty());
}

TEST(Softmax, GoesOverTheLastAxis) {
  Tensor cube({2, 2, 2});
  for (const float score : softmax(cube).data) EXPECT_EQ(score, 0.5f);
  EXPECT_EQ(softmax(cube).shape, (std::vector<std::size_t>{2, 2, 2}));
  Tensor vector({4});
  for (const float score : softmax(vector).data) EXPECT_EQ(score, 0.25f);
}

TEST(Sigmoid, OfKnownAndExtremeNumbers) {
  const Tensor scores = sigmoid(matrix(1, {0, 1, -1, 100, -100, 1e30f, -1e30f}));
  const double expected[] = {0.5, 0.7310585786300049, 0.2689414213699951, 1, 3.720075976020836e-44, 1, 0};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(scores.data[i], expected[i], 1e-7) << i;
    EXPECT_TRUE(std::isfinite(scores.data[i])) << i;
  }
  EXPECT_EQ(scores.data[6], 0);
}

TEST(FunctionToApply, NamesAndBack) {
  for (const FunctionToApply function : {FunctionToApply::softmax, FunctionToApply::sigmoid, FunctionToApply::none}) {
    EXPECT_EQ(function_to_apply_from_name(name(function)), function);
  }
  for (const char* wrong : {"", "Softmax", "relu", "softmax "}) {
    expect_error(ErrorKind::invalid_argument, {"softmax", "sigmoid", "none", wrong}, [&] { function_to_apply_from_name(wrong); });
  }
}

TEST(FunctionToApply, NoneLeavesLogitsAlone) {
  const Tensor logits = matrix(1, {3, -4});
  EXPECT_EQ(apply(FunctionToApply::none, logits).data, logits.data);
  EXPECT_EQ(apply(FunctionToApply::softmax, logits).data, softmax(logits).data);
  EXPECT_EQ(apply(FunctionToApply::sigmoid, logits).data, sigmoid(logits).data);
}

// transformers 5.23, TextClassificationPipeline.postprocess.
TEST(FunctionToApply, DefaultsAreThoseOfTransformers) {
  struct Case {
    const char* config;
    FunctionToApply expected;
  };
  for (const Case& each : {
           Case{R"({"num_labels": 1})", FunctionToApply::sigmoid},
           Case{R"({"num_labels": 2})", FunctionToApply::softmax},
           Case{R"({"num_labels": 2, "function_to_apply": "none"})", FunctionToApply::softmax},
           Case{R"({"num_labels": 77})", FunctionToApply::softmax},
           Case{R"({"num_labels": 1, "problem_type": "regression"})", FunctionToApply::none},
           Case{R"({"num_labels": 3, "problem_type": "regression"})", FunctionToApply::none},
           Case{R"({"num_labels": 3, "problem_type": "multi_label_classification"})", FunctionToApply::sigmoid},
           Case{R"({"num_labels": 1, "problem_type": "multi_label_classification"})", FunctionToApply::sigmoid},
           Case{R"({"num_labels": 3, "problem_type": "single_label_classification"})", FunctionToApply::softmax},
           Case{R"({"num_labels": 1, "problem_type": null})", FunctionToApply::sigmoid}}) {
    EXPECT_EQ(name(default_function_to_apply(Config::from_json(each.config, "config.json"))), name(each.expected)) << each.config;
  }
}

TEST(LabelScores, StandInOrderOfIds) {
  const Labels labels = {{0, "a"}, {1, "b"}, {2, "c"}};
  const std::vector<float> scores = {0.2f, 0.7f, 0.1f};
  const auto labelled = label_scores(scores, labels);
  EXPECT_EQ(labels_of(labelled), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(labelled[1].score, 0.7f);
}

TEST(TopK, TheHighestDescending) {
  Labels labels;
  std::vector<float> scores;
  for (int id = 0; id < 12; ++id) {
    labels.emplace(id, "label " + std::to_string(id));
    scores.push_back(static_cast<float>((id * 5) % 12) / 12);
  }
  const auto best = top_k(scores, labels, 3);
  EXPECT_EQ(labels_of(best), (std::vector<std::string>{"label 7", "label 2", "label 9"}));
  EXPECT_EQ(best[0].score, 11.0f / 12);
  EXPECT_EQ(top_k(scores, labels, 12).size(), 12u);
  EXPECT_EQ(top_k(scores, labels, 1000).size(), 12u);
}

TEST(TopK, OfEqualScoresTheLowerIdFirst) {  // Python's sort is stable
  const Labels labels = {{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}};
  const std::vector<float> scores = {0.1f, 0.4f, 0.1f, 0.4f};
  EXPECT_EQ(labels_of(top_k(scores, labels, 4)), (std::vector<std::string>{"b", "d", "a", "c"}));
  EXPECT_EQ(labels_of(top_k(scores, labels, 1)), (std::vector<std::string>{"b"}));
}

TEST(TopK, NegativeScoresOfARegressionAreOrderedToo) {
  const Labels labels = {{0, "a"}, {1, "b"}, {2, "c"}};
  const std::vector<float> scores = {-3, -1, -2};
  EXPECT_EQ(labels_of(top_k(scores, labels, 2)), (std::vector<std::string>{"b", "c"}));
}

TEST(TopK, ZeroIsAnError) {
  const std::vector<float> scores = {1};
  expect_error(ErrorKind::invalid_argument, {"top_k", "0"}, [&] { top_k(scores, Labels{{0, "a"}}, 0); });
}

}  // namespace
}  // namespace filbert
