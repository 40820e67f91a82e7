// The tests' own reader and writer of safetensors: small, slow, and sharing nothing with src/load, which it checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace filbert::reference {

// A tensor of a checkpoint with its numbers widened to double.
struct Array {
  std::vector<std::size_t> shape;
  std::vector<double> values;   // row-major
  std::string dtype = "F32";    // what it is stored as: F32, F16 or BF16

  std::size_t columns() const { return shape.empty() ? 1 : shape.back(); }
};
using Arrays = std::map<std::string, Array>;

// The bits of the nearest IEEE 754 number with this many exponent and mantissa bits, ties to even; and back.
// F32 is 8 and 23, BF16 8 and 7, F16 5 and 10.
std::uint32_t encode_float(double value, int exponent_bits, int mantissa_bits);
double decode_float(std::uint32_t bits, int exponent_bits, int mantissa_bits);
// `value` as it reads once stored as `dtype`.
double rounded_to(double value, std::string_view dtype);

Arrays read_arrays(const std::filesystem::path& path);
void write_arrays(const std::filesystem::path& path, const Arrays& arrays);

// A number in `bytes` bytes, the least first.
std::string little_endian(std::uint64_t value, std::size_t bytes);

// The bytes of a safetensors file: length of the header, header, data. For files that lie, too.
std::string safetensors_bytes(std::string_view header, std::string_view data);

// The bytes of `array` in its dtype.
std::string stored_bytes(const Array& array);

}  // namespace filbert::reference
