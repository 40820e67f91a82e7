// Numbers of a checkpoint as f32, whatever they are stored in.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "load/safetensors.h"

namespace filbert {

// Converts `out.size()` numbers of a tensor in F32, F16 or BF16, from `first_element` on.
void read_f32(const KernelTable& kernels, const TensorView& tensor, std::size_t first_element, std::span<float> out);
std::vector<float> read_f32(const KernelTable& kernels, const TensorView& tensor);

}  // namespace filbert
