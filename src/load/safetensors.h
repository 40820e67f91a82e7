// The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes.
// https://github.com/huggingface/safetensors#format. Nothing in the file is trusted.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

enum class Dtype { f32, f16, bf16, i8, other };
std::string_view name(Dtype dtype);  // as safetensors spells it: "F32", …

// A dtype of the format, or null if it has none of that name.
struct DtypeInfo {
  std::string_view name;
  std::size_t bytes;  // of an element
  Dtype dtype;
};
const DtypeInfo* find_dtype(std::string_view name);

// A tensor in the file it was found in; valid while the mapped file lives, whatever its format. `data` may be unaligned.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::other;
  std::string dtype_name;               // "I64", … where dtype is other
  std::vector<std::size_t> shape;
  std::span<const std::byte> data;      // row-major, exactly the bytes that shape and dtype need

  std::size_t num_elements() const;
};

// A tensor to be written.
struct TensorToWrite {
  std::string name;
  std::string dtype_name;
  std::vector<std::size_t> shape;
  std::span<const std::byte> data;  // the caller's
};
// Writes `tensors` to the file `path`, whole or not at all, and holds no copy of them. `metadata` goes into its header. Calls
// `written` after each tensor, whose data is not read again. Throws Error(invalid_argument) if the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(const TensorToWrite&)>& written = {});

// "[2, 3]"
std::string shape_string(std::span<const std::size_t> shape);

// The tensors of a safetensors file, in the order of their bytes. `file_name` leads every message.
// Throws Error(corrupt): header longer than the file or not JSON, a field missing or of the wrong type, shape × dtype
// unlike the bytes given, bytes that overlap, leave a hole or run past the end, a name twice; Error(unsupported): a
// dtype that the format does not name.
std::vector<TensorView> parse_safetensors(std::span<const std::byte> file, std::string_view file_name);

// `out` [num_elements] in f32. The dtype must be f32, f16 or bf16.
void convert_to_f32(const TensorView& tensor, std::size_t first_element, std::span<float> out);

}  // namespace filbert
