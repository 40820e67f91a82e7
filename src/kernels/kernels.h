// The inner loops of stage 2, as one constant table per instruction set; a whole table is picked at run time.
// The only code with raw pointers. All sizes are counted in floats.
//
// Every result depends only on its own row of input: the sums run in one order whatever the tile, the batch or the number
// of threads (contract 2 of docs/ARCHITECTURE.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace filbert {

// What hidden_act can name; the formulas are those of transformers' ACT2FN (activations.py).
enum class Activation { none, gelu, gelu_tanh, gelu_fast, quick_gelu, relu, silu, tanh };

// A matrix [depth, columns] cut into panels of `panel_columns` columns, each panel [depth, panel_columns] end to end, the
// last one filled up with zeros.
struct PackedView {
  const float* data = nullptr;
  std::size_t depth = 0;
  std::size_t columns = 0;
};

// In how many parts an f32 product takes its depth: where the rows of a fill the second cache, parts of 512 stay in it.
constexpr std::size_t depth_parts(std::size_t depth) { return depth <= 1024 ? 1 : (depth + 511) / 512; }

struct GemmArgs {
  const float* a = nullptr;        // [rows, depth], rows `a_stride` apart
  std::size_t a_stride = 0;
  std::size_t rows = 0;
  PackedView b;
  std::size_t panel_begin = 0;     // the panels to compute: [panel_begin, panel_end)
  std::size_t panel_end = 0;
  const float* bias = nullptr;     // [columns], or none
  Activation activation = Activation::none;
  float* c = nullptr;              // [rows, columns], rows `c_stride` apart
  std::size_t c_stride = 0;
};

// A row of 8-bit numbers q stands for scale · (q − zero_point).
struct RowScale {
  float scale = 0;
  std::int32_t zero_point = 0;
};

// Products of narrow numbers. A weight lies in panels like a PackedView's, but `depth_step` numbers of a column that follow
// each other in depth lie side by side; depth is filled up with zeros to whole steps.
struct NarrowGemmArgs {
  const std::byte* a = nullptr;        // prepared rows, `a_stride` bytes apart
  std::size_t a_stride = 0;
  const RowScale* row_scales = nullptr;  // [rows]; int8 only
  std::size_t rows = 0;
  const std::byte* b = nullptr;        // panels
  std::size_t depth = 0;               // as filled up
  std::size_t columns = 0;
  const float* column_scales = nullptr;        // [columns]: a weight is column_scale · its 8-bit number; int8 only
  const std::int32_t* column_sums = nullptr;   // [columns] of those numbers; int8 only
  std::size_t panel_begin = 0;
  std::size_t panel_end = 0;
  const float* bias = nullptr;         // [columns]
  Activation activation = Activation::none;
  float* c = nullptr;                  // [rows, columns], rows `c_stride` floats apart
  std::size_t c_stride = 0;
};

// Stored vectors beside a query: a vector is `parts` of `part_size` numbers, each part with a scale of its own, and those that are chosen
// count. sum = Σ over chosen parts p of scale_p · Σ_i query_pi · number_pi.
struct DotsArgs {
  const std::byte* vectors = nullptr;    // [count, parts · part_size], in 8 bits or in f16, end to end
  const float* scales = nullptr;         // [count, parts]; null: all are 1
  std::size_t count = 0;
  std::size_t parts = 1;
  std::size_t part_size = 0;
  const float* query = nullptr;          // [parts · part_size]
  const std::size_t* chosen = nullptr;   // [num_chosen] below `parts`
  std::size_t num_chosen = 0;
  float* sums = nullptr;                 // [count]
};

struct NarrowKernels {
  std::size_t panel_columns;
  std::size_t depth_step;
  std::size_t number_bytes;    // of one number in a panel
  std::size_t prepared_bytes;  // and in a prepared row

