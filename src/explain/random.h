// The random numbers of numpy.random.RandomState, bit for bit, so that a seed draws here what it draws in the Python packages.
// Behaviour: numpy 2 (random/mtrand.pyx, random/src/legacy), whose streams numpy promises never to change. Tested by random_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace filbert {

// Not for several threads at once.
class RandomState {
 public:
  explicit RandomState(std::uint32_t seed) : engine_(seed) {}

  // Uniform in [0, most].
  std::uint64_t interval(std::uint64_t most);
  // Uniform in [low, high): an element of randint(low, high). `high` is above `low`.
  std::size_t randint(std::size_t low, std::size_t high) { return low + interval(high - 1 - low); }
  // 0 … count − 1 in random order: permutation(count).
  std::vector<std::size_t> permutation(std::size_t count);
  // Orders `values` anew: shuffle() of an array of one dimension.
  void shuffle(std::span<std::size_t> values);
  // Uniform in [0, 1), 53 bits: random_sample().
  double random_sample();
  // Standard normal, by the polar method: randn().
  double randn();
  // An index with these probabilities, which sum to 1: choice(len(p), p=p).
  std::size_t choice(std::span<const double> probabilities);

 private:
  std::uint32_t next() { return static_cast<std::uint32_t>(engine_()); }

  std::mt19937 engine_;  // seeded by Knuth's recurrence, as numpy seeds by an int
  std::optional<double> next_normal_;
};

}  // namespace filbert
