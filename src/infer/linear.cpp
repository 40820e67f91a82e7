#include "infer/linear.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <utility>

#include "infer/input_ranges.h"

namespace filbert {

namespace {

const NarrowKernels& narrow_of(const KernelTable& kernels, ComputeDtype dtype) {
  return dtype == ComputeDtype::bf16 ? kernels.bf16 : kernels.int8;
}

std::size_t panel_columns(const KernelTable& kernels, ComputeDtype dtype) {
  return dtype == ComputeDtype::f32 ? kernels.panel_columns : narrow_of(kernels, dtype).panel_columns;
}

// Scratch memory of a thread that packs.
struct Panel {
  AlignedFloats rows;               // [panel_columns, in], rows of the weight, which are columns of the product
  AlignedBuffer<std::int8_t> int8;  // the same
};

// Output `column` of the layer, which is that row of `weight`, as row `row` of the panel.
void read_row(const KernelTable& kernels, const TensorView& weight, const TensorView* scales, std::size_t row_of_weight,
              std::size_t column, std::size_t row, Panel& panel, Linear& linear) {
  const std::size_t in = linear.in;
  const std::span<float> numbers(panel.rows.data() + row * in, in);
  std::int8_t* int8 = panel.int8.data() + row * in;
  if (scales == nullptr) {
    read_f32(kernels, weight, row_of_weight * in, numbers);
    if (linear.dtype != ComputeDtype::int8) return;
    const QuantizedOutput output = quantize(numbers, linear.bias[column], linear.smoothing, int8);
    linear.column_scales[column] = output.scale;
    linear.bias[column] = output.bias;
  } else {
    std::memcpy(int8, weight.data.data() + row_of_weight * in, in);
    read_f32(kernels, *scales, row_of_weight, std::span(&linear.column_scales[column], 1));
  }
  linear.column_sums[column] = std::accumulate(int8, int8 + in, std::int32_t{0});
}

// The first `count` rows of the panel to their place, which begins with output `first`.
void pack(const KernelTable& kernels, Panel& panel, std::size_t count, std::size_t first, Linear& linear) {
  if (linear.dtype == ComputeDtype::f32) {
    return kernels.pack_transposed(panel.rows.data(), count, linear.in, linear.in, linear.packed.data() + first * linear.in);
  }
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  std::byte* to = linear.narrow.data() + first / narrow.panel_columns * panel_bytes(narrow, linear.in);
  linear.dtype == ComputeDtype::bf16 ? pack_panel_bf16(narrow, panel.rows.data(), count, linear.in, to)
                                     : pack_panel_int8(narrow, panel.int8.data(), count, linear.in, to);
}

void reserve(const KernelTable& kernels, Linear& linear) {
  if (linear.dtype == ComputeDtype::f32) return linear.packed.reserve(packed_size(kernels, linear.in, linear.out));
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  linear.narrow.reserve(num_panels(narrow, linear.out) * panel_bytes(narrow, linear.in));
  if (linear.dtype == ComputeDtype::bf16) return;
  linear.column_scales.resize(linear.out);
  linear.column_sums.resize(linear.out);
}

// Outputs of a layer: rows [first, first + rows) of a weight, and its scales where it is stored in 8 bits, else null.
struct Source {
  const TensorView* weight;
  const TensorView* scales;
  std::size_t first, rows;
};

Linear pack_sources(const KernelTable& kernels, const Loop& loop, std::span<const Source> sources, std::vector<float> bias,
                    ComputeDtype dtype, const Smoothing& smoothing) {
  Linear linear;
  linear.in = sources.front().weight->shape[1];
  linear.out = bias.size();
  linear.dtype = dtype;
  linear.bias = std::move(bias);
  linear.smoothing = smoothing;
  if (dtype == ComputeDtype::int8 && smoothing.factor.empty()) {
    linear.smoothing = {std::vector<float>(linear.in, 0.0f), std::vector<float>(linear.in, 1.0f)};
  }
  reserve(kernels, linear);

  const std::size_t width = panel_columns(kernels, dtype), rows_of_source = sources.front().rows;
  std::vector<Panel> panels(loop.threads());
  loop((linear.out + width - 1) / width, [&](std::size_t index, unsigned thread) {
    Panel& panel = panels[thread];
    panel.rows.reserve(width * linear.in);
    panel.int8.reserve(width * linear.in);
    const std::size_t first = index * width, rows = std::min(width, linear.out - first);
    for (std::size_t row = 0; row < rows; ++row) {
      const Source& source = sources[(first + row) / rows_of_source];
      read_row(kernels, *source.weight, source.scales, source.first + (first + row) % rows_of_source, first + row, row, panel, linear);
    }
    pack(kernels, panel, rows, first, linear);
  });
  return linear;
}

}  // namespace

std::vector<float> read_bias(const KernelTable& kernels, const Weights& weights, const std::string& name, std::size_t out) {
  const TensorView* bias = weights.find(name + ".bias");
  return bias != nullptr ? read_f32(kernels, *bias) : std::vector<float>(out);
}

Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights, std::span<const LinearPart> parts,
                   ComputeDtype dtype, const Smoothing& smoothing) {
  std::vector<Source> sources;
  std::vector<float> bias;
  std::size_t out = 0;
  for (const LinearPart& part : parts) {
    const TensorView& weight = weights.at(part.weight);
    sources.push_back({&weight, weight.dtype == Dtype::i8 ? &weights.at(part.weight + "_scale") : nullptr, part.first, part.rows});
    bias.insert(bias.end(), part.bias.begin(), part.bias.end());
    bias.resize(out += part.rows);
  }
  Linear linear = pack_sources(kernels, loop, sources, std::move(bias), dtype, smoothing);
  linear.name = parts.front().weight.substr(0, parts.front().weight.rfind(".weight"));
  for (const Source& source : sources) weights.release(*source.weight);  // from here on the packed one counts
  if (PackedFile* file = weights.packed(); file != nullptr) {
    file->share(linear.packed);
    file->share(linear.narrow);
  }
  return linear;
}

Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights, std::span<const std::string> names,
                   ComputeDtype dtype, const Smoothing& smoothing) {
  std::vector<LinearPart> parts;
  for (const std::string& name : names) {
    const std::size_t out = weights.at(name + ".weight").shape[0];
    parts.push_back({name + ".weight", 0, out, read_bias(kernels, weights, name, out)});
  }
  return load_linear(kernels, loop, weights, parts, dtype, smoothing);
}

