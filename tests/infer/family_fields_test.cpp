// The fields that single families have: what is read of them, and what is refused by name.
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "infer/architecture.h"
#include "infer/modernbert_config.h"

namespace filbert {
namespace {

using nlohmann::json;

Config config_of(json fields, const char* model_type) {
  fields["model_type"] = model_type;
  return Config::from_json(fields.dump(), "config.json");
}

// What expected_tensors() throws, or "".
std::string refusal(const json& fields, const char* model_type) {
  try {
    expected_tensors(config_of(fields, model_type));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ModernBertConfig, FieldsOfBothVersionsMeanTheSame) {
  const json newer = {{"num_hidden_layers", 4},
                      {"layer_types", {"full_attention", "sliding_attention", "full_attention", "sliding_attention"}},
                      {"rope_parameters", {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 500.0}}},
                                           {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 50}}}}}};
  const json older = {{"num_hidden_layers", 4}, {"global_attn_every_n_layers", 2}, {"global_rope_theta", 500.0}, {"local_rope_theta", 50}};
  for (const json& fields : {newer, older}) {
    const ModernBertConfig config = modernbert_config(config_of(fields, "modernbert"));
    EXPECT_EQ(config.is_local, (std::vector<bool>{false, true, false, true}));
    EXPECT_EQ(config.global_theta, 500);
    EXPECT_EQ(config.local_theta, 50);
    EXPECT_EQ(config.reach, 64u);
  }
  const json null_theta = {{"global_rope_theta", 500.0}, {"local_rope_theta", nullptr}};
  EXPECT_EQ(modernbert_config(config_of(null_theta, "modernbert")).local_theta, 500);
}

TEST(ModernBertConfig, WhatIsNotThereIsRefusedByName) {
  const std::pair<json, std::string> cases[] = {
      {{{"layer_types", {"chunked_attention"}}, {"num_hidden_layers", 1}}, "config.json: layer_types: expected full_attention or sliding_attention, found chunked_attention"},
      {{{"layer_types", {"full_attention"}}, {"num_hidden_layers", 2}}, "layer_types: expected 2 types, one for each layer"},
      {{{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}, "rope_scaling.type: expected default, found linear"},
      {{{"rope_parameters", {{"sliding_attention", {{"rope_type", "yarn"}}}}}}, "rope_parameters.sliding_attention.rope_type: expected default, found yarn"},
      {{{"global_rope_theta", -1}}, "global_rope_theta: expected a number from 0"},
      {{{"local_attention", -2}}, "local_attention: expected a number from 0"},
      {{{"global_attn_every_n_layers", 0}}, "global_attn_every_n_layers: expected a number from 1"},
      {{{"classifier_pooling", "max"}}, "classifier_pooling: expected cls or mean, found max"},
      {{{"classifier_activation", "mish"}}, "classifier_activation: expected one of gelu"},
      {{{"hidden_size", 6}, {"num_attention_heads", 2}}, "heads of an even size, for rotary positions, found size 3"},
  };
  for (const auto& [fields, expected] : cases) EXPECT_NE(refusal(fields, "modernbert").find(expected), std::string::npos) << refusal(fields, "modernbert");
  EXPECT_EQ(refusal({{"rope_scaling", {{"rope_type", "default"}}}}, "modernbert"), "");
}

TEST(XlnetConfig, WhatIsNotThereIsRefusedByName) {
  const std::pair<json, std::string> cases[] = {
      {{{"attn_type", "uni"}}, "config.json: attn_type: expected bi, found uni"},
      {{{"bi_data", true}}, "bi_data: expected false, found true"},
      {{{"d_head", 3}}, "d_head: expected d_model / n_head, 64, found 3"},
      {{{"d_model", 9}, {"n_head", 3}}, "d_model: expected an even number, found 9"},
      {{{"summary_type", "attn"}}, "summary_type: expected last, first, mean or cls_index, found attn"},
      {{{"summary_use_proj", false}}, "summary_use_proj: expected true, found false"},
      {{{"summary_proj_to_labels", true}}, "summary_proj_to_labels: expected false, found true"},
  };
  for (const auto& [fields, expected] : cases) EXPECT_NE(refusal(fields, "xlnet").find(expected), std::string::npos) << refusal(fields, "xlnet");
}

TEST(XlnetConfig, SummaryOfNoActivationIsTheProjectionAlone) {
  EXPECT_EQ(head_of(config_of({{"summary_activation", nullptr}}, "xlnet"), Task::sequence_classification).activation, Activation::none);
  EXPECT_EQ(head_of(config_of(json::object(), "xlnet"), Task::sequence_classification).activation, Activation::tanh);
  EXPECT_EQ(head_of(config_of(json::object(), "xlnet"), Task::sequence_classification).keep, Keep::last);
}

}  // namespace
}  // namespace filbert
