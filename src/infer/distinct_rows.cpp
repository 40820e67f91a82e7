#include "infer/distinct_rows.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace filbert {
namespace {

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

void DistinctRows::find(const BatchEncoding& batch) {
  inputs.clear();
  place.clear();
  order_.clear();
  for (std::size_t row = 0; row < batch.batch_size(); ++row) order_.push_back({hash_of(batch, row), row});
  std::ranges::sort(order_);
  const auto equal_hashes = std::ranges::adjacent_find(order_, {}, &HashedRow::hash);
  if (equal_hashes == order_.end()) return;  // the usual case: nothing is copied

  first_.resize(batch.batch_size());
  for (auto begin = order_.begin(); begin != order_.end();) {
    const auto end = std::find_if(begin, order_.end(), [&](const HashedRow& other) { return other.hash != begin->hash; });
    for (auto at = begin; at != end; ++at) {
      first_[at->row] = std::find_if(begin, at, [&](const HashedRow& earlier) { return equal(batch, earlier.row, at->row); })->row;
    }
    begin = end;
  }
  place.resize(batch.batch_size());
  for (std::size_t row = 0; row < batch.batch_size(); ++row) {
    const bool is_first = first_[row] == row;
    place[row] = is_first ? inputs.batch_size() : place[first_[row]];
    if (is_first) inputs.add_row(row_of(batch, batch.input_ids, row), row_of(batch, batch.token_type_ids, row));
  }
  if (inputs.batch_size() < batch.batch_size()) return;
  inputs.clear();
  place.clear();
}

}  // namespace filbert
