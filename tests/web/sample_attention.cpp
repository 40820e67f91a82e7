#include "web/sample_attention.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace filbert::reference {
namespace {

void add_tokens(const std::vector<std::string>& words, std::int32_t sequence_id, AttentionMap& map) {
  std::size_t at = 0;
  for (const std::string& word : words) {
    map.tokens.push_back({word, word, sequence_id, false, {at, at + word.size()}});
    at += word.size() + 1;
    std::string& text = sequence_id == 1 ? *map.text_pair : map.text;
    text += (text.empty() ? "" : " ") + word;
  }
  map.tokens.push_back({"[SEP]", "[SEP]", -1, true, {}});
}

// What makes a query of `head` look where its pattern says: each token has a direction of its own, and a key may be turned by a place.
void fill(AttentionLayer& layer, std::size_t head, std::size_t tokens, std::size_t size, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> directions(tokens * size);
  for (float& each : directions) each = normal(random);
  const auto direction = [&](std::size_t token) { return directions.data() + token * size; };
  for (std::size_t token = 0; token < tokens; ++token) {
    const std::size_t pattern = head % 4, looked_at = pattern == 0 ? (token == 0 ? 0 : token - 1) : pattern == 1 ? tokens - 1 : token;
    for (std::size_t at = 0; at < size; ++at) {
      layer.keys[head][token * size + at] = direction(token)[at];
      layer.queries[head][token * size + at] = pattern == 3 ? normal(random) : 0.9f * direction(looked_at)[at] + 0.5f * normal(random);
    }
  }
}

void weigh(AttentionLayer& layer, std::size_t head, std::size_t tokens, std::size_t size) {
  for (std::size_t query = 0; query < tokens; ++query) {
    std::vector<double> scores(tokens);
    for (std::size_t key = 0; key < tokens; ++key) {
      for (std::size_t at = 0; at < size; ++at) scores[key] += layer.queries[head][query * size + at] * layer.keys[head][key * size + at];
      scores[key] /= std::sqrt(static_cast<double>(size));
    }
    const double most = *std::ranges::max_element(scores);
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - most);
    for (std::size_t key = 0; key < tokens; ++key) layer.weights[head][query * tokens + key] = static_cast<float>(scores[key] / sum);
  }
}

}  // namespace

AttentionMap sample_attention(const std::vector<std::string>& words, const std::vector<std::string>& pair, const AttentionSize& size) {
  AttentionMap map;
  map.tokens.push_back({"[CLS]", "[CLS]", -1, true, {}});
  add_tokens(words, 0, map);
  if (!pair.empty()) {
    map.text_pair.emplace();
    map.sentence_b_start = map.tokens.size();
    add_tokens(pair, 1, map);
  }
  const std::size_t tokens = map.tokens.size();
  map.classification.label = "5 stars";
  map.classification.score = 0.815f;
  map.classification.scores = {{"1 star", 0.185f}, {"5 stars", 0.815f}};
  map.classification.tokens_total = map.classification.tokens_used = tokens;
  map.num_layers = size.layers;
  map.num_heads = size.heads;
  for (std::size_t head = 0; head < size.heads; ++head) map.heads.push_back(head);
  std::mt19937 random(7);
  for (std::size_t number = 0; number < size.layers; ++number) {
    AttentionLayer layer{.layer = number, .weights = Tensor({size.heads, tokens, tokens}), .queries = Tensor({size.heads, tokens, size.head_size}),
                         .keys = Tensor({size.heads, tokens, size.head_size}), .products_alone = true};
    for (std::size_t head = 0; head < size.heads; ++head) {
      fill(layer, head, tokens, size.head_size, random);
      weigh(layer, head, tokens, size.head_size);
    }
    if (!size.queries_keys) layer.queries = layer.keys = Tensor();
    map.layers.push_back(std::move(layer));
  }
  map.version = "0.1.0";
  map.dtype = "f32";
  map.model = "org/model";
  map.command = "filbert attention 'I really love this book' --output look.html";
  return map;
}

AttentionMap long_attention(std::size_t tokens, const AttentionSize& size) {
  std::vector<std::string> words;
  const std::vector<std::string> some = {"the", "book", "was", "slow", ",", "but", "its", "end", "##ing", "un", "##forget", "##table", "."};
  while (words.size() + 2 < tokens) words.push_back(some[words.size() % some.size()]);
  return sample_attention(words, {}, size);
}

}  // namespace filbert::reference
