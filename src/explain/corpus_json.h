// A report of many texts as one JSON object, and what one text gave as a line, to be read back. docs/explain.md describes the fields.
// Tested by corpus_test.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <filbert/explain_corpus.h>

#include "base/json_writer.h"

namespace filbert {

void write_json(const CorpusReport& report, JsonWriter& json);

struct RowExplanation {
  std::size_t row = 0;
  TextExplanation explanation;
};

void write_json(const RowExplanation& row, JsonWriter& json);
// What that wrote, bit for bit. Throws Error(corrupt) that begins with `where` and names the field.
RowExplanation parse_row_explanation(std::string_view line, const std::string& where);

}  // namespace filbert
