#include "load/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "load/little_endian.h"

namespace filbert {
namespace {

constexpr std::array kDtypes = {
    DtypeInfo{"F32", 4, Dtype::f32},    DtypeInfo{"F16", 2, Dtype::f16},    DtypeInfo{"BF16", 2, Dtype::bf16},
    DtypeInfo{"F64", 8, Dtype::other},  DtypeInfo{"I64", 8, Dtype::other},  DtypeInfo{"U64", 8, Dtype::other},
    DtypeInfo{"I32", 4, Dtype::other},  DtypeInfo{"U32", 4, Dtype::other},  DtypeInfo{"I16", 2, Dtype::other},
    DtypeInfo{"U16", 2, Dtype::other},  DtypeInfo{"I8", 1, Dtype::i8},      DtypeInfo{"U8", 1, Dtype::other},
    DtypeInfo{"BOOL", 1, Dtype::other}, DtypeInfo{"C64", 8, Dtype::other},  DtypeInfo{"F8_E4M3", 1, Dtype::other},
    DtypeInfo{"F8_E5M2", 1, Dtype::other}, DtypeInfo{"F8_E8M0", 1, Dtype::other},
};

constexpr std::size_t kPrefixBytes = 8;
// The reference implementation refuses longer headers.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

std::uint64_t read_header_bytes(std::span<const std::byte> file, std::string_view file_name) {
  if (file.size() < kPrefixBytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a safetensors header, found a file of {} bytes", file_name,
                                                file.size()));
  }
  const std::uint64_t header_bytes = read_little_endian(file, 0, kPrefixBytes);
  if (header_bytes > file.size() - kPrefixBytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: the header says it has {} bytes, the file has {}", file_name,
                                                header_bytes, file.size()));
  }
  if (header_bytes > kMaxHeaderBytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a header of at most {} bytes, found {}", file_name,
                                                kMaxHeaderBytes, header_bytes));
  }
  return header_bytes;
}

std::size_t as_size(const JsonValue& value) {
  const std::int64_t number = value.as_int();
  if (number < 0) value.fail("a number of at least 0");
  return static_cast<std::size_t>(number);
}

// Bytes that shape and dtype need, or Error(corrupt) if the product does not fit.
std::size_t tensor_bytes(const TensorView& tensor, std::size_t dtype_bytes, std::string_view where) {
  std::size_t bytes = dtype_bytes;
  for (const std::size_t size : tensor.shape) {
    if (size != 0 && bytes > std::numeric_limits<std::size_t>::max() / size) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: shape {} is larger than any file", where, shape_string(tensor.shape)));
    }
    bytes *= size;
  }
  return bytes;
}

TensorView parse_tensor(std::string_view tensor_name, const JsonValue& entry, std::span<const std::byte> data) {
  TensorView tensor;
  tensor.name = tensor_name;
  tensor.dtype_name = entry.at("dtype").as_string();
  const DtypeInfo* row = find_dtype(tensor.dtype_name);
  if (row == nullptr) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: dtype \"{}\" is not known", entry.where(), tensor.dtype_name));
  }
  tensor.dtype = row->dtype;
  entry.at("shape").for_each_element([&](const JsonValue& size) { tensor.shape.push_back(as_size(size)); });

  std::vector<std::size_t> offsets;
  entry.at("data_offsets").for_each_element([&](const JsonValue& offset) { offsets.push_back(as_size(offset)); });
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected data_offsets [begin, end] within the {} bytes of data, found [{}]",
                                                entry.where(), data.size(), fmt::join(offsets, ", ")));
  }
  tensor.data = data.subspan(offsets[0], offsets[1] - offsets[0]);
  if (const std::size_t bytes = tensor_bytes(tensor, row->bytes, entry.where()); bytes != tensor.data.size()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: shape {} of {} needs {} bytes, data_offsets give {}", entry.where(),
                                                shape_string(tensor.shape), tensor.dtype_name, bytes, tensor.data.size()));
  }
  return tensor;
}

