#include "explain/attention_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace filbert {
namespace {

// What one row of weights adds to the sums.
void add_row(const AttentionMap& map, std::span<const float> weights, std::size_t query, LayerSummary& sums, double& crossing) {
  double entropy = 0, other = 0;
  for (std::size_t key = 0; key < weights.size(); ++key) {
    const double weight = weights[key];
    sums.received[key] += weight;
    if (weight > 0) entropy -= weight * std::log(weight);
    if (map.tokens[key].special) sums.special += weight;
    if (!map.tokens[key].special && map.tokens[key].sequence_id != map.tokens[query].sequence_id) other += weight;
  }
  sums.itself += weights[query];
  if (query > 0) sums.before += weights[query - 1];
  if (query + 1 < weights.size()) sums.after += weights[query + 1];
  if (!map.tokens[query].special) crossing += other;
  sums.spread += std::exp(entropy);
}

}  // namespace

LayerSummary summarize(const AttentionMap& map, const AttentionLayer& layer) {
  const std::size_t tokens = map.tokens.size(), heads = layer.weights.rows();
  LayerSummary sums;
  sums.layer = layer.layer;
  sums.received.resize(tokens);
  double crossing = 0;
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::size_t query = 0; query < tokens; ++query) add_row(map, layer.weights[head].subspan(query * tokens, tokens), query, sums, crossing);
  }
  const double rows = static_cast<double>(heads * tokens);
  const double of_text = static_cast<double>(heads) * static_cast<double>(std::ranges::count(map.tokens, false, &AttentionToken::special));
  for (double* sum : {&sums.itself, &sums.before, &sums.after, &sums.special, &sums.spread}) *sum /= rows;
  for (double& sum : sums.received) sum /= rows;
  sums.other_text = of_text > 0 ? crossing / of_text : 0;
  return sums;
}

std::vector<double> mean_weights(const AttentionLayer& layer, std::span<const std::size_t> heads) {
  std::vector<double> mean(layer.weights.row_size());
  for (const std::size_t head : heads) {
    const std::span<const float> weights = layer.weights[head];
    for (std::size_t at = 0; at < mean.size(); ++at) mean[at] += weights[at];
  }
  for (double& each : mean) each /= static_cast<double>(heads.size());
  return mean;
}

std::vector<std::size_t> largest(std::span<const double> values, std::size_t most) {
  std::vector<std::size_t> places(values.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(most, places.size()));
  std::partial_sort(places.begin(), end, places.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  places.erase(end, places.end());
  return places;
}

}  // namespace filbert