  // A row of f32, `depth` of them, as gemm wants it, filled up with zeros to whole steps.
  //   bf16: each rounded to nearest even; `center`, `factor` and `row_scale` have no say.
  //   int8: q = round((x − center) · factor / scale) + zero_point in [0, 255], the scale that of the row alone: an answer
  //   does not depend on its batch. Every table gives the same q. `center` and `factor` are [depth].
  void (*prepare)(const float* x, const float* center, const float* factor, std::size_t depth, std::byte* prepared,
                  RowScale* row_scale);
  // c = activation(a · b + bias). bf16: sums in f32. int8: exact sums of integers, then one multiply-add in f32.
  void (*gemm)(const NarrowGemmArgs& args);
};

struct KernelTable {
  const char* name;
  std::size_t panel_columns;

  // c = activation(a · b + bias)
  void (*gemm)(const GemmArgs& args);
  // Packs the transpose of `rows` rows of `depth` floats, `stride` apart: a weight [out, in] of torch as [in, out].
  void (*pack_transposed)(const float* from, std::size_t rows, std::size_t depth, std::size_t stride, float* packed);
  // Packs [depth, columns] as it lies.
  void (*pack)(const float* from, std::size_t depth, std::size_t columns, std::size_t stride, float* packed);
  // out = layer_norm(x + residual) · weight + bias, a row of `columns`; residual may be null, out may be x.
  void (*layer_norm)(const float* x, const float* residual, const float* weight, const float* bias, float epsilon,
                     std::size_t columns, float* out);
  // row = softmax(row · scale), in place. columns ≥ 1.
  void (*softmax)(float* row, std::size_t columns, float scale);
  // out += x
  void (*add)(const float* x, std::size_t count, float* out);
  // out = activation(x), with the bits that gemm gives; out may be x.
  void (*activate)(Activation activation, const float* x, std::size_t count, float* out);
  // The derivatives of these (backward.h), from those of what they give. dx may be dy.
  void (*activate_backward)(Activation activation, const float* x, const float* dy, std::size_t count, float* dx);
  void (*layer_norm_backward)(const float* x, const float* dy, const float* weight, float epsilon, std::size_t columns, float* dx);
  void (*softmax_backward)(const float* probabilities, std::size_t columns, float scale, float* gradient);  // in place
  void (*convert_f16)(const unsigned short* from, std::size_t count, float* out);
  void (*convert_bf16)(const unsigned short* from, std::size_t count, float* out);
  // Sums in f32, in an order that depends on the table alone; a vector's does not depend on those beside it.
  void (*dots_int8)(const DotsArgs& args);
  void (*dots_f16)(const DotsArgs& args);
  NarrowKernels bf16;
  NarrowKernels int8;
  bool native_bf16;  // whether the instruction set multiplies bf16
  bool native_int8;  // whether it has dot products of 8 bits
};

// Floats that a packed [depth, columns] takes.
std::size_t packed_size(const KernelTable& table, std::size_t depth, std::size_t columns);
std::size_t num_panels(const KernelTable& table, std::size_t columns);
std::size_t num_panels(const NarrowKernels& kernels, std::size_t columns);

// pack.cpp: one panel, [panel_columns, padded depth], of up to panel_columns rows of a weight [rows, depth] as torch stores it.
std::size_t padded_depth(const NarrowKernels& kernels, std::size_t depth);
std::size_t panel_bytes(const NarrowKernels& kernels, std::size_t depth);
void pack_panel_bf16(const NarrowKernels& kernels, const float* weight, std::size_t rows, std::size_t depth, std::byte* panel);
void pack_panel_int8(const NarrowKernels& kernels, const std::int8_t* weight, std::size_t rows, std::size_t depth, std::byte* panel);
// To the nearest, ties to even; NaN stays NaN.
std::uint16_t round_to_bf16(float x);

// The plain loops that the others are tested against.
const KernelTable& scalar_table();

// The tables this CPU can run, the best last; the scalar one is the first.
std::vector<const KernelTable*> available_tables();

// $FILBERT_KERNELS by name, or the best. Throws Error(invalid_argument) for a name that is no table, Error(unsupported)
// for one that this CPU cannot run.
const KernelTable& choose_table();

}  // namespace filbert
