#include "infer/window.h"

#include <algorithm>

namespace filbert {
namespace {

// Keys [begin, end) of a row.
struct Window {
  std::size_t begin, end;
};

// What `count` queries from `position` on see, all together.
Window window_of(std::size_t position, std::size_t count, std::size_t reach, std::size_t tokens) {
  return {position - std::min(position, reach), std::min(tokens, position + count + reach)};
}

}  // namespace

void attend_window(const KernelTable& kernels, const AttentionShape& shape, const AttentionHead& head, float scale, std::size_t reach,
                   Workspace::Attention& scratch) {
  const std::size_t size = shape.head_size, width = kernels.panel_columns;
  reach = std::min(reach, head.tokens);
  scratch.packed_key.reserve(packed_size(kernels, size, head.tokens));
  scratch.packed_value.reserve(packed_size(kernels, head.tokens, size));
  scratch.scores.reserve(kQueryBlock * std::min(head.tokens, kQueryBlock + 2 * reach + width));
  kernels.pack_transposed(head.key, head.tokens, size, shape.key_value_stride, scratch.packed_key.data());
  kernels.pack(head.value, head.tokens, size, shape.key_value_stride, scratch.packed_value.data());

  float* scores = scratch.scores.data();
  for (std::size_t first = 0; first < head.queries; first += kQueryBlock) {
    const std::size_t rows = std::min(kQueryBlock, head.queries - first), position = head.first_position + first;
    const Window block = window_of(position, rows, reach, head.tokens);
    const std::size_t from = block.begin / width * width;  // where its first panel begins
    const std::size_t stride = block.end - from;
    kernels.gemm({.a = head.query + first * shape.query_stride,
                  .a_stride = shape.query_stride,
                  .rows = rows,
                  .b = {scratch.packed_key.data() + from * size, size, stride},
                  .panel_end = num_panels(kernels, stride),
                  .c = scores,
                  .c_stride = stride});
    for (std::size_t row = 0; row < rows; ++row) {
      const Window own = window_of(position + row, 1, reach, head.tokens);
      float* score = scores + row * stride;
      std::fill(score + (block.begin - from), score + (own.begin - from), 0.0f);
      kernels.softmax(score + (own.begin - from), own.end - own.begin, scale);
      std::fill(score + (own.end - from), score + stride, 0.0f);
      if (head.weights != nullptr) std::copy(score + (own.begin - from), score + (own.end - from), head.weights + (first + row) * head.tokens + own.begin);
    }
    for (std::size_t column = 0; column < size; column += width) {  // of each panel of the values, the block's keys
      kernels.gemm({.a = scores + (block.begin - from),
                    .a_stride = stride,
                    .rows = rows,
                    .b = {scratch.packed_value.data() + column * head.tokens + block.begin * width, block.end - block.begin, std::min(width, size - column)},
                    .panel_end = 1,
                    .c = head.context + first * shape.context_stride + column,
                    .c_stride = shape.context_stride});
    }
  }
}

}  // namespace filbert
