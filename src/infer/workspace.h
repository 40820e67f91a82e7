// Scratch memory of forward passes (base/idle_pool.h): grown when needed, so that after warm-up nothing is allocated.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "kernels/kernels.h"

namespace filbert {

struct Record;
class InputObserver;

// Rows of activations as the kernels of a narrow dtype take them (linear.h).
struct PreparedRows {
  std::size_t stride = 0;              // bytes from a row to the next
  AlignedBuffer<std::byte> numbers;    // [rows, stride]
  AlignedBuffer<RowScale> scales;      // [rows], int8 only
  InputObserver* observer = nullptr;   // sees each layer's rows (input_ranges.h); none: nobody does
};

// For one unit of rows end to end. `tokens` is its total_tokens, `texts` its rows.
struct Workspace {
  AlignedFloats hidden;        // [tokens, hidden_size], the residual stream
  AlignedFloats query;         // [tokens, hidden_size]
  AlignedFloats key_value;     // [tokens, 2 · hidden_size]
  AlignedFloats context;       // [tokens, hidden_size]
  AlignedFloats projected;     // [tokens, hidden_size]
  AlignedFloats intermediate;  // [tokens, intermediate_size]
  PreparedRows prepared;       // of the linear layer under way
  Record* record = nullptr;    // where the pass under way leaves its inside; none: nowhere (record.h)
  AlignedFloats family[3];     // what only one family needs, by the names that its file gives them

  struct Attention {           // of one thread
    AlignedFloats packed_key;    // [head_size, text's tokens] in panels
    AlignedFloats packed_value;  // [text's tokens, head_size] in panels
    AlignedFloats scores;        // [query rows of a block, text's tokens]
    AlignedFloats products;      // of queries or keys with the vectors of distances, where a family has them
    AlignedFloats spread;        // the same by the other token instead of by distance
  };
  std::vector<Attention> attention;
};

}  // namespace filbert
