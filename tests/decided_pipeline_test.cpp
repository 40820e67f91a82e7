// A pipeline with a decision: read from the checkpoint's directory, applied to texts, rows and windows, off where the caller says so.
#include <filbert/pipeline.h>

#include <gtest/gtest.h>

#include "load/fingerprint.h"
#include "reference/expect_error.h"
#include "reference/served.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using reference::expect_error;

class DecidedPipeline : public testing::Test {
 protected:
  static Decision decision_of(const std::filesystem::path& directory) {
    Decision decision = plain_decision(Config::from_pretrained(directory), weights_sha256(directory));
    decision.weights.assign(3, 0.5);
    decision.biases.assign(3, 0);
    decision.id2label = {{0, "low"}, {1, "high"}};
    decision.merged = {{0, 1}, {2}};
    decision.expected_values = {1, 2, 3};
    decision.reject_below = 0.6F;
    return decision;
  }
  TextClassificationPipeline load(const DecisionChoice& choice = {}) const { return pipeline("text-classification", directory_.path(), ModelOptions{}, choice); }

  const reference::TemporaryDirectory directory_ = reference::write_checkpoint({.max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}});
};

TEST_F(DecidedPipeline, ADecisionInTheDirectoryIsApplied) {
  const TextClassificationPipeline plain = load();
  EXPECT_EQ(plain.decision(), nullptr);
  const Classification raw = plain("good book");
  EXPECT_FALSE(raw.expected.has_value());
  EXPECT_FALSE(raw.rejected.has_value());
  write_decision(decision_of(directory_.path()), directory_.path() / kDecisionFile);
  const TextClassificationPipeline decided = load();
  ASSERT_NE(decided.decision(), nullptr);
  const Classification answer = decided("good book");
  EXPECT_EQ(answer.logits, raw.logits);
  Tensor halves({1, 3});
  for (std::size_t label = 0; label < 3; ++label) halves.data[label] = raw.logits[label] / 2;
  const Tensor scores = softmax(halves);
  ASSERT_EQ(answer.scores.size(), 2U);
  EXPECT_EQ(answer.scores[0].label, "low");
  EXPECT_EQ(answer.scores[0].score, static_cast<float>(double{scores.data[0]} + double{scores.data[1]}));
  EXPECT_EQ(answer.scores[1].score, scores.data[2]);
  EXPECT_EQ(answer.score, std::max(answer.scores[0].score, answer.scores[1].score));
  ASSERT_TRUE(answer.expected.has_value());
  EXPECT_NEAR(*answer.expected, scores.data[0] + 2 * scores.data[1] + 3 * scores.data[2], 1e-5);
  EXPECT_EQ(answer.rejected, answer.score < 0.6F);
  EXPECT_EQ(decided("good book", {.use_decision = false}).scores[2].score, raw.scores[2].score);
  EXPECT_EQ(decided("good book", {.function_to_apply = FunctionToApply::none}).score, raw.logits[static_cast<std::size_t>(
      std::max_element(raw.logits.begin(), raw.logits.end()) - raw.logits.begin())]);
  EXPECT_EQ(decided("good book", {.top_k = 1}).scores.front().label, answer.label);
  EXPECT_EQ(load({.use = false})("good book").scores[0].score, raw.scores[0].score);
}

TEST_F(DecidedPipeline, ADecisionOfACallIsApplied) {
  const TextClassificationPipeline plain = load();
  const auto decision = std::make_shared<const Decision>(decision_of(directory_.path()));
  EXPECT_EQ(plain("bad", {.decision = decision}).scores.size(), 2U);
  EXPECT_EQ(plain("bad").scores.size(), 3U);
  EXPECT_EQ(plain.id2label({.decision = decision}).at(1), "high");
  auto other = std::make_shared<Decision>(*decision);
  other->model_labels.pop_back();
  expect_error(ErrorKind::invalid_argument, {"decision", "3 labels"}, [&] { plain("bad", {.decision = other}); });
}

TEST_F(DecidedPipeline, OneOfOtherWeightsIsRefused) {
  Decision decision = decision_of(directory_.path());
  decision.weights_sha256 = std::string(64, '0');
  write_decision(decision, directory_.path() / kDecisionFile);
  expect_error(ErrorKind::corrupt, {kDecisionFile, "weights_sha256"}, [&] { load(); });
  expect_error(ErrorKind::not_found, {"nowhere"}, [&] { load({.file = "nowhere"}); });
}

TEST_F(DecidedPipeline, TheServerGivesTheSameBits) {
  write_decision(decision_of(directory_.path()), directory_.path() / kDecisionFile);
  const Classification answer = load()("good bad book");
  const reference::Served served(directory_.path());
  const nlohmann::json own = served.post("/v1/classify", R"({"input": "good bad book"})").json()["data"][0];
  EXPECT_EQ(own["label"], answer.label);
  EXPECT_EQ(own["score"].get<float>(), answer.score);
  EXPECT_EQ(own["expected"].get<float>(), *answer.expected);
  EXPECT_EQ(own["rejected"].get<bool>(), *answer.rejected);
  EXPECT_EQ(served.post("/predict", R"({"inputs": "good bad book"})").json()[0]["score"].get<float>(), answer.score);
}

}  // namespace
}  // namespace filbert
