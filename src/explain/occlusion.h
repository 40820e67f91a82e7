// Leave one out: the value of all players less that without one; and without two, what they do together. Tested by occlusion_test.cpp.
#pragma once

#include <cstddef>

#include <filbert/explain.h>

#include "explain/game.h"

namespace filbert {

// Of one output; `evaluations` is left 0. Where the budget ends it, what was not asked is NaN.
OcclusionExplanation occlusion(const Game& game, std::size_t output, bool pairs, const Budget& budget);

}  // namespace filbert
