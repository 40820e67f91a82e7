// Which kernel table runs: the best that the CPU has, or the one that FILBERT_KERNELS names.
#include "kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "kernels/vector.h"

namespace filbert {

std::size_t num_panels(const KernelTable& table, std::size_t columns) {
  return (columns + table.panel_columns - 1) / table.panel_columns;
}

std::size_t packed_size(const KernelTable& table, std::size_t depth, std::size_t columns) {
  return num_panels(table, columns) * table.panel_columns * depth;
}

std::vector<const KernelTable*> available_tables() {
  std::vector<const KernelTable*> tables = {&scalar_table()};
  for (const VectorTable& row : vector_tables()) tables.push_back(&row.table());
  return tables;
}

const KernelTable& choose_table() {
  const std::vector<const KernelTable*> tables = available_tables();
  const char* wanted = std::getenv("FILBERT_KERNELS");
  if (wanted == nullptr || *wanted == '\0') return *tables.back();
  for (const KernelTable* table : tables) {
    if (std::string_view(wanted) == table->name) return *table;
  }
  constexpr std::array<std::string_view, 5> kNames = {"scalar", "sse2", "avx2", "avx512", "neon"};
  std::vector<std::string_view> names;
  for (const KernelTable* table : tables) names.emplace_back(table->name);
  const bool known = std::ranges::find(kNames, std::string_view(wanted)) != kNames.end();
  throw Error(known ? ErrorKind::unsupported : ErrorKind::invalid_argument,
              fmt::format("FILBERT_KERNELS: expected one of {}, which this CPU can run, found \"{}\"",
                          fmt::join(names, ", "), wanted));
}

}  // namespace filbert
