// The parts of a text that are kept or masked as a whole: words, tokens, sentences, or what lies between the matches of an expression.
// Tested by units_test.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <filbert/explain.h>

#include "base/regex.h"

namespace filbert {

// Bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

// Each takes valid UTF-8 and gives spans in ascending order that do not overlap, none empty, none only of white space; what is between
// them belongs to no unit.

// Runs of letters, digits, marks and underscores, with an apostrophe between letters and a point or comma between digits; each ideograph,
// each emoji (a whole grapheme) and each run of one other symbol for itself. Scripts that put no spaces between words (Thai, Khmer,
// kana …) are cut where `tokens`, the spans of the tokenizer's tokens in order, end.
std::vector<Span> word_spans(std::string_view text, std::span<const Span> tokens);

// Tokens; those that share a character are one span.
std::vector<Span> token_spans(std::string_view text, std::span<const Span> tokens);

// Up to an end mark (. ! ? … and those of other scripts) with the quotes and brackets that close behind it, or to the end of the line. A
// full stop before a small letter ends nothing.
std::vector<Span> sentence_spans(std::string_view text);

// What lies between the matches of `separators`.
std::vector<Span> spans_between(std::string_view text, const Regex& separators);

// Those of ExplainOptions::unit; `tokens` are the spans of the tokenizer's tokens in order.
std::vector<Span> unit_spans(std::string_view text, std::span<const Span> tokens, const ExplainOptions& options);

}  // namespace filbert
