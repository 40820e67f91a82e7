#include "infer/read_f32.h"

#include <cstdint>

namespace filbert {

void read_f32(const KernelTable& kernels, const TensorView& tensor, std::size_t first_element, std::span<float> out) {
  const std::byte* from = tensor.data.data() + first_element * sizeof(std::uint16_t);
  const bool aligned = reinterpret_cast<std::uintptr_t>(from) % alignof(std::uint16_t) == 0;
  if (tensor.dtype == Dtype::f32 || !aligned) return convert_to_f32(tensor, first_element, out);
  const auto convert = tensor.dtype == Dtype::f16 ? kernels.convert_f16 : kernels.convert_bf16;
  convert(reinterpret_cast<const unsigned short*>(from), out.size(), out.data());
}

std::vector<float> read_f32(const KernelTable& kernels, const TensorView& tensor) {
  std::vector<float> values(tensor.num_elements());
  read_f32(kernels, tensor, 0, values);
  return values;
}

}  // namespace filbert
