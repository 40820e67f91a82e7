// The ruler of matmul.cpp.
#pragma once

#include <cstddef>
#include <string_view>

#include <filbert/model.h>

namespace filbert {

// Operations a second of one thread that multiplies and adds in registers alone, over `repeat` rounds, with the instructions
// of the kernel table of that name, which this CPU must have. An FMA is two, a dot product of four pairs eight. 0 where the
// table has no instruction of its own for the dtype.
double peak_operations_per_second(std::string_view kernels, ComputeDtype dtype, std::size_t repeat);

}  // namespace filbert
