#include "explain/occlusion.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace filbert {
namespace {

using Set = std::vector<std::size_t>;

// The value without each of `sets`, in their order; fewer where the budget ends it.
std::vector<double> values_without(const Game& game, std::size_t output, const std::vector<Set>& sets, const Budget& budget) {
  std::vector<double> values;
  for (std::size_t done = 0; done < sets.size() && !budget.over();) {
    Masks masks(game.num_players);
    for (; done < sets.size() && masks.rows < game.batch_size; ++done) {
      const auto row = masks.add_row(std::uint8_t{1});
      for (const std::size_t player : sets[done]) row[player] = 0;
    }
    const std::vector<double> all = game.values(masks);
    for (std::size_t row = 0; row < masks.rows; ++row) values.push_back(all[row * game.num_outputs + output]);
  }
  return values;
}

}  // namespace

OcclusionExplanation occlusion(const Game& game, std::size_t output, bool pairs, const Budget& budget) {
  const std::size_t n = game.num_players;
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  OcclusionExplanation result;
  std::vector<Set> sets = {{}};
  for (std::size_t player = 0; player < n; ++player) sets.push_back({player});
  if (pairs) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) sets.push_back({i, j});
    }
  }
  const std::vector<double> without = values_without(game, output, sets, budget);
  result.stopped = without.size() < sets.size();
  const auto value = [&](std::size_t set) { return set < without.size() ? without[set] : kUnknown; };
  for (std::size_t player = 0; player < n; ++player) result.values.push_back(value(0) - value(1 + player));
  if (!pairs) return result;
  result.interactions.assign(n * n, 0);
  for (std::size_t set = n + 1; set < sets.size(); ++set) {
    const std::size_t i = sets[set][0], j = sets[set][1];
    const double together = value(0) - value(1 + i) - value(1 + j) + value(set);
    result.interactions[i * n + j] = result.interactions[j * n + i] = together;
  }
  return result;
}

}  // namespace filbert
