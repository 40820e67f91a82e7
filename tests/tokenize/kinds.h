// tests/data/tokenizers.goldens.jsonl: a small tokenizer of every kind, and what tokenizers makes with it (tools/make_tokenizer_goldens.py).
#pragma once

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

#include "base/json.h"
#include "reference/goldens.h"
#include "tokenize/small_vocab.h"

namespace filbert::reference {

inline Ids ids_of(const JsonValue& array) {
  Ids ids;
  array.for_each_element([&](const JsonValue& id) { ids.push_back(static_cast<std::int32_t>(id.as_int())); });
  return ids;
}

inline Offsets offsets_of(const JsonValue& array) {
  Offsets offsets;
  array.for_each_element([&](const JsonValue& pair) {
    const Ids both = ids_of(pair);
    offsets.push_back({static_cast<std::size_t>(both.at(0)), static_cast<std::size_t>(both.at(1))});
  });
  return offsets;
}

// Calls visit(line, kind) for each of them; how many there were.
template <typename Visit>
std::size_t for_each_kind(const Visit& visit) {
  std::ifstream file(reference::source_directory() / "tests" / "data" / "tokenizers.goldens.jsonl");
  std::size_t kinds = 0;
  for (std::string line; std::getline(file, line);) {
    const JsonDocument document(line, "tokenizers.goldens.jsonl");
    const auto kind = document.root().find("kind");
    if (!kind) continue;
    visit(document.root(), std::string(kind->as_string()));
    ++kinds;
  }
  return kinds;
}

}  // namespace filbert::reference
