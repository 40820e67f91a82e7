#include "cli/table_guess.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <filbert/error.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kRows = 100;

struct Sampled {
  std::vector<std::vector<std::string>> rows;
  bool has_faults = false;
};

Sampled read_sample(std::string_view sample, bool is_whole, const CsvDialect& dialect) {
  CsvReader csv([rest = sample](std::span<char> buffer) mutable {
    const std::size_t count = rest.copy(buffer.data(), buffer.size());
    rest.remove_prefix(count);
    return count;
  }, dialect);
  Sampled sampled;
  std::vector<std::string> row;
  while (sampled.rows.size() < kRows && csv.can_go_on()) {
    bool has_fault = false;
    try {
      if (!csv.next(row)) break;
    } catch (const Error&) {
      has_fault = true;
    }
    const bool is_cut = !is_whole && csv.bytes_read() == sample.size();  // the rest of it is not in the sample
    if (is_cut && !sampled.rows.empty()) break;
    sampled.has_faults |= has_fault;
    if (row.size() != 1 || !row.front().empty()) sampled.rows.push_back(row);
  }
  return sampled;
}

// The better fits better: whether the header has the text column, then which share of the rows is as wide as the first if that is wider
// than one column.
std::tuple<bool, double> fit(const Sampled& sampled, const KnownOfTable& known) {
  if (sampled.rows.empty()) return {false, 0};
  const std::vector<std::string>& header = sampled.rows.front();
  const bool has_column = known.text_column && std::find(header.begin(), header.end(), *known.text_column) != header.end();
  const auto as_wide = std::count_if(sampled.rows.begin(), sampled.rows.end(), [&](const auto& row) { return row.size() == header.size(); });
  return {has_column, header.size() < 2 ? 0 : static_cast<double>(as_wide) / static_cast<double>(sampled.rows.size())};
}

// Whether there are fields that begin with a quote, and all of them are quoted, some for a reason.
bool has_quoted_fields(std::string_view sample, bool is_whole, const CsvDialect& dialect) {
  if (read_sample(sample, is_whole, dialect).has_faults) return false;
  // Of each quoted field that ends within the sample: is there in it what has to be quoted?
  for (std::size_t at = 0; at < sample.size(); ++at) {
    const bool begins = sample[at] == '"' && (at == 0 || sample[at - 1] == '\n' || sample[at - 1] == dialect.delimiter);
    if (!begins) continue;
    std::size_t end = at + 1;
    bool has_reason = false;
    for (; end < sample.size(); ++end) {
      if (sample[end] == '"' && (end + 1 == sample.size() || sample[end + 1] != '"')) break;
      has_reason |= sample[end] == '"' || sample[end] == '\n' || sample[end] == dialect.delimiter;
      end += sample[end] == '"';
    }
    if (has_reason && end < sample.size()) return true;
    at = end;
  }
  return false;
}

}  // namespace

CsvDialect guess_dialect(std::string_view sample, bool is_whole, const KnownOfTable& known) {
  CsvDialect dialect{.delimiter = known.delimiter.value_or(known.has_tabs ? '\t' : ','), .quotes = known.quotes.value_or(!known.has_tabs)};
  if (known.has_tabs) {
    if (known.quotes) return dialect;
    dialect.quotes = true;
    dialect.quotes = has_quoted_fields(sample, is_whole, dialect);
    return dialect;
  }
  if (known.delimiter) return dialect;
  auto best = fit(read_sample(sample, is_whole, dialect), known);
  for (const char delimiter : {';', '\t', '|'}) {
    CsvDialect other = dialect;
    other.delimiter = delimiter;
    const auto found = fit(read_sample(sample, is_whole, other), known);
    if (found <= best) continue;
    best = found;
    dialect = other;
  }
  return dialect;
}

}  // namespace filbert::cli
