// Times the linear layers' matrix product on one thread beside oneDNN's and OpenBLAS's, where they are installed, and
// beside the peak of the CPU: matmul [--rounds N]. Prints a JSON line for each dtype, shape and number of rows;
// operations a second are medians, and there is no peak where the kernels in use have no instruction for the dtype. The
// weight is packed once and used again and again, so it is in the cache as far as it fits there.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <filbert/error.h>

#include "infer/linear.h"
#include "kernels/kernels.h"
#include "peak.h"

#ifdef FILBERT_BENCH_ONEDNN
#include <unordered_map>

#include <dnnl.hpp>
#endif
#ifdef FILBERT_BENCH_OPENBLAS
#include <cblas.h>
#endif

namespace filbert {
namespace {

struct Shape {
  const char* model;
  std::size_t in, out;
};
constexpr Shape kShapes[] = {
    {"BERT-base", 768, 768}, {"BERT-base", 768, 1536}, {"BERT-base", 768, 3072}, {"BERT-base", 3072, 768},
    {"MiniLM", 384, 384},    {"MiniLM", 384, 768},     {"MiniLM", 384, 1536},    {"MiniLM", 1536, 384},
};
constexpr std::size_t kRows[] = {8, 16, 32, 64, 128, 256, 512, 1024, 2048};
constexpr double kSecondsOfATiming = 0.01;

struct Matrices {
  std::size_t rows, in, out;
  AlignedFloats a;            // [rows, in]; on huge pages like the model's own
  std::vector<float> weight;  // [out, in], as torch's
  std::vector<float> bias;    // [out]
  AlignedFloats c;            // [rows, out]
};

Matrices make_matrices(const Shape& shape, std::size_t rows) {
  Matrices m{rows, shape.in, shape.out, {}, {}, {}, {}};
  const auto fill = [](float* values, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) values[at] = static_cast<float>(at % 17) / 16.0f - 0.5f;
  };
  m.a.reserve(rows * shape.in);
  m.weight.resize(shape.out * shape.in);
  m.bias.resize(shape.out);
  m.c.reserve(rows * shape.out);
  fill(m.a.data(), rows * shape.in);
  fill(m.weight.data(), m.weight.size());
  fill(m.bias.data(), m.bias.size());
  std::fill_n(m.c.data(), rows * shape.out, 0.0f);
  return m;
}

// A way to compute c = a · weightᵀ + bias, its weight packed already.
struct Contestant {
  const char* name;
  std::function<void()> run;
};

// The layer, packed as load_linear() does; what the 8-bit numbers stand for is no matter.
Linear make_linear(const KernelTable& kernels, const Matrices& m, ComputeDtype dtype) {
  Linear linear;
  linear.in = m.in;
  linear.out = m.out;
  linear.dtype = dtype;
  linear.bias = m.bias;
  const NarrowKernels& narrow = dtype == ComputeDtype::bf16 ? kernels.bf16 : kernels.int8;
  const bool f32 = dtype == ComputeDtype::f32;
  const std::size_t width = f32 ? kernels.panel_columns : narrow.panel_columns;
  if (f32) {
    linear.packed.reserve(packed_size(kernels, m.in, m.out));
  } else {
    linear.narrow.reserve(num_panels(narrow, m.out) * panel_bytes(narrow, m.in));
    linear.column_scales.assign(m.out, 1.0f / 127.0f);
    linear.column_sums.assign(m.out, 0);
    linear.smoothing = {std::vector<float>(m.in, 0.0f), std::vector<float>(m.in, 1.0f)};
  }
  for (std::size_t first = 0; first < m.out; first += width) {
    const float* rows = m.weight.data() + first * m.in;
    const std::size_t count = std::min(width, m.out - first);
    std::byte* panel = linear.narrow.data() + first / width * panel_bytes(narrow, m.in);
    if (f32) {
      kernels.pack_transposed(rows, count, m.in, m.in, linear.packed.data() + first * m.in);
    } else if (dtype == ComputeDtype::bf16) {
      pack_panel_bf16(narrow, rows, count, m.in, panel);
    } else {
      std::vector<std::int8_t> numbers(count * m.in);
      for (std::size_t at = 0; at < numbers.size(); ++at) numbers[at] = static_cast<std::int8_t>(rows[at] * 127.0f);
      pack_panel_int8(narrow, numbers.data(), count, m.in, panel);
    }
  }
  return linear;
}

// The product alone: rows are made narrow before, once for all the layers that take them.
Contestant filbert_matmul(const KernelTable& kernels, Matrices& m, ComputeDtype dtype) {
  // std::function wants something that can be copied; these cannot.
  const auto linear = std::make_shared<Linear>(make_linear(kernels, m, dtype));
  const auto prepared = std::make_shared<PreparedRows>();
  const Rows rows{m.a.data(), m.in, m.rows};
  prepare(kernels, Loop{}, *linear, rows, *prepared);
  return {"filbert", [&kernels, &m, linear, prepared, rows] {
            multiply(kernels, Loop{}, *linear, Activation::none, rows, *prepared, m.c.data());
          }};
}

#ifdef FILBERT_BENCH_ONEDNN
Contestant onednn_matmul(Matrices& m) {
  using dnnl::memory;
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto size = [](std::size_t value) { return static_cast<memory::dim>(value); };
  const auto f32 = memory::data_type::f32;
  const memory::desc a({size(m.rows), size(m.in)}, f32, memory::format_tag::ab);
  const memory::desc given({size(m.in), size(m.out)}, f32, memory::format_tag::ba);  // torch's weight, transposed
  const memory::desc any({size(m.in), size(m.out)}, f32, memory::format_tag::any);
  const memory::desc bias({1, size(m.out)}, f32, memory::format_tag::ab);
  const memory::desc c({size(m.rows), size(m.out)}, f32, memory::format_tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(engine, a, any, bias, c);
#else
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, any, bias, c), engine);
#endif
  memory weight(given, engine, m.weight.data()), packed(description.weights_desc(), engine);
  dnnl::reorder(weight, packed).execute(stream, weight, packed);
  stream.wait();
  const dnnl::matmul matmul(description);
  const std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, memory(a, engine, m.a.data())},
                                                     {DNNL_ARG_WEIGHTS, packed},
                                                     {DNNL_ARG_BIAS, memory(bias, engine, m.bias.data())},
                                                     {DNNL_ARG_DST, memory(c, engine, m.c.data())}};
  return {"onednn", [matmul, arguments] {
            matmul.execute(stream, arguments);
            stream.wait();
          }};
}
#endif