Linear pack_linear(const KernelTable& kernels, const Loop& loop, std::span<const float> weight, std::span<const float> bias,
                   ComputeDtype dtype, const Smoothing& smoothing) {
  const TensorView view{.name = {}, .dtype = Dtype::f32, .dtype_name = "F32", .shape = {bias.size(), weight.size() / bias.size()},
                        .data = std::as_bytes(weight)};
  const Source source{&view, nullptr, 0, bias.size()};
  return pack_sources(kernels, loop, std::span(&source, 1), {bias.begin(), bias.end()}, dtype, smoothing);
}

void prepare(const KernelTable& kernels, const Loop& loop, const Linear& linear, const Rows& x, PreparedRows& prepared) {
  if (prepared.observer != nullptr) prepared.observer->see(linear, x);
  if (linear.dtype == ComputeDtype::f32) return;
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  prepared.stride = padded_depth(narrow, linear.in) * narrow.prepared_bytes;
  prepared.numbers.reserve(x.rows * prepared.stride);
  prepared.scales.reserve(x.rows);
  for_each_row(loop, x.rows, [&](std::size_t row) {
    narrow.prepare(x.x + row * x.stride, linear.smoothing.center.data(), linear.smoothing.factor.data(), linear.in,
                   prepared.numbers.data() + row * prepared.stride, prepared.scales.data() + row);
  }, 8);
}

void multiply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
              const PreparedRows& prepared, float* y, std::size_t y_stride) {
  if (y_stride == 0) y_stride = linear.out;
  // Blocks of rows that stay in the second cache beside a panel; with several threads, groups of panels as well, so that
  // a single short text keeps them all busy.
  constexpr std::size_t kBlockFloats = 96 * 1024;
  constexpr std::size_t kRowsOfTile = 8;
  const std::size_t depth = linear.dtype == ComputeDtype::f32 ? linear.in / depth_parts(linear.in) : linear.in;
  const std::size_t row_block = std::clamp(kBlockFloats / depth / kRowsOfTile * kRowsOfTile, std::size_t{16}, std::size_t{256});
  const std::size_t row_blocks = (x.rows + row_block - 1) / row_block;
  const std::size_t width = panel_columns(kernels, linear.dtype), panels = (linear.out + width - 1) / width;
  const std::size_t groups = loop.threads() == 1 ? 1 : std::min(panels, std::size_t{4} * loop.threads());
  loop(row_blocks * groups, [&](std::size_t task, unsigned) {
    const std::size_t row = task / groups * row_block, group = task % groups, rows = std::min(row_block, x.rows - row);
    const std::size_t panel_begin = panels * group / groups, panel_end = panels * (group + 1) / groups;
    if (linear.dtype == ComputeDtype::f32) {
      return kernels.gemm({.a = x.x + row * x.stride, .a_stride = x.stride, .rows = rows,
                           .b = {linear.packed.data(), linear.in, linear.out}, .panel_begin = panel_begin, .panel_end = panel_end,
                           .bias = linear.bias.data(), .activation = activation, .c = y + row * y_stride, .c_stride = y_stride});
    }
    const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
    narrow.gemm({.a = prepared.numbers.data() + row * prepared.stride, .a_stride = prepared.stride,
                 .row_scales = prepared.scales.data() + row, .rows = rows, .b = linear.narrow.data(),
                 .depth = padded_depth(narrow, linear.in), .columns = linear.out, .column_scales = linear.column_scales.data(),
                 .column_sums = linear.column_sums.data(), .panel_begin = panel_begin, .panel_end = panel_end,
                 .bias = linear.bias.data(), .activation = activation, .c = y + row * y_stride, .c_stride = y_stride});
  });
}

void apply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
           PreparedRows& prepared, float* y, std::size_t y_stride) {
  prepare(kernels, loop, linear, x, prepared);
  multiply(kernels, loop, linear, activation, x, prepared, y, y_stride);
}

}  // namespace filbert
