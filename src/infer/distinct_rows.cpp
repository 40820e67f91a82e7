#include "infer/distinct_rows.h"

#include <algorithm>
#include <cstdint>
#include <compare>
#include <functional>
#include <span>
#include <string_view>

namespace filbert {
namespace {

struct HashedRow {
  std::size_t hash;
  std::size_t row;
  auto operator<=>(const HashedRow&) const = default;
};

std::span<const std::int32_t> row_of(const BatchEncoding& inputs, const std::vector<std::int32_t>& array, std::size_t row) {
  return std::span(array).subspan(inputs.row_starts[row], inputs.row_length(row));
}

std::size_t hash_of(const BatchEncoding& inputs, std::size_t row) {
  const auto bytes = std::as_bytes(row_of(inputs, inputs.input_ids, row));
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool equal(const BatchEncoding& inputs, std::size_t one, std::size_t other) {
  return std::ranges::equal(row_of(inputs, inputs.input_ids, one), row_of(inputs, inputs.input_ids, other)) &&
         std::ranges::equal(row_of(inputs, inputs.token_type_ids, one), row_of(inputs, inputs.token_type_ids, other));
}

}  // namespace

DistinctRows distinct_rows(const BatchEncoding& inputs) {
  std::vector<HashedRow> order;
  order.reserve(inputs.batch_size());
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) order.push_back({hash_of(inputs, row), row});
  std::ranges::sort(order);
  const auto equal_hashes = std::ranges::adjacent_find(order, {}, &HashedRow::hash);
  if (equal_hashes == order.end()) return {};  // the usual case: nothing is copied

  std::vector<std::size_t> first(inputs.batch_size());  // the first row that is equal to a row
  for (auto begin = order.begin(); begin != order.end();) {
    const auto end = std::find_if(begin, order.end(), [&](const HashedRow& other) { return other.hash != begin->hash; });
    for (auto at = begin; at != end; ++at) {
      first[at->row] = std::find_if(begin, at, [&](const HashedRow& earlier) { return equal(inputs, earlier.row, at->row); })->row;
    }
    begin = end;
  }
  DistinctRows distinct;
  distinct.place.resize(inputs.batch_size());
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    const bool is_first = first[row] == row;
    distinct.place[row] = is_first ? distinct.inputs.batch_size() : distinct.place[first[row]];
    if (is_first) distinct.inputs.add_row(row_of(inputs, inputs.input_ids, row), row_of(inputs, inputs.token_type_ids, row));
  }
  if (distinct.inputs.batch_size() == inputs.batch_size()) return {};
  return distinct;
}

}  // namespace filbert
