#include "infer/xlnet_distances.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace filbert {

namespace {

void fill(std::size_t reach, std::size_t hidden_size, std::size_t clamp, float* sinusoids) {
  const std::size_t half = hidden_size / 2;
  const auto furthest = static_cast<std::ptrdiff_t>(reach) - 1;
  const auto most = static_cast<std::ptrdiff_t>(clamp);
  for (std::ptrdiff_t key_minus_query = -furthest; key_minus_query <= furthest; ++key_minus_query) {
    const std::ptrdiff_t distance = clamp == 0 ? -key_minus_query : std::clamp(-key_minus_query, -most, most);
    for (std::size_t at = 0; at < half; ++at, ++sinusoids) {
      // Each step rounded to f32, as torch takes them.
      const float exponent = static_cast<float>(2 * at) / static_cast<float>(hidden_size);
      const float frequency = 1.0f / static_cast<float>(std::pow(10000.0, static_cast<double>(exponent)));
      const auto angle = static_cast<double>(static_cast<float>(distance) * frequency);
      sinusoids[0] = static_cast<float>(std::sin(angle));
      sinusoids[half] = static_cast<float>(std::cos(angle));
    }
    sinusoids += half;
  }
}

}  // namespace

const float* sinusoids_of(std::size_t reach, std::size_t hidden_size, std::size_t clamp, AlignedFloats& table) {
  const auto count_of = [](std::size_t of_reach) { return 2 * of_reach - 1; };
  std::size_t held = (table.capacity() / hidden_size + 1) / 2;
  if (held < reach) {
    held = std::bit_ceil(reach);  // growing by one would fill it each time
    table.reserve(count_of(held) * hidden_size);
    fill(held, hidden_size, clamp, table.data());
  }
  return table.data() + (held - reach) * hidden_size;
}

std::size_t packed_distances(const KernelTable& kernels, std::size_t heads, std::size_t head_size, std::size_t reach) {
  return heads * packed_size(kernels, head_size, 2 * reach - 1);
}

void project_distances(const KernelTable& kernels, const Loop& loop, const XlnetLayer& layer, std::size_t heads, std::size_t reach,
                       const float* sinusoids, PreparedRows& prepared, float* projected, float* packed, float* bias) {
  const std::size_t count = 2 * reach - 1, hidden_size = layer.distance.out, head_size = hidden_size / heads;
  apply(kernels, loop, layer.distance, Activation::none, {sinusoids, layer.distance.in, count}, prepared, projected);
  loop(heads, [&](std::size_t head, unsigned) {
    kernels.pack_transposed(projected + head * head_size, count, head_size, hidden_size, packed + head * packed_size(kernels, head_size, count));
    const float* query_bias = layer.distance_query_bias.data() + head * head_size;
    for (std::size_t at = 0; at < count; ++at) {
      float sum = 0;
      for (std::size_t k = 0; k < head_size; ++k) sum += query_bias[k] * projected[at * hidden_size + head * head_size + k];
      bias[head * count + at] = sum;
    }
  });
}

}  // namespace filbert
