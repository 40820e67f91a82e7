#include "infer/modernbert_config.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/json.h"
#include "infer/family_fields.h"

namespace filbert {
namespace {

constexpr const char* kGlobal = "full_attention";
constexpr const char* kLocal = "sliding_attention";

std::vector<bool> local_layers(const Config& config, const JsonValue& root, const FamilyFields& fields) {
  std::vector<bool> is_local;
  const std::size_t every = fields.size("global_attn_every_n_layers", 3, 1, kMostOfAField);
  const auto types = root.find("layer_types");
  if (!types) {
    for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) is_local.push_back(layer % every != 0);
    return is_local;
  }
  types->for_each_element([&](const JsonValue& type) {
    const std::string_view name = type.as_string();
    if (name != kGlobal && name != kLocal) refuse(config, "layer_types", fmt::format("{} or {}", kGlobal, kLocal), name);
    is_local.push_back(name == kLocal);
  });
  if (is_local.size() != config.num_hidden_layers) types->fail(fmt::format("{} types, one for each layer", config.num_hidden_layers));
  return is_local;
}

// `type` is how older versions call rope_type.
void refuse_scaling(const Config& config, std::string_view field, const JsonValue& parameters) {
  for (const char* key : {"rope_type", "type"}) {
    const auto type = parameters.find(key);
    if (type && type->as_string() != "default") refuse(config, fmt::format("{}.{}", field, key), "default", type->as_string());
  }
}

double theta_of(const JsonValue& field) {
  const double theta = field.as_double();
  if (!(theta > 0 && theta < 1e30)) field.fail("a number from 0 to 1e30");
  return theta;
}

// The base of a kind of layer: in rope_parameters, else in the field of transformers 4.
double theta(const Config& config, const JsonValue& root, const char* kind, const char* older_field, double otherwise) {
  if (const auto of_kinds = root.find("rope_parameters")) {
    if (const auto parameters = of_kinds->find(kind)) {
      refuse_scaling(config, fmt::format("rope_parameters.{}", kind), *parameters);
      if (const auto field = parameters->find("rope_theta")) return theta_of(*field);
    }
  }
  const auto field = root.find(older_field);
  return field ? theta_of(*field) : otherwise;
}

}  // namespace

ModernBertConfig modernbert_config(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const JsonValue root = document.root();
  const FamilyFields fields(config);
  const std::string pooling = fields.text("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean") refuse(config, "classifier_pooling", "cls or mean", pooling);
  if (config.head_size() % 2 != 0) {
    refuse(config, "num_attention_heads", "heads of an even size, for rotary positions", fmt::format("size {}", config.head_size()));
  }
  if (const auto scaling = root.find("rope_scaling")) refuse_scaling(config, "rope_scaling", *scaling);
  const double global_theta = theta(config, root, kGlobal, "global_rope_theta", 160'000);
  // In transformers 4 a local_rope_theta of null is the global one.
  const double local_default = fields.is_null("local_rope_theta") ? global_theta : 10'000;
  return {.norm_bias = fields.flag("norm_bias", false),
          .attention_bias = fields.flag("attention_bias", false),
          .mlp_bias = fields.flag("mlp_bias", false),
          .classifier_bias = fields.flag("classifier_bias", false),
          .pools_mean = pooling == "mean",
          .classifier_activation = fields.text("classifier_activation", "gelu"),
          .is_local = local_layers(config, root, fields),
          .reach = fields.size("local_attention", 128, 0, kMostOfAField) / 2,
          .global_theta = global_theta,
          .local_theta = theta(config, root, kLocal, "local_rope_theta", local_default)};
}

}  // namespace filbert
