#include "infer/turned_linears.h"

#include <algorithm>

namespace filbert {

std::vector<float> unpacked_weight(const KernelTable& kernels, const Linear& linear) {
  const std::size_t width = kernels.panel_columns;
  std::vector<float> weight(linear.out * linear.in);
  for (std::size_t out = 0; out < linear.out; ++out) {
    const float* column = linear.packed.data() + out / width * width * linear.in + out % width;
    for (std::size_t in = 0; in < linear.in; ++in) weight[out * linear.in + in] = column[in * width];
  }
  return weight;
}

const Linear& TurnedLinears::of(const KernelTable& kernels, const Loop& loop, const Linear& linear) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<const Linear>& turned = turned_[&linear];
  if (turned != nullptr) return *turned;
  auto made = std::make_unique<Linear>();
  made->in = linear.out;
  made->out = linear.in;
  made->bias.assign(linear.in, 0.0f);
  const std::size_t width = kernels.panel_columns;
  made->packed.reserve(packed_size(kernels, made->in, made->out));
  // Panels of either are `width` outputs wide: a panel of the turned one takes rows [first, first + width) of every panel there is.
  loop((made->out + width - 1) / width, [&](std::size_t panel, unsigned) {
    const std::size_t first = panel * width, columns = std::min(width, made->out - first);
    float* to = made->packed.data() + first * made->in;
    for (std::size_t out = 0; out < linear.out; ++out, to += width) {
      const float* from = linear.packed.data() + out / width * width * linear.in + out % width;
      for (std::size_t column = 0; column < columns; ++column) to[column] = from[(first + column) * width];
      std::fill(to + columns, to + width, 0.0f);
    }
  });
  turned = std::move(made);
  return *turned;
}

}  // namespace filbert
