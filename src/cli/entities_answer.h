// How entities shows an answer: as JSON for programs, as marks and a table for people, as words with their labels for the tools of CoNLL's tasks.
#pragma once

#include <string>
#include <vector>

#include <filbert/entities.h>

#include "base/json_writer.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/words.h"

namespace filbert::cli {

// An object: the record's id, `text`, the entities, what is known of the text.
void write_json(const Record& record, std::string_view text, const TokenClassification& answer, AggregationStrategy strategy, JsonWriter& json);

// The text with its entities marked, and a line for each: type, score, what stands in the text. Offsets are bytes; `types` are all that there can be,
// whose order says which has which colour.
std::string text_lines(std::string_view text, const TokenClassification& answer, const std::vector<std::string>& types, const Output& out);

// A line a word: the word, a tab, its label, which is that of the first entity it has a part in: B- of its first word, I- of the others; with none
// the label as it is. An empty line ends the text. Offsets are bytes of the words joined.
std::string conll_lines(const SplitText& text, const TokenClassification& answer, AggregationStrategy strategy, const Output& out);

}  // namespace filbert::cli
