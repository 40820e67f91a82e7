#include "tokenize/vocab_json.h"

#include <vector>

#include <fmt/format.h>

namespace filbert {

Vocab vocab_from_json(const JsonValue& vocab) {
  simdjson::dom::object fields;
  if (vocab.raw().get_object().get(fields) != simdjson::SUCCESS) vocab.fail("an object");
  std::vector<Vocab::Entry> entries;
  entries.reserve(fields.size());
  // Not for_each_field: it makes a string for each of 120 thousand fields.
  for (const auto& [token, id] : fields) {
    std::int64_t number = 0;
    if (id.get_int64().get(number) != simdjson::SUCCESS) {
      JsonValue(id, fmt::format("{}: {}", vocab.where(), token)).fail("an integer");
    }
    entries.push_back({token, number});
  }
  return Vocab::from_entries(entries, vocab.where());
}

}  // namespace filbert
