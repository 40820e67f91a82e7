// A way back on many threads, of one call and of several at once.
#include <algorithm>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gradients/backpropagation.h"
#include "reference/family_fixtures.h"

namespace filbert {
namespace {

using namespace reference;

// Enough rows for a unit for each thread.
BatchEncoding many_rows(const Fixture& fixture) {
  BatchEncoding batch;
  for (int round = 0; round < 12; ++round) {
    for (const FamilyRow& row : fixture.rows) {
      batch.add_row(row.input_ids, row.token_type_ids ? *row.token_type_ids : std::vector<std::int32_t>());
    }
  }
  return batch;
}

TEST(BackpropagationThreads, ConcurrentCallsGiveTheBitsOfOneThread) {
  const std::vector<Fixture> all = fixtures();
  for (const char* family : {"bert", "deberta-v2", "modernbert"}) {
    const Fixture& fixture = *std::ranges::find(all, family, &Fixture::family);
    const auto one = Model::load(fixture.directory, {.num_threads = 1}, choose_table(), fixture.task);
    const auto several = Model::load(fixture.directory, {.num_threads = 3}, choose_table(), fixture.task);
    const BatchEncoding batch = many_rows(fixture);
    const auto x = input_vectors<float>(*one, batch, GradientInput::words);
    const LogitGradient<float> ones = [](std::size_t, std::span<const float>, std::span<float> gradient) { std::ranges::fill(gradient, 1.0f); };
    const std::vector<float> expected = backpropagate<float>(*one, batch, x, ones).gradient;
    std::vector<std::vector<float>> found(3);
    std::vector<std::thread> callers;
    for (std::vector<float>& gradient : found) {
      callers.emplace_back([&] { gradient = backpropagate<float>(*several, batch, x, ones).gradient; });
    }
    for (std::thread& caller : callers) caller.join();
    for (const std::vector<float>& gradient : found) EXPECT_EQ(gradient, expected) << family;
  }
}

}  // namespace
}  // namespace filbert
