#include "infer/distinct_rows.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>

namespace filbert {
namespace {

std::span<const std::int32_t> row_of(const BatchEncoding& inputs, const std::vector<std::int32_t>& array, std::size_t row) {
  return std::span(array).subspan(inputs.row_starts[row], inputs.row_length(row));
}

}  // namespace

DistinctRows distinct_rows(const BatchEncoding& inputs) {
  const auto hash = [&](std::size_t row) {
    const auto bytes = std::as_bytes(row_of(inputs, inputs.input_ids, row));
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const auto equal = [&](std::size_t one, std::size_t other) {
    return std::ranges::equal(row_of(inputs, inputs.input_ids, one), row_of(inputs, inputs.input_ids, other)) &&
           std::ranges::equal(row_of(inputs, inputs.token_type_ids, one), row_of(inputs, inputs.token_type_ids, other));
  };
  std::unordered_map<std::size_t, std::size_t, decltype(hash), decltype(equal)> places(inputs.batch_size(), hash, equal);
  DistinctRows distinct;
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    distinct.place.push_back(places.try_emplace(row, places.size()).first->second);
  }
  if (places.size() == inputs.batch_size()) return {};
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    if (distinct.place[row] != distinct.inputs.batch_size()) continue;
    distinct.inputs.add_row(row_of(inputs, inputs.input_ids, row), row_of(inputs, inputs.token_type_ids, row));
  }
  return distinct;
}

}  // namespace filbert
