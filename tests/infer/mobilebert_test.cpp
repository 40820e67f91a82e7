// What of MobileBERT's configuration is taken and what is refused; its numbers are those of the fixtures (families_test.cpp).
#include "infer/mobilebert.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

Config config_of(const std::string& fields) {
  const std::string sizes = R"(, "hidden_size": 64, "intra_bottleneck_size": 32, "num_hidden_layers": 1})";
  return Config::from_json(R"({"model_type": "mobilebert")" + fields + sizes, "config.json");  // of a field given twice, the first counts
}

bool has_tensor(const std::string& fields, std::string_view name) {
  return std::ranges::any_of(expected_tensors(config_of(fields)), [&](const ExpectedTensor& tensor) { return tensor.name == name; });
}

TEST(MobileBert, TensorsFollowTheSwitches) {
  EXPECT_TRUE(has_tensor("", "encoder.layer.0.ffn.2.output.dense.weight"));
  EXPECT_FALSE(has_tensor("", "encoder.layer.0.ffn.3.output.dense.weight"));  // the fourth is the layer's own
  EXPECT_FALSE(has_tensor(R"(, "num_feedforward_networks": 1)", "encoder.layer.0.ffn.0.output.dense.weight"));
  EXPECT_TRUE(has_tensor("", "encoder.layer.0.bottleneck.attention.dense.weight"));
  EXPECT_FALSE(has_tensor(R"(, "use_bottleneck": false)", "encoder.layer.0.bottleneck.input.dense.weight"));
  EXPECT_TRUE(has_tensor("", "pooler.dense.weight"));
  EXPECT_FALSE(has_tensor(R"(, "classifier_activation": false)", "pooler.dense.weight"));
}

TEST(MobileBert, WhatItCannotRunIsRefusedByName) {
  const auto refused = [](const std::string& fields, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::unsupported, parts, [&] { expected_tensors(config_of(fields)); });
  };
  refused(R"(, "normalization_type": "batch_norm")", {"config.json", "normalization_type", "no_norm or layer_norm", "batch_norm"});
  refused(R"(, "key_query_shared_bottleneck": false)", {"key_query_shared_bottleneck", "use_bottleneck_attention"});
  refused(R"(, "intra_bottleneck_size": 30)", {"intra_bottleneck_size", "num_attention_heads (4)", "30"});
  refused(R"(, "true_hidden_size": 64)", {"true_hidden_size", "32", "64"});
  expect_error(ErrorKind::corrupt, {"num_feedforward_networks", "from 1 to 100", "0"},
               [] { expected_tensors(config_of(R"(, "num_feedforward_networks": 0)")); });
}

}  // namespace
}  // namespace filbert
