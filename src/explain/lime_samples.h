// LIME's neighbours of a text: which units each sample removes and how much it counts. Behaviour: lime 0.2 (lime_text.py,
// LimeTextExplainer), whose draws these are for the same seed. Tested by lime_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "explain/game.h"
#include "explain/random.h"

namespace filbert {

// Draws the samples one after the other: the text itself, then sets of a uniform size from 1 to all of the players, removed. The sizes of
// all samples come out of the generator before the first set does, so that two generators walk it: one behind the sizes, one over them,
// and no sample is kept. Not for several threads at once.
class LimeSamples {
 public:
  // `num_players` and `num_samples` are at least 1.
  LimeSamples(std::size_t num_players, std::size_t num_samples, std::uint32_t seed);
  // Appends the next sample; at most num_samples of them are drawn as lime draws them.
  void add_next(Masks& masks);

 private:
  std::size_t num_players_;
  RandomState sizes_;
  RandomState sets_;
  bool first_ = true;
};

// 100 times the cosine distance of a sample that keeps `kept` of `num_players` from the text; nothing kept is 100 from it.
double lime_distance(std::size_t kept, std::size_t num_players);

// What a sample counts at this distance: √exp(−d² / kernel_width²).
double lime_weight(double distance, double kernel_width);

}  // namespace filbert
