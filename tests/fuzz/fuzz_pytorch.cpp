// Any bytes as pytorch_model.bin: parsed or refused, and what is parsed lies within the file or in memory of its own.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <filbert/error.h>

#include "load/pytorch.h"

namespace {

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  try {
    const filbert::PytorchTensors found = filbert::parse_pytorch(file, "fuzz.bin");
    for (const filbert::TensorView& tensor : found.tensors) {
      const auto holds = [&](std::span<const std::byte> whole) { return lies_in(tensor.data, whole); };
      if (!tensor.data.empty() && !holds(file) && std::ranges::none_of(found.made, holds)) std::abort();
      if (tensor.data.size() != tensor.num_elements() * filbert::find_dtype(tensor.dtype_name)->bytes) std::abort();
      if (tensor.dtype == filbert::Dtype::other || tensor.dtype == filbert::Dtype::i8) continue;
      std::vector<float> values(tensor.num_elements());
      filbert::convert_to_f32(tensor, 0, values);
    }
  } catch (const filbert::Error&) {
  }
  return 0;
}
