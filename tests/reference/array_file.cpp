#include "reference/array_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace filbert::reference {
namespace {

struct Format {
  int exponent_bits;
  int mantissa_bits;
  std::size_t bytes;
};

Format format_of(std::string_view dtype) {
  if (dtype == "F32") return {8, 23, 4};
  if (dtype == "BF16") return {8, 7, 2};
  if (dtype == "F16") return {5, 10, 2};
  throw std::runtime_error("the tests' reader knows F32, F16 and BF16, not " + std::string(dtype));
}

std::uint64_t from_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t at = bytes.size(); at-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at]);
  return value;
}

}  // namespace

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes; ++at) out.push_back(static_cast<char>(value >> (8 * at) & 0xFF));
  return out;
}

std::uint32_t encode_float(double value, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const auto sign = static_cast<std::uint32_t>(std::signbit(value)) << (exponent_bits + mantissa_bits);
  const std::uint32_t infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  const double magnitude = std::abs(value);
  if (std::isnan(value)) return sign | infinity | 1u << (mantissa_bits - 1);
  if (std::isinf(value)) return sign | infinity;
  // The exponent of the leading bit, held at the least normal one: below it the steps stay equal (subnormals).
  const int exponent = std::max(magnitude == 0 ? 1 - bias : std::ilogb(magnitude), 1 - bias);
  const double steps = std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent));  // ties to even
  // The hidden bit adds one to the exponent field; so does a mantissa rounded up to the next power of two.
  const std::uint32_t bits = (static_cast<std::uint32_t>(exponent + bias - 1) << mantissa_bits) +
                             static_cast<std::uint32_t>(steps);
  return sign | std::min(bits, infinity);
}

double decode_float(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits >> (exponent_bits + mantissa_bits) & 1u) != 0 ? -1 : 1;
  const auto exponent = static_cast<int>(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
  const auto mantissa = static_cast<double>(bits & ((1u << mantissa_bits) - 1));
  if (exponent == (1 << exponent_bits) - 1) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + std::ldexp(1, mantissa_bits), exponent - bias - mantissa_bits);
}

double rounded_to(double value, std::string_view dtype) {
  const Format format = format_of(dtype);
  return decode_float(encode_float(value, format.exponent_bits, format.mantissa_bits), format.exponent_bits,
                      format.mantissa_bits);
}

std::string stored_bytes(const Array& array) {
  const Format format = format_of(array.dtype);
  std::string out;
  for (const double value : array.values) {
    out += little_endian(encode_float(value, format.exponent_bits, format.mantissa_bits), format.bytes);
  }
  return out;
}

std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return little_endian(header.size(), 8) + std::string(header) + std::string(data);
}

Arrays read_arrays(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < 8) throw std::runtime_error("no safetensors file at " + path.string());
  const std::size_t header_bytes = from_little_endian(bytes.substr(0, 8));
  const auto header = nlohmann::json::parse(bytes.substr(8, header_bytes));
  const std::string data = bytes.substr(8 + header_bytes);
  Arrays arrays;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    Array array{entry.at("shape"), {}, entry.at("dtype")};
    const Format format = format_of(array.dtype);
    const std::size_t end = entry.at("data_offsets").at(1);
    for (std::size_t at = entry.at("data_offsets").at(0); at < end; at += format.bytes) {
      const auto bits = static_cast<std::uint32_t>(from_little_endian(data.substr(at, format.bytes)));
      array.values.push_back(decode_float(bits, format.exponent_bits, format.mantissa_bits));
    }
    arrays.emplace(name, std::move(array));
  }
  return arrays;
}

void write_arrays(const std::filesystem::path& path, const Arrays& arrays) {
  nlohmann::ordered_json header;
  header["__metadata__"]["format"] = "pt";
  std::string data;
  for (const auto& [name, array] : arrays) {
    const std::size_t begin = data.size();
    data += stored_bytes(array);
    header[name] = {{"dtype", array.dtype}, {"shape", array.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::ofstream(path, std::ios::binary) << safetensors_bytes(header.dump(), data);
}

}  // namespace filbert::reference
