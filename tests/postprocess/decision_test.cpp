// A decision and its file: what it makes of numbers, that a file keeps it to the bit, and that nothing wrong in one is taken.
#include "postprocess/decision.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using nlohmann::json;
using reference::expect_error;

const std::string kSha(64, 'a');

Config stars() {
  Config config;
  config.path = "config.json";
  config.id2label = {{0, "1 star"}, {1, "2 stars"}, {2, "3 stars"}};
  return config;
}

// Two of three labels as one, with everything that there is.
Decision whole() {
  Decision decision = plain_decision(stars(), kSha);
  decision.weights = {0.5, 1.0 / 3, 0.25};
  decision.biases = {0.1, -0.2, 0};
  decision.id2label = {{0, "bad"}, {1, "good"}};
  decision.merged = {{0, 1}, {2}};
  decision.thresholds = {0.7F, std::numeric_limits<float>::infinity()};
  decision.reject_below = 0.6F;
  decision.expected_values = {1, 2, 3};
  decision.measured = R"({"rows":5})";
  return decision;
}

TEST(Decision, PlainOnesChangeNothing) {
  const Decision decision = plain_decision(stars(), kSha);
  Tensor scores({1, 3});
  scores.data = {0.2F, 0.7F, 0.1F};
  EXPECT_EQ(calibrated(decision, scores).data, scores.data);
  EXPECT_EQ(merged(decision, scores).data, scores.data);
  EXPECT_FALSE(decision.may_reject());
  EXPECT_FALSE(expected_value(decision, scores.data).has_value());
  EXPECT_FALSE(is_rejected(decision, 1, 0.01F));
}

TEST(Decision, OfARegressionThereIsNone) {
  Config config = stars();
  config.problem_type = "regression";
  expect_error(ErrorKind::unsupported, {"config.json", "regression"}, [&] { plain_decision(config, kSha); });
  config = stars();
  config.id2label[2] = "1 star";
  expect_error(ErrorKind::unsupported, {"1 star", "twice"}, [&] { plain_decision(config, kSha); });
}

TEST(Decision, MovesAddsUpExpectsAndRejects) {
  const Decision decision = whole();
  Tensor numbers({2, 3});
  numbers.data = {2, 3, 4, -1, 0, 1};
  const Tensor moved = calibrated(decision, numbers);
  EXPECT_FLOAT_EQ(moved[0][0], 1.1F);
  EXPECT_FLOAT_EQ(moved[0][1], 0.8F);
  EXPECT_FLOAT_EQ(moved[1][2], 0.25F);
  Tensor scores({1, 3});
  scores.data = {0.25F, 0.5F, 0.25F};
  EXPECT_EQ(merged(decision, scores).data, (std::vector<float>{0.75F, 0.25F}));
  EXPECT_EQ(expected_value(decision, scores.data), 2.0F);
  EXPECT_TRUE(is_rejected(decision, 0, 0.65F));   // its threshold
  EXPECT_FALSE(is_rejected(decision, 0, 0.7F));
  EXPECT_TRUE(is_rejected(decision, 1, 1));       // never
  EXPECT_TRUE(is_rejected(decision, 0, std::numeric_limits<float>::quiet_NaN()));
  Decision lower = decision;
  lower.thresholds.clear();
  EXPECT_TRUE(is_rejected(lower, 1, 0.59F));
  EXPECT_FALSE(is_rejected(lower, 1, 0.6F));
}

TEST(Decision, ScoresThatAreSummedAreAtMostOne) {
  Decision decision = whole();
  Tensor scores({1, 3});
  scores.data = {0.6F, std::nextafter(0.4F, 1.0F), 0};
  EXPECT_LE(merged(decision, scores).data[0], 1.0F);
}

TEST(Decision, AFileKeepsItToTheBit) {
  for (Decision decision : {whole(), plain_decision(stars(), kSha)}) {
    const std::string text = decision_json(decision);
    const Decision read = decision_from_json(text, "file");
    EXPECT_EQ(decision_json(read), text);
    EXPECT_EQ(read.weights, decision.weights);
    EXPECT_EQ(read.biases, decision.biases);
    EXPECT_EQ(read.id2label, decision.id2label);
    EXPECT_EQ(read.merged, decision.merged);
    EXPECT_EQ(read.thresholds, decision.thresholds);
    EXPECT_EQ(read.reject_below, decision.reject_below);
    EXPECT_EQ(read.expected_values, decision.expected_values);
    EXPECT_EQ(read.measured, decision.measured);
  }
  for (int digit = 1; digit < 200; ++digit) {  // a factor that its temperature does not give back is kept as a factor
    Decision decision = plain_decision(stars(), kSha);
    decision.weights.assign(3, 1 / (1 + digit / 7.0));
    decision.biases.assign(3, 0);
    EXPECT_EQ(decision_from_json(decision_json(decision), "file").weights, decision.weights) << digit;
  }
}

