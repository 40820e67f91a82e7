// A byte that says the dialect, and a table: what is read of it, and what is refused, is the same however the bytes come.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <filbert/error.h>

#include "base/csv.h"

namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& content, filbert::CsvDialect dialect, std::size_t step) {
  std::size_t at = 0;
  filbert::CsvReader csv([&](std::span<char> buffer) {
    const std::size_t count = std::min({step, content.size() - at, buffer.size()});
    std::memcpy(buffer.data(), content.data() + at, count);
    at += count;
    return count;
  }, dialect);
  Rows rows;
  std::vector<std::string> row;
  while (csv.can_go_on()) {
    try {
      if (!csv.next(row)) break;
      rows.push_back(row);
    } catch (const filbert::Error& error) {
      rows.push_back({error.what()});
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const filbert::CsvDialect dialect{.delimiter = data[0] & 2 ? ';' : ',', .quotes = (data[0] & 1) == 0};
  const std::string content(reinterpret_cast<const char*>(data + 1), size - 1);
  if (rows_of(content, dialect, content.size() + 1) != rows_of(content, dialect, 1)) std::abort();
  return 0;
}
