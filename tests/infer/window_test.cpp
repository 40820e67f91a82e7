#include "infer/window.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

// The same in double, each query by itself; `weights` [tokens] are those of the keys.
std::vector<double> context_of(const AttentionHead& head, const AttentionShape& shape, std::size_t query, double scale, std::size_t reach,
                               std::vector<double>& weights) {
  const std::size_t position = head.first_position + query;
  std::vector<double> context(shape.head_size);
  weights.assign(head.tokens, 0.0);
  double total = 0;
  for (std::size_t key = 0; key < head.tokens; ++key) {
    if ((key > position ? key - position : position - key) > reach) continue;
    double score = 0;
    for (std::size_t k = 0; k < shape.head_size; ++k) {
      score += static_cast<double>(head.query[query * shape.query_stride + k]) * head.key[key * shape.key_value_stride + k];
    }
    const double weight = std::exp(score * scale);
    total += weights[key] = weight;
    for (std::size_t k = 0; k < shape.head_size; ++k) context[k] += weight * head.value[key * shape.key_value_stride + k];
  }
  for (std::vector<double>* numbers : {&context, &weights}) {
    for (double& number : *numbers) number /= total;
  }
  return context;
}

struct Case {
  std::size_t tokens, head_size, reach;
};

TEST(Window, EveryTableSeesItsReachAndNoFurther) {
  Random random(9);
  for (const KernelTable* table : available_tables()) {
    for (const Case& tested : {Case{200, 64, 64}, Case{200, 10, 3}, Case{129, 64, 64}, Case{65, 32, 0}, Case{300, 80, 33}, Case{5, 8, 2},
                               Case{70, 16, 1'000'000'000}}) {
      const AttentionShape shape{1, tested.head_size, tested.head_size, 2 * tested.head_size, tested.head_size};
      std::vector<float> query(tested.tokens * tested.head_size), key_value(2 * query.size()), context(query.size());
      for (std::vector<float>* numbers : {&query, &key_value}) {
        for (float& number : *numbers) number = static_cast<float>(random.normal());
      }
      for (const std::size_t first : {std::size_t{0}, tested.tokens - 1}) {  // all queries, or the last one alone
        std::vector<float> weights((tested.tokens - first) * tested.tokens);
        const AttentionHead head{.row = 0, .head = 0, .query = query.data() + first * tested.head_size, .queries = tested.tokens - first,
                                 .first_position = first, .key = key_value.data(), .value = key_value.data() + tested.head_size,
                                 .tokens = tested.tokens, .context = context.data(), .weights = weights.data()};
        Workspace::Attention scratch;
        attend_window(*table, shape, head, 0.125f, tested.reach, scratch);
        double greatest = 0;
        for (std::size_t at = 0; at < head.queries; ++at) {
          std::vector<double> expected_weights;
          const std::vector<double> expected = context_of(head, shape, at, 0.125, tested.reach, expected_weights);
          for (std::size_t key = 0; key < tested.tokens; ++key) {
            greatest = std::max(greatest, std::abs(expected_weights[key] - weights[at * tested.tokens + key]));
          }
          for (std::size_t k = 0; k < tested.head_size; ++k) {
            greatest = std::max(greatest, std::abs(expected[k] - context[at * tested.head_size + k]));
          }
        }
        EXPECT_LE(greatest, 1e-5) << table->name << ", " << tested.tokens << " tokens, reach " << tested.reach;  // the order of f32 sums
      }
    }
  }
}

}  // namespace
}  // namespace filbert
