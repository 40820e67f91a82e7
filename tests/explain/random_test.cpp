#include "explain/random.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

// What numpy 2.4.6 draws, one after the other: randint(1, 6, size=8), permutation(7), three randn(), random_sample(), six
// choice(4, p=[.1, .2, .3, .4]), randint(0, 2**40), choice(range(9), 4, replace=False).
struct Draws {
  std::uint32_t seed;
  std::vector<std::size_t> sizes;
  std::vector<std::size_t> permutation;
  std::vector<double> normals;
  double uniform;
  std::vector<std::size_t> choices;
  std::uint64_t large;
  std::vector<std::size_t> chosen;
};
const Draws kDraws[] = {
    {0, {5, 1, 4, 4, 4, 2, 4, 3}, {3, 1, 2, 6, 5, 0, 4}, {0.144043571160878, 1.454273506962975, 0.7610377251469934}, 0.07103605819788694,
     {0, 0, 3, 3, 3, 3}, 931152821425, {4, 2, 7, 1}},
    {1, {4, 5, 1, 2, 4, 1, 1, 2}, {3, 0, 1, 2, 6, 5, 4}, {-0.4646863234217252, 0.8618271173525265, -2.6542619796017553}, 0.22957721372982554,
     {2, 3, 2, 2, 3, 3}, 1004886031753, {2, 4, 3, 0}},
    {42, {4, 5, 3, 5, 5, 2, 3, 3}, {0, 1, 6, 5, 3, 4, 2}, {0.07983181221570465, -0.1595165016570746, 0.022221826611982996}, 0.3998609717152555,
     {0, 3, 1, 0, 3, 2}, 1046221454143, {3, 1, 5, 0}},
    {4294967295, {4, 3, 5, 5, 1, 3, 2, 1}, {0, 1, 5, 4, 6, 2, 3}, {0.47688182146087926, -1.0259220377550031, 0.5304861201981678},
     0.4713136865330291, {1, 2, 2, 3, 2, 3}, 945954018691, {4, 2, 3, 0}},
};

TEST(RandomState, DrawsWhatNumpyDraws) {
  for (const Draws& draws : kDraws) {
    SCOPED_TRACE(draws.seed);
    RandomState random(draws.seed);
    for (const std::size_t size : draws.sizes) EXPECT_EQ(random.randint(1, 6), size);
    EXPECT_EQ(random.permutation(7), draws.permutation);
    for (const double normal : draws.normals) EXPECT_DOUBLE_EQ(random.randn(), normal);
    EXPECT_EQ(random.random_sample(), draws.uniform);
    const double probabilities[] = {.1, .2, .3, .4};
    for (const std::size_t choice : draws.choices) EXPECT_EQ(random.choice(probabilities), choice);
    EXPECT_EQ(random.randint(0, std::size_t{1} << 40), draws.large);
    std::vector<std::size_t> chosen = random.permutation(9);
    chosen.resize(4);
    EXPECT_EQ(chosen, draws.chosen);
  }
}

TEST(RandomState, ARangeOfOneDrawsNothing) {
  RandomState one(7);
  RandomState other(7);
  EXPECT_EQ(one.randint(3, 4), 3U);
  EXPECT_EQ(one.random_sample(), other.random_sample());
}

}  // namespace
}  // namespace filbert
