// What differs between families, as data: a row of a table for each model_type.
#pragma once

#include <string_view>
#include <vector>

#include <filbert/config.h>

#include "kernels/kernels.h"
#include "load/weights.h"

namespace filbert {

struct Architecture {
  std::string_view model_type;
  std::string_view prefix;  // of the base model's tensors in a classifier's checkpoint
};

// The row for config.model_type. Throws Error(unsupported), naming those there are; also for a position_embedding_type
// other than absolute.
const Architecture& architecture_of(const Config& config);

// hidden_act by the names of transformers' ACT2FN. Throws Error(unsupported) for another.
Activation activation_of(const Config& config);

// Every tensor of a sequence classifier, with the shape that config asks for.
std::vector<ExpectedTensor> expected_tensors(const Config& config);

}  // namespace filbert
