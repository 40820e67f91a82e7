// The mark of a checkpoint that `filbert quantize` wrote: config.json's quantization_config.quant_method. Another layout of the
// tensors gets another name, so that no version reads what it does not know.
#pragma once

#include <string_view>

namespace filbert {

inline constexpr std::string_view kQuantMethod = "filbert-int8-1";

}  // namespace filbert
