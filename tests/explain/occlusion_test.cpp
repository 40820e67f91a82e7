#include "explain/occlusion.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

// Two outputs: 2a − b + 3ac, and −1.
Game small_game() {
  return {.num_players = 3, .num_outputs = 2, .batch_size = 2, .values = [](const Masks& masks) {
            std::vector<double> values;
            for (std::size_t row = 0; row < masks.rows; ++row) {
              const auto kept = masks[row];
              values.push_back(2.0 * kept[0] - kept[1] + 3.0 * kept[0] * kept[2]);
              values.push_back(-1);
            }
            return values;
          }};
}

TEST(Occlusion, IsWhatIsLostWithoutAPlayer) {
  const OcclusionExplanation result = occlusion(small_game(), 0, false, {});
  EXPECT_EQ(result.values, (std::vector<double>{5, -1, 3}));
  EXPECT_TRUE(result.interactions.empty());
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(occlusion(small_game(), 1, false, {}).values, (std::vector<double>{0, 0, 0}));
}

TEST(Occlusion, OfPairsIsWhatTheyDoTogether) {
  EXPECT_EQ(occlusion(small_game(), 0, true, {}).interactions, (std::vector<double>{0, 0, 3, 0, 0, 0, 3, 0, 0}));
}

TEST(Occlusion, KeepsWhatItHasWhenItStops) {
  int calls = 0;
  const OcclusionExplanation result = occlusion(small_game(), 0, true, {.cancelled = [&] { return calls++ == 1; }});
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.values[0], 5);  // a call of two: all, and without the first
  EXPECT_TRUE(std::isnan(result.values[1]));
  EXPECT_TRUE(std::isnan(result.interactions[1]));
}

TEST(Occlusion, OfNothingIsNothing) {
  const Game game{.num_players = 0, .num_outputs = 1, .batch_size = 4, .values = [](const Masks& masks) { return std::vector<double>(masks.rows); }};
  EXPECT_TRUE(occlusion(game, 0, true, {}).values.empty());
}

}  // namespace
}  // namespace filbert
