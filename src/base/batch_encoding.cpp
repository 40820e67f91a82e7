#include <filbert/tokenizer.h>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {

void BatchEncoding::clear() {
  row_starts.assign(1, 0);
  for (auto* column : {&input_ids, &token_type_ids, &special_tokens_mask, &word_ids, &sequence_ids}) column->clear();
  offset_mapping.clear();
  overflow_to_sample_mapping.clear();
  rows.clear();
}

void BatchEncoding::add_row(std::span<const std::int32_t> ids, std::span<const std::int32_t> type_ids) {
  if (ids.empty()) throw Error(ErrorKind::invalid_argument, "input_ids: expected at least one id, found none");
  if (!type_ids.empty() && type_ids.size() != ids.size()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("token_type_ids: expected {} as there are input_ids, found {}",
                                                         ids.size(), type_ids.size()));
  }
  input_ids.insert(input_ids.end(), ids.begin(), ids.end());
  if (type_ids.empty()) {
    token_type_ids.insert(token_type_ids.end(), ids.size(), 0);
  } else {
    token_type_ids.insert(token_type_ids.end(), type_ids.begin(), type_ids.end());
  }
  special_tokens_mask.insert(special_tokens_mask.end(), ids.size(), 0);
  row_starts.push_back(input_ids.size());
  rows.push_back({.tokens_total = ids.size()});
  if (!overflow_to_sample_mapping.empty()) overflow_to_sample_mapping.push_back(overflow_to_sample_mapping.back() + 1);
}

}  // namespace filbert
