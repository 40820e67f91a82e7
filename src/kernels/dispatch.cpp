// Which kernel table runs: the best that the CPU has, or the one that FILBERT_KERNELS names.
#include "kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "kernels/vector.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace filbert {

// Leaf 7 of cpuid, subleafs 0 and 1 (Intel's and AMD's manuals). Whether the system saves wide registers is Highway's part.
bool cpu_has(Extra extra) {
  if (extra == Extra::none) return true;
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if (a >= 1) __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1);
  const bool avx512_vnni = (c >> 11 & 1u) != 0, avx_vnni = (a1 >> 4 & 1u) != 0, avx512_bf16 = (a1 >> 5 & 1u) != 0;
  switch (extra) {
    case Extra::none: return true;
    case Extra::avx_vnni: return avx_vnni;
    case Extra::vnni: return avx512_vnni;
    case Extra::vnni_and_bf16: return avx512_vnni && avx512_bf16;
  }
#endif
  return false;
}

namespace {

// Intel's cores begin a vdpbf16ps every other cycle, and two FMAs in each: numbers widened to f32 are multiplied 1.5 times as fast there
// (docs/notes/003). Their bf16 is in AMX, which has no table yet. AMD's begin one in each cycle.
bool has_slow_bf16() {
#if defined(__x86_64__)
  unsigned leaf = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0, &leaf, &b, &c, &d) != 0 && b == signature_INTEL_ebx;
#else
  return false;
#endif
}

}  // namespace

std::size_t num_panels(const KernelTable& table, std::size_t columns) {
  return (columns + table.panel_columns - 1) / table.panel_columns;
}

std::size_t packed_size(const KernelTable& table, std::size_t depth, std::size_t columns) {
  return num_panels(table, columns) * table.panel_columns * depth;
}

std::vector<const KernelTable*> available_tables() {
  std::vector<const KernelTable*> tables = {&scalar_table()};
  for (const VectorTable& row : vector_tables()) tables.push_back(&row.table());
  if (tables.back()->native_bf16 && has_slow_bf16()) std::swap(tables.back(), tables[tables.size() - 2]);
  return tables;
}

const KernelTable& choose_table() {
  const std::vector<const KernelTable*> tables = available_tables();
  const char* wanted = std::getenv("FILBERT_KERNELS");
  if (wanted == nullptr || *wanted == '\0') return *tables.back();
  for (const KernelTable* table : tables) {
    if (std::string_view(wanted) == table->name) return *table;
  }
  constexpr std::array<std::string_view, 7> kNames = {"scalar", "neon", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16"};
  std::vector<std::string_view> names;
  for (const KernelTable* table : tables) names.emplace_back(table->name);
  const bool known = std::ranges::find(kNames, std::string_view(wanted)) != kNames.end();
  throw Error(known ? ErrorKind::unsupported : ErrorKind::invalid_argument,
              fmt::format("FILBERT_KERNELS: expected one of {}, which this CPU can run, found \"{}\"",
                          fmt::join(names, ", "), wanted));
}

}  // namespace filbert
