// SHAP: which algorithm runs, and what is said of its result. Tested by shap_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <filbert/explain.h>

#include "explain/game.h"

namespace filbert {

// What the players are in the text.
struct ShapPlayers {
  std::span<const std::string> segments;          // [players] each with what follows up to the next, for partition_tree()
  std::string_view separator = {};                // a token whose two sides join last; empty: none
  std::size_t second_text = 0;                    // the first player of another text; 0: there is one
  std::span<const std::uint8_t> varying = {};     // [players] 0 where no mask changes anything; empty: all vary
};

// Values of one output of a game. `evaluations` stays 0: the game knows them. Both ends are asked for whatever the budget is; where it
// ends before anything is known of a player, its value is 0 and its interval has no bounds. options.budget holds for sampling alone.
// Interactions that were not asked for are NaN: of a phrase that the budget did not reach, and of more than kMostInteractions players
// where values are sampled.
// Throws Error(invalid_argument): sampling with a half_width that is not above 0 and no budget, too few max_evals for the algorithm.
constexpr std::size_t kMostInteractions = 64;
ShapExplanation shap(const Game& game, std::size_t output, const ShapPlayers& players, const ShapOptions& options, const Budget& budget);

}  // namespace filbert
