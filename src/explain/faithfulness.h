// How well values order the units of a text, measured on the model itself: what it says while the strongest go first, or come first.
// Behaviour: comprehensiveness and sufficiency of ERASER (DeYoung et al., 2020, arXiv 1911.03429) and Kendall's τ with leave-one-out,
// as the Python package ferret has them, where removing a unit is whatever the game does. Tested by faithfulness_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <filbert/explain.h>

#include "explain/game.h"

namespace filbert {

// Measures the values of these methods for an output of the game. The strongest support goes first: units by value, descending, equal ones
// as they stand; a value that is no number counts as 0. Beyond 64 units the curves are measured at 65 sizes, evenly spread, and lie on
// straight lines between them. The random band is from the 5th to the 95th percentile of 20 orders drawn by `seed`.
//
// Where the budget is over, the methods not measured to the end are left out, and the band is empty unless all of it was measured.
// `evaluations` is the caller's business. Throws Error(invalid_argument) if a method has not as many values as there are players.
FaithfulnessExplanation faithfulness_of(const Game& game, std::size_t output, const std::vector<NamedValues>& methods, std::uint32_t seed,
                                        const Budget& budget);

// Kendall's τ_b of two lists of one length; 0 where one of them says nothing because all its values are equal.
double kendall_tau(std::span<const double> one, std::span<const double> other);

}  // namespace filbert
