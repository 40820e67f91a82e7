#include "infer/rotary.h"

#include <bit>
#include <cmath>

namespace filbert {

std::vector<float> rotary_frequencies(double theta, std::size_t head_size) {
  std::vector<float> frequencies;
  for (std::size_t at = 0; at < head_size; at += 2) {
    const float exponent = static_cast<float>(at) / static_cast<float>(head_size);
    const auto power = static_cast<float>(std::pow(static_cast<double>(static_cast<float>(theta)), static_cast<double>(exponent)));
    frequencies.push_back(1.0f / power);
  }
  return frequencies;
}

const float* rotary_table(std::span<const float> frequencies, std::size_t positions, AlignedFloats& table) {
  const std::size_t half = frequencies.size();
  if (positions * 2 * half <= table.capacity()) return table.data();
  positions = std::bit_ceil(positions);  // growing by one would fill it each time
  table.reserve(positions * 2 * half);
  for (std::size_t position = 0; position < positions; ++position) {
    float* cosines = table.data() + position * 2 * half;
    for (std::size_t at = 0; at < half; ++at) {
      const float angle = static_cast<float>(position) * frequencies[at];  // rounded to f32, as the angles of the training were
      cosines[at] = static_cast<float>(std::cos(static_cast<double>(angle)));
      cosines[half + at] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  }
  return table.data();
}

void rotate(const float* table, std::size_t head_size, std::size_t rows, std::size_t stride, float* x) {
  const std::size_t half = head_size / 2;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* cosines = table + row * head_size;
    const float* sines = cosines + half;
    float* first = x + row * stride;
    float* second = first + half;
    for (std::size_t at = 0; at < half; ++at) {
      const float a = first[at], b = second[at];
      first[at] = a * cosines[at] - b * sines[at];
      second[at] = b * cosines[at] + a * sines[at];
    }
  }
}

}  // namespace filbert