TEST(Decision, NothingWrongInAFileIsTaken) {
  const json good = json::parse(decision_json(whole()));
  const auto refuses = [&](const char* pointer, const json& value, std::initializer_list<std::string_view> parts) {
    json bad = good;
    bad[json::json_pointer(pointer)] = value;
    expect_error(ErrorKind::corrupt, parts, [&] { decision_from_json(bad.dump(), "file"); });
  };
  refuses("/format", "other", {"format", "filbert-decision"});
  refuses("/version", 0, {"version", "1", "0"});
  refuses("/treshold", 1, {"treshold"});
  refuses("/answers/0/treshold", 0.5, {"answers[0]", "treshold", "threshold"});
  refuses("/answers/0/threshold", 1.5, {"threshold", "0 to 1"});
  refuses("/answers/0/threshold", "sometimes", {"threshold"});
  refuses("/answers/0/of/0", "4 stars", {"1 star"});
  refuses("/answers/0/of/0", "2 stars", {"once"});
  refuses("/answers/0/of", json::array(), {"at least one"});
  refuses("/answers/0/of", json::array({"1 star"}), {"answers", "each of labels"});
  refuses("/answers/0/label", "good", {"twice"});
  refuses("/labels/0", "2 stars", {"labels[1]"});
  refuses("/labels", json::array(), {"labels"});
  refuses("/function_to_apply", "none", {"softmax or sigmoid"});
  refuses("/function_to_apply", "sigmoid", {"do not add up"});
  refuses("/calibration/method", "magic", {"temperature or vector"});
  refuses("/calibration/weights", json::array({1, 2}), {"3 numbers"});
  refuses("/calibration/weights/0", "1", {"weights"});
  refuses("/calibration", {{"method", "temperature"}, {"temperature", 0}}, {"above 0"});
  refuses("/reject_below", -0.5, {"reject_below", "0 to 1"});
  refuses("/expected_values", json::array({1}), {"3 numbers"});
  json newer = good;
  newer["version"] = 2;
  expect_error(ErrorKind::unsupported, {"version", "2"}, [&] { decision_from_json(newer.dump(), "file"); });
  const std::string text = good.dump();
  for (std::size_t length = 0; length < text.size(); length += 7) {
    expect_error(ErrorKind::corrupt, {"file"}, [&] { decision_from_json(text.substr(0, length), "file"); });
  }
}

TEST(Decision, OfAnotherModelIsRefused) {
  const Decision decision = whole();
  check_decision(decision, stars(), kSha, "file");
  expect_error(ErrorKind::corrupt, {"file", "weights_sha256", "--no-decision"}, [&] { check_decision(decision, stars(), std::string(64, 'b'), "file"); });
  Config other = stars();
  other.id2label[0] = "one star";
  expect_error(ErrorKind::corrupt, {"labels", "one star", "1 star"}, [&] { check_decision(decision, other, kSha, "file"); });
  other = stars();
  other.problem_type = "multi_label_classification";
  expect_error(ErrorKind::corrupt, {"function_to_apply", "sigmoid"}, [&] { check_decision(decision, other, kSha, "file"); });
}

TEST(Decision, WhatTheCallerSaysWins) {
  const Decision own = whole();
  EXPECT_EQ(decision_in_use({}, &own), &own);
  EXPECT_EQ(decision_in_use({}, nullptr), nullptr);
  EXPECT_EQ(decision_in_use({.use_decision = false}, &own), nullptr);
  EXPECT_EQ(decision_in_use({.function_to_apply = FunctionToApply::softmax}, &own), &own);
  EXPECT_EQ(decision_in_use({.function_to_apply = FunctionToApply::none}, &own), nullptr);
  const auto other = std::make_shared<const Decision>(whole());
  EXPECT_EQ(decision_in_use({.decision = other}, &own), other.get());
}

}  // namespace
}  // namespace filbert
