// The inner loops of stage 2, as one constant table per instruction set; a whole table is picked at run time.
// The only code with raw pointers. All sizes are counted in floats.
//
// Every result depends only on its own row of input: the sums run in one order whatever the tile, the batch or the number
// of threads (contract 2 of docs/ARCHITECTURE.md).
#pragma once

#include <cstddef>
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
  void (*convert_f16)(const unsigned short* from, std::size_t count, float* out);
  void (*convert_bf16)(const unsigned short* from, std::size_t count, float* out);
};

// Floats that a packed [depth, columns] takes.
std::size_t packed_size(const KernelTable& table, std::size_t depth, std::size_t columns);
std::size_t num_panels(const KernelTable& table, std::size_t columns);

// The plain loops that the others are tested against.
const KernelTable& scalar_table();

// The tables this CPU can run, the best last; the scalar one is the first.
std::vector<const KernelTable*> available_tables();

// $FILBERT_KERNELS by name, or the best. Throws Error(invalid_argument) for a name that is no table, Error(unsupported)
// for one that this CPU cannot run.
const KernelTable& choose_table();

}  // namespace filbert
