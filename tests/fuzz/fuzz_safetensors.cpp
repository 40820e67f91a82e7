// Any bytes as model.safetensors: parsed or refused, and what is parsed lies within the file.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <filbert/error.h>

#include "load/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  try {
    for (const filbert::TensorView& tensor : filbert::parse_safetensors(file, "fuzz.safetensors")) {
      if (!tensor.data.empty() && (tensor.data.data() < file.data() || tensor.data.data() + tensor.data.size() > file.data() + size)) {
        std::abort();
      }
      if (tensor.dtype == filbert::Dtype::other) continue;
      std::vector<float> values(tensor.num_elements());
      filbert::convert_to_f32(tensor, 0, values);
    }
  } catch (const filbert::Error&) {
  }
  return 0;
}
