#include "infer/deberta_config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "infer/architecture.h"
#include "infer/family_fields.h"

namespace filbert {
namespace {

constexpr std::int64_t kMaxSize = 1 << 20;  // of what the file counts here: more than any model has, too little to overflow

// A size, for which numbers below 1 stand for `fallback`.
std::size_t read_size(const JsonValue& root, std::string_view key, std::size_t fallback) {
  const auto field = root.find(key);
  if (!field) return fallback;
  const std::int64_t value = field->as_int();
  if (value > kMaxSize) field->fail(fmt::format("a number up to {}", kMaxSize));
  return value < 1 ? fallback : static_cast<std::size_t>(value);
}

// "P2C | c2p" as {"p2c", "c2p"}.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '|') {
      parts.emplace_back();
    } else if (c != ' ') {
      parts.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return parts;
}

void read_attention(const Config& config, const JsonValue& root, DebertaConfig& deberta) {
  std::vector<std::string> types;
  if (const auto field = root.find("pos_att_type"); field && field->is_string()) {
    types = split(field->as_string());
  } else if (field) {
    field->for_each_element([&](const JsonValue& type) { types.emplace_back(type.as_string()); });
  }
  for (const std::string& type : types) {
    if (type != "c2p" && type != "p2c") refuse(config, "pos_att_type", "c2p or p2c", "\"" + type + "\"");
  }
  const auto has = [&](const char* type) { return std::ranges::find(types, type) != types.end(); };
  // The first version counts whatever stands there; both count it without relative_attention as well.
  deberta.scale_factor = deberta.is_v1 ? 1 + types.size() : 1u + has("c2p") + has("p2c");
  deberta.content_to_position = deberta.relative_attention && has("c2p");
  deberta.position_to_content = deberta.relative_attention && has("p2c");
  deberta.max_relative_positions = read_size(root, "max_relative_positions", config.max_position_embeddings);
  if (deberta.max_relative_positions > static_cast<std::size_t>(kMaxSize)) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: max_position_embeddings: expected at most {}, found {}", config.path.string(), kMaxSize,
                                                config.max_position_embeddings));
  }
}

void read_buckets(const Config& config, const JsonValue& root, DebertaConfig& deberta) {
  deberta.position_buckets = read_size(root, "position_buckets", 0);
  if (deberta.position_buckets == 0 || !deberta.relative_attention) return;
  // Otherwise distances past the middle of the buckets have none, or fall back into it.
  const std::size_t least = deberta.position_buckets / 2 + 2;
  if (deberta.position_buckets == 1) refuse(config, "position_buckets", "at least 2, or none", "1");
  if (deberta.max_relative_positions < least) {
    refuse(config, "max_relative_positions", fmt::format("at least {} for {} position_buckets", least, deberta.position_buckets),
           std::to_string(deberta.max_relative_positions));
  }
}

void read_convolution(const Config& config, const JsonValue& root, DebertaConfig& deberta) {
  deberta.conv_kernel_size = config.num_hidden_layers > 0 ? read_size(root, "conv_kernel_size", 0) : 0;
  if (deberta.conv_kernel_size == 0) return;
  if (deberta.conv_kernel_size % 2 == 0) refuse(config, "conv_kernel_size", "an odd number", std::to_string(deberta.conv_kernel_size));
  deberta.conv_groups = read_size(root, "conv_groups", 1);
  if (config.hidden_size % deberta.conv_groups != 0) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: conv_groups: expected a divisor of hidden_size {}, found {}", config.path.string(),
                                                config.hidden_size, deberta.conv_groups));
  }
  if (const auto act = root.find("conv_act")) deberta.conv_act = activation_of(config, "conv_act", act->as_string());
}

}  // namespace

DebertaConfig DebertaConfig::of(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const JsonValue root = document.root();
  const FamilyFields fields(config);
  if (config.embedding_size != config.hidden_size) {
    refuse(config, "embedding_size", fmt::format("hidden_size {}", config.hidden_size), std::to_string(config.embedding_size));
  }
  DebertaConfig deberta{.is_v1 = config.model_type == "deberta", .relative_attention = fields.flag("relative_attention", false)};
  read_attention(config, root, deberta);
  if (deberta.is_v1) {
    if (fields.flag("talking_head", false)) refuse(config, "talking_head", "false", "true");
    return deberta;
  }
  if (const std::size_t head_size = read_size(root, "attention_head_size", config.head_size()); head_size != config.head_size()) {
    refuse(config, "attention_head_size", fmt::format("hidden_size / num_attention_heads, {}", config.head_size()), std::to_string(head_size));
  }
  read_buckets(config, root, deberta);
  deberta.share_att_key = fields.flag("share_att_key", false);
  if (const auto norm = root.find("norm_rel_ebd")) deberta.norm_rel_ebd = std::ranges::count(split(norm->as_string()), "layer_norm") > 0;
  read_convolution(config, root, deberta);
  return deberta;
}

std::size_t DebertaConfig::row_of(std::ptrdiff_t query_minus_key) const {
  auto distance = static_cast<float>(std::abs(query_minus_key));
  // Near distances have a bucket each, the far ones share them by their logarithm, taken in f32 as in make_log_bucket_position().
  if (const std::size_t half = position_buckets / 2; position_buckets > 0 && distance > static_cast<float>(half)) {
    const auto middle = static_cast<float>(half);
    const auto widest = static_cast<float>(static_cast<double>(max_relative_positions - 1) / static_cast<double>(half));
    distance = std::ceil(std::log(distance / middle) / std::log(widest) * (middle - 1)) + middle;
  }
  const auto bucket = static_cast<std::ptrdiff_t>(std::min(distance, static_cast<float>(2 * span())));
  const auto end = static_cast<std::ptrdiff_t>(span());
  return static_cast<std::size_t>(std::clamp((query_minus_key < 0 ? -bucket : bucket) + end, std::ptrdiff_t{0}, 2 * end - 1));
}

Activation deberta_pooler_act(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const JsonValue root = document.root();
  if (const auto size = root.find("pooler_hidden_size"); size && size->as_int() != static_cast<std::int64_t>(config.hidden_size)) {
    refuse(config, "pooler_hidden_size", fmt::format("hidden_size {}", config.hidden_size), std::to_string(size->as_int()));
  }
  return activation_of(config, "pooler_hidden_act", FamilyFields(config).text("pooler_hidden_act", "gelu"));
}

}  // namespace filbert
