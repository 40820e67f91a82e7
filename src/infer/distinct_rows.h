// Rows that are equal have equal logits: one of each is enough.
#pragma once

#include <cstddef>
#include <vector>

#include <filbert/tokenizer.h>

namespace filbert {

struct DistinctRows {
  BatchEncoding inputs;              // each row once, in the order of their first appearance; empty if all of them are distinct
  std::vector<std::size_t> place;    // [batch_size] where in `inputs` a row is; empty likewise
};
// By input_ids and token_type_ids, which is all that a model looks at.
DistinctRows distinct_rows(const BatchEncoding& inputs);

}  // namespace filbert