#ifdef FILBERT_BENCH_OPENBLAS
Contestant openblas_matmul(Matrices& m) {  // without the bias
  openblas_set_num_threads(1);
  return {"openblas", [&m] {
            const auto size = [](std::size_t value) { return static_cast<blasint>(value); };
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(m.rows), size(m.out), size(m.in), 1.0f,
                        m.a.data(), size(m.in), m.weight.data(), size(m.in), 0.0f, m.c.data(), size(m.out));
          }};
}
#endif

// Operations a second over as many runs as a timing needs to last long enough.
double operations_per_second(const std::function<void()>& run, double operations) {
  using Clock = std::chrono::steady_clock;
  run();  // what the one before left in no cache any more, c above all, is no matter of this one
  const auto start = Clock::now();
  std::chrono::duration<double> seconds{};
  double runs = 0;
  do {
    run();
    ++runs;
    seconds = Clock::now() - start;
  } while (seconds.count() < kSecondsOfATiming);
  return operations * runs / seconds.count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The contestants and the peak take turns, so that what the machine does meanwhile hits all of them.
void measure(const KernelTable& kernels, ComputeDtype dtype, const Shape& shape, std::size_t rows, std::size_t rounds) {
  Matrices m = make_matrices(shape, rows);
  std::vector<Contestant> contestants = {filbert_matmul(kernels, m, dtype)};
#ifdef FILBERT_BENCH_ONEDNN
  if (dtype == ComputeDtype::f32) contestants.push_back(onednn_matmul(m));
#endif
#ifdef FILBERT_BENCH_OPENBLAS
  if (dtype == ComputeDtype::f32) contestants.push_back(openblas_matmul(m));
#endif
  const double operations = 2.0 * static_cast<double>(rows * shape.in * shape.out);
  std::vector<std::vector<double>> rates(contestants.size());
  std::vector<double> peaks;
  for (const Contestant& each : contestants) each.run();
  for (std::size_t round = 0; round < rounds; ++round) {
    peaks.push_back(peak_operations_per_second(kernels.name, dtype, 1'000'000));
    for (std::size_t at = 0; at < contestants.size(); ++at) {
      rates[at].push_back(operations_per_second(contestants[at].run, operations));
    }
  }
  const std::string dtype_name(name(dtype));
  std::printf("{\"kernels\": \"%s\", \"dtype\": \"%s\", \"model\": \"%s\", ", kernels.name, dtype_name.c_str(),
              shape.model);
  std::printf("\"in\": %zu, \"out\": %zu, \"rows\": %zu", shape.in, shape.out, rows);
  if (median(peaks) > 0) std::printf(", \"peak\": %.4g", median(peaks));
  for (std::size_t at = 0; at < contestants.size(); ++at) {
    std::printf(", \"%s\": %.4g", contestants[at].name, median(rates[at]));
  }
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace
}  // namespace filbert

int main(int argc, char** argv) {
  std::size_t rounds = 7;
  if (argc == 3 && std::strcmp(argv[1], "--rounds") == 0) rounds = std::strtoul(argv[2], nullptr, 10);
  if ((argc != 1 && argc != 3) || rounds == 0) {
    std::fprintf(stderr, "usage: matmul [--rounds N]\n");
    return 2;
  }
  try {
    const filbert::KernelTable& kernels = filbert::choose_table();
    // The others are held to the same instructions, unless the environment says otherwise already.
    if (std::strncmp(kernels.name, "avx512", 6) != 0) setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 0);
    using filbert::ComputeDtype;
    for (const ComputeDtype dtype : {ComputeDtype::f32, ComputeDtype::bf16, ComputeDtype::int8}) {
      for (const filbert::Shape& shape : filbert::kShapes) {
        for (const std::size_t rows : filbert::kRows) filbert::measure(kernels, dtype, shape, rows, rounds);
      }
    }
  } catch (const filbert::Error& error) {
    std::fprintf(stderr, "matmul: %s\n", error.what());
    return filbert::info(error.kind()).exit_code;
  }
}
