// Rows that are equal have equal logits: one of each is enough.
#pragma once

#include <compare>
#include <cstddef>
#include <vector>

#include <filbert/tokenizer.h>

namespace filbert {

struct DistinctRows {
  BatchEncoding inputs;              // each row once, in the order of their first appearance; empty if all of them are distinct
  std::vector<std::size_t> place;    // [batch_size] where in `inputs` a row is; empty likewise

  // By input_ids and token_type_ids, which is all that a model looks at. Reuses the memory of an earlier batch.
  void find(const BatchEncoding& inputs);

 private:
  struct HashedRow {
    std::size_t hash;
    std::size_t row;
    auto operator<=>(const HashedRow&) const = default;
  };
  std::vector<HashedRow> order_;
  std::vector<std::size_t> first_;   // the first row that is equal to a row
};

}  // namespace filbert
