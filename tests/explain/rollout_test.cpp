// Rollout against numpy (tests/data/explain/rollout.json, made by tools/make_rollout_goldens.py), and over models of several families.
#include <filbert/rollout.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infer/model.h"
#include "reference/expect_error.h"
#include "reference/family_fixtures.h"
#include "reference/goldens.h"

namespace filbert {
namespace {

using namespace reference;

nlohmann::json rollout_goldens() {
  std::ifstream file(source_directory() / "tests" / "data" / "explain" / "rollout.json");
  return nlohmann::json::parse(file);
}

// [layers] of [heads, tokens, tokens]
std::vector<Tensor> layers_of(const nlohmann::json& json, const char* name) {
  const std::vector<std::size_t> shape = json.at("shape");
  const std::vector<float> numbers = json.at(name);
  std::vector<Tensor> layers(shape[0], Tensor({shape[1], shape[2], shape[3]}));
  const std::size_t of_layer = numbers.size() / layers.size();
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(layer * of_layer), of_layer, layers[layer].data.begin());
  }
  return layers;
}

// With another row before the one that is asked.
EncoderOutputs outputs_of(const nlohmann::json& json) {
  EncoderOutputs outputs;
  for (Tensor& layer : layers_of(json, "attentions")) outputs.attentions.push_back({Tensor({2, 1, 1}), std::move(layer)});
  return outputs;
}

RolloutOptions rollout_options(const nlohmann::json& recorded) {
  RolloutOptions options;
  const auto& pooling = recorded.at("pooling");
  if (pooling.is_number()) {
    options.token = pooling.get<std::size_t>();
  } else {
    options.pooling = pooling == "first" ? Pooling::first : pooling == "last" ? Pooling::last : Pooling::mean;
  }
  const std::string fusion = recorded.value("fusion", "mean");
  options.fusion = fusion == "mean" ? HeadFusion::mean : fusion == "max" ? HeadFusion::max : HeadFusion::min;
  options.discard_ratio = recorded.value("discard_ratio", 0.0);
  return options;
}

TEST(Rollout, IsThatOfNumpy) {
  const nlohmann::json json = rollout_goldens();
  const EncoderOutputs outputs = outputs_of(json);
  const std::vector<Tensor> gradients = layers_of(json, "gradients");
  for (const auto& recorded : json.at("cases")) {
    SCOPED_TRACE(recorded.dump());
    const RolloutOptions options = rollout_options(recorded);
    const std::vector<double> expected = recorded.at("values");
    const std::vector<double> found = recorded.contains("gradients") ? gradient_rollout(outputs, 1, gradients, options) : attention_rollout(outputs, 1, options);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t token = 0; token < found.size(); ++token) EXPECT_NEAR(found[token], expected[token], 1e-6);  // weights in f32
  }
}

// With the share of the token in itself, they sum to 1: nothing is lost on the way.
TEST(Rollout, SharesOfAMeanSumToOne) {
  const std::vector<double> shares = attention_rollout(outputs_of(rollout_goldens()), 1, {.pooling = Pooling::mean});
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1.0, 1e-6);
}

TEST(Rollout, OneTokenAloneHasNoOther) {
  const EncoderOutputs outputs = outputs_of(rollout_goldens());
  EXPECT_EQ(attention_rollout(outputs, 0), std::vector<double>{0});
  EXPECT_EQ(attention_rollout(outputs, 0, {.pooling = Pooling::mean}), std::vector<double>{1});
}

TEST(Rollout, NothingFlowsWhereGradientsAreNegative) {
  const nlohmann::json json = rollout_goldens();
  std::vector<Tensor> gradients = layers_of(json, "gradients");
  for (Tensor& layer : gradients) std::ranges::fill(layer.data, -1.0f);
  EXPECT_EQ(gradient_rollout(outputs_of(json), 1, gradients), std::vector<double>(6));
}

TEST(Rollout, WhatIsNotThereIsRefused) {
  const nlohmann::json json = rollout_goldens();
  EncoderOutputs outputs = outputs_of(json);
  std::vector<Tensor> gradients = layers_of(json, "gradients");
  const auto refused = [&](std::initializer_list<std::string_view> parts, const std::function<void()>& action) {
    expect_error(ErrorKind::invalid_argument, parts, action);
  };
  refused({"attentions", "found none"}, [] { attention_rollout({}, 0); });
  refused({"row", "below 2", "found 2"}, [&] { attention_rollout(outputs, 2); });
  refused({"token", "below 6", "found 6"}, [&] { attention_rollout(outputs, 1, {.token = 6}); });
  refused({"discard_ratio", "found 1"}, [&] { attention_rollout(outputs, 1, {.discard_ratio = 1}); });
  refused({"gradients", "3 layers", "found 2"}, [&] { gradient_rollout(outputs, 1, std::span(gradients).first(2)); });
  refused({"gradients", "[2, 6, 6]", "layer 2", "[1, 6, 6]"}, [&] {
    gradients[2] = Tensor({1, 6, 6});
    gradient_rollout(outputs, 1, gradients);
  });
  outputs.attentions[1].clear();
  refused({"attentions", "layer 1"}, [&] { attention_rollout(outputs, 1); });
}

class FamilyRollout : public FamilyTest {};

// The token that the head looks at depends on the family; whichever it is, all that it gathers comes from the row.
TEST_P(FamilyRollout, LooksWhereTheHeadLooks) {
  if (fixture().task != Task::sequence_classification) return;
  const auto model = Model::load(fixture().directory, {.num_threads = 1}, choose_table());
  const Pooling pooling = pooling_of(model->config);
  if (fixture().family == "xlnet") {
    EXPECT_EQ(pooling, Pooling::last);
  }
  if (fixture().name() == "modernbert/sequence-v4-bin") {
    EXPECT_EQ(pooling, Pooling::mean);
  }
  if (fixture().family == "bert") {
    EXPECT_EQ(pooling, Pooling::first);
  }
  const BatchEncoding batch = recorded(fixture().rows);
  EncoderOutputs outputs;
  model->logits(batch, {.output_attentions = true}, outputs);
  for (std::size_t row = 0; row < batch.batch_size(); ++row) {
    const std::vector<double> shares = attention_rollout(outputs, row, {.pooling = pooling});
    ASSERT_EQ(shares.size(), batch.row_length(row));
    EXPECT_TRUE(std::ranges::all_of(shares, [](double share) { return share >= 0 && share <= 1; }));
    const std::size_t self = pooling == Pooling::last ? shares.size() - 1 : 0;
    if (pooling != Pooling::mean) {
      EXPECT_EQ(shares[self], 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyRollout, testing::ValuesIn(fixture_names()), test_name);

}  // namespace
}  // namespace filbert
