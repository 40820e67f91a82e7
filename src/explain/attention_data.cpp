// The numbers of the three views as the page carries them: bytes in base64. A weight has as many steps as the opacity of a line on a screen,
// 256; runs of zeros, which long texts have many of, are counted where that is shorter.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/base64.h"
#include "base/json_writer.h"
#include "explain/attention_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kMostShown = 24;  // characters of a token

void weights_block(const Tensor& weights, JsonWriter& json) {
  const std::string bytes = eight_bits(weights.data), shorter = without_runs(bytes);
  const bool runs = shorter.size() < bytes.size();
  json.field("runs", runs);
  json.field("weights", base64(runs ? shorter : bytes));
}

// [heads, tokens, head_size] as signed bytes, with the step of each head.
void states_block(std::string_view key, const Tensor& states, JsonWriter& json) {
  std::string bytes;
  std::vector<float> steps;
  for (std::size_t head = 0; head < states.rows(); ++head) {
    float most = 0;
    for (const float value : states[head]) most = std::max(most, std::abs(value));
    const float step = most > 0 && std::isfinite(most) ? most / 127 : 1;
    for (const float value : states[head]) {
      const float steps_of_value = std::isfinite(value) ? std::clamp(std::round(value / step), -127.0f, 127.0f) : 0;
      bytes += static_cast<char>(static_cast<std::int8_t>(steps_of_value));
    }
    steps.push_back(step);
  }
  json.key(key);
  json.begin_object();
  json.key("steps");
  json.array(steps);
  json.field("bytes", base64(bytes));
  json.end_object();
}

void tokens_block(const AttentionMap& map, JsonWriter& json) {
  json.key("tokens");
  json.begin_array();
  for (const AttentionToken& token : map.tokens) json.value(plain_name(token.text, kMostShown));
  json.end_array();
  json.key("special");
  json.begin_array();
  for (const AttentionToken& token : map.tokens) json.value(token.special ? 1 : 0);
  json.end_array();
  if (map.sentence_b_start) json.field("sentence_b_start", *map.sentence_b_start);
}

void layer_block(const AttentionLayer& layer, JsonWriter& json) {
  json.begin_object();
  json.field("layer", layer.layer);
  weights_block(layer.weights, json);
  if (!layer.queries.data.empty()) {
    states_block("q", layer.queries, json);
    states_block("k", layer.keys, json);
    json.field("products_alone", layer.products_alone);
  }
  json.end_object();
}

bool has_states(const AttentionMap& map) { return !map.layers.empty() && !map.layers.front().queries.data.empty(); }

[[noreturn]] void refuse_choice(std::string_view what, const std::vector<std::size_t>& there, std::size_t found) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one of {}, found {}", what, fmt::join(there, ", "), found));
}

// What is shown first, checked.
void first_block(const AttentionMap& map, const AttentionPageOptions& options, JsonWriter& json) {
  if (options.view != "head" && options.view != "model" && options.view != "neuron") {
    throw Error(ErrorKind::invalid_argument, fmt::format("view: expected head, model or neuron, found \"{}\"", options.view));
  }
  if (options.view == "neuron" && !has_states(map)) {
    throw Error(ErrorKind::invalid_argument, "view: expected queries and keys for neuron, found none");
  }
  json.key("first");
  json.begin_object();
  json.field("view", options.view);
  if (options.layer) {
    std::vector<std::size_t> there;
    for (const AttentionLayer& layer : map.layers) there.push_back(layer.layer);
    if (std::ranges::find(there, *options.layer) == there.end()) refuse_choice("layer", there, *options.layer);
    json.field("layer", *options.layer);
  }
  if (options.heads && !options.heads->empty()) {
    for (const std::size_t head : *options.heads) {
      if (std::ranges::find(map.heads, head) == map.heads.end()) refuse_choice("head", map.heads, head);
    }
    json.key("heads");
    json.array(*options.heads);
  }
  json.end_object();
}

}  // namespace

std::string eight_bits(std::span<const float> weights) {
  std::string bytes(weights.size(), '\0');
  std::ranges::transform(weights, bytes.begin(), [](float weight) {
    return static_cast<char>(static_cast<std::uint8_t>(std::isfinite(weight) ? std::lround(255 * std::clamp(weight, 0.0f, 1.0f)) : 0));
  });
  return bytes;
}

std::string without_runs(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    out += bytes[at];
    if (bytes[at++] != '\0') continue;
    std::size_t more = 0;
    while (more < 255 && at < bytes.size() && bytes[at] == '\0') ++more, ++at;
    out += static_cast<char>(static_cast<std::uint8_t>(more));
  }
  return out;
}

void attention_data(const AttentionMap& map, const AttentionPageOptions& options, std::string& out) {
  JsonWriter json;
  json.begin_object();
  tokens_block(map, json);
  json.key("heads");
  json.array(map.heads);
  if (has_states(map)) json.field("head_size", map.layers.front().queries.shape[2]);
  first_block(map, options, json);
  json.key("layers");
  json.begin_array();
  for (const AttentionLayer& layer : map.layers) layer_block(layer, json);
  json.end_array();
  json.end_object();
  out += data_block("filbert-attention", json.take_line());
}

}  // namespace filbert