// The tensors must follow each other without overlap or hole, from the first byte to the last.
void check_layout(std::span<const TensorView> tensors, std::span<const std::byte> data, std::string_view file_name) {
  const std::byte* expected = data.data();
  for (const TensorView& tensor : tensors) {
    if (tensor.data.data() != expected) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: {}: expected its data to begin at byte {}, found {}: tensors {}",
                                                  file_name, tensor.name, expected - data.data(),
                                                  tensor.data.data() - data.data(),
                                                  tensor.data.data() < expected ? "overlap" : "leave a hole"));
    }
    expected += tensor.data.size();
  }
  if (expected != data.data() + data.size()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: the tensors end at byte {} of the data, the data has {} bytes",
                                                file_name, expected - data.data(), data.size()));
  }
}

float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1Fu;
  const std::uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // zero or subnormal
  return sign != 0 ? -magnitude : magnitude;
}

}  // namespace

std::string_view name(Dtype dtype) {
  const auto row = std::ranges::find(kDtypes, dtype, &DtypeInfo::dtype);
  return dtype == Dtype::other ? "other" : row->name;
}

const DtypeInfo* find_dtype(std::string_view name) {
  const auto row = std::ranges::find(kDtypes, name, &DtypeInfo::name);
  return row == kDtypes.end() ? nullptr : &*row;
}

std::size_t TensorView::num_elements() const {
  std::size_t count = 1;
  for (const std::size_t size : shape) count *= size;
  return count;
}

std::string shape_string(std::span<const std::size_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::vector<TensorView> parse_safetensors(std::span<const std::byte> file, std::string_view file_name) {
  const std::size_t header_bytes = read_header_bytes(file, file_name);
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kPrefixBytes, header_bytes);
  const std::span<const std::byte> data = file.subspan(kPrefixBytes + header_bytes);

  std::vector<TensorView> tensors;
  std::set<std::string, std::less<>> names;
  const JsonDocument document(header, std::string(file_name));
  document.root().for_each_field([&](std::string_view key, const JsonValue& entry) {
    if (!names.emplace(key).second) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected each name once, found \"{}\" twice", file_name, key));
    }
    if (key == "__metadata__") {
      entry.for_each_field([](std::string_view, const JsonValue& value) { value.as_string(); });
    } else {
      tensors.push_back(parse_tensor(key, entry, data));
    }
  });
  // Empty tensors share their place with the tensor that follows them.
  std::ranges::stable_sort(tensors, {}, [](const TensorView& tensor) {
    return std::pair(tensor.data.data(), tensor.data.size());
  });
  check_layout(tensors, data, file_name);
  return tensors;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(const TensorToWrite&)>& written) {
  nlohmann::ordered_json header = {{"__metadata__", metadata}};
  std::size_t end = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::size_t begin = std::exchange(end, end + tensor.data.size());
    header[tensor.name] = {{"dtype", tensor.dtype_name}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins at a multiple of 8
  std::string prefix;
  for (std::size_t at = 0; at < kPrefixBytes; ++at) prefix += static_cast<char>(text.size() >> (8 * at) & 0xFF);

  AtomicFile file(path);
  file.write(std::as_bytes(std::span(prefix.append(text))));
  for (const TensorToWrite& tensor : tensors) {
    file.write(tensor.data);
    if (written) written(tensor);
  }
  file.finish();
}

void convert_to_f32(const TensorView& tensor, std::size_t first_element, std::span<float> out) {
  if (out.empty()) return;  // its pointers may be null, which memcpy forbids
  if (tensor.dtype == Dtype::f32) {
    std::memcpy(out.data(), tensor.data.data() + first_element * sizeof(float), out.size_bytes());
    return;
  }
  const std::byte* from = tensor.data.data() + first_element * sizeof(std::uint16_t);
  for (std::size_t at = 0; at < out.size(); ++at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, from + at * sizeof(bits), sizeof(bits));
    out[at] = tensor.dtype == Dtype::f16 ? f16_to_f32(bits) : std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
}

}  // namespace filbert
