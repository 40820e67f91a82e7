#include "explain/units.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

enum class CharKind { space, word, ideograph, emoji, symbol };

// Invisible, and no part of a word or a symbol: controls, zero-width characters, marks of direction.
bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

CharKind kind_of(char32_t c) {
  if (is_invisible(c) || (unicode::flags(c) & unicode::kSpace) != 0) return CharKind::space;
  if (unicode::is_chinese(c)) return CharKind::ideograph;
  const std::uint8_t more = unicode::more_flags(c);
  if (c == '_' || (more & (unicode::kLetter | unicode::kNumber | unicode::kMark)) != 0) return CharKind::word;
  return (more & unicode::kPictographic) != 0 || (c >= 0x1F1E6 && c <= 0x1F1FF) ? CharKind::emoji : CharKind::symbol;
}

// Written without spaces between words.
bool is_unspaced(char32_t c) {
  constexpr std::array<std::array<char32_t, 2>, 9> kRanges = {{{0x0E00, 0x0EFF}, {0x0F00, 0x0FFF}, {0x1000, 0x109F}, {0x1780, 0x17FF},
                                                               {0x1950, 0x19FF}, {0x1A20, 0x1AAF}, {0x3040, 0x30FF}, {0x31F0, 0x31FF},
                                                               {0xFF66, 0xFF9F}}};
  return std::any_of(kRanges.begin(), kRanges.end(), [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

bool has(char32_t c, std::uint8_t flag) { return (unicode::more_flags(c) & flag) != 0; }

// An apostrophe that stands between letters, or a point or comma between digits.
bool joins(char32_t before, char32_t c, std::string_view text, std::size_t behind) {
  if (behind >= text.size()) return false;
  const char32_t after = unicode::decode(text, behind).code_point;
  if (c == '\'' || c == 0x2019) return has(before, unicode::kLetter) && has(after, unicode::kLetter);
  return (c == '.' || c == ',') && has(before, unicode::kNumber) && has(after, unicode::kNumber);
}

// The end of the word that begins at `begin`; `last` becomes its last character.
std::size_t word_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  char32_t last = 0;
  while (end < text.size()) {
    const std::size_t next = unicode::grapheme_end(text, end);
    const char32_t c = unicode::decode(text, end).code_point;
    if (kind_of(c) != CharKind::word && !(end > begin && joins(last, c, text, next))) break;
    if (end > begin && is_unspaced(c) != is_unspaced(last) && !has(c, unicode::kMark)) break;
    last = c;
    end = next;
  }
  return end;
}

// Cuts `word` at the ends of tokens in it, but not within a grapheme.
void add_cut(std::string_view text, Span word, std::span<const Span> tokens, std::vector<Span>& words) {
  auto token = std::partition_point(tokens.begin(), tokens.end(), [&](const Span& each) { return each.end <= word.begin; });
  std::size_t begin = word.begin;
  for (std::size_t at = word.begin; at < word.end; at = unicode::grapheme_end(text, at)) {
    while (token != tokens.end() && token->end < at) ++token;
    if (at > begin && token != tokens.end() && token->end == at) {
      words.push_back({begin, at});
      begin = at;
    }
  }
  words.push_back({begin, word.end});
}

std::size_t symbols_end(std::string_view text, std::size_t begin) {
  const std::size_t first_end = unicode::grapheme_end(text, begin);
  const std::string_view first = text.substr(begin, first_end - begin);
  std::size_t end = first_end;
  while (text.substr(end).starts_with(first) && unicode::grapheme_end(text, end) == end + first.size()) end += first.size();
  return end;
}

bool is_space_at(std::string_view text, std::size_t at) {
  return kind_of(unicode::decode(text, at).code_point) == CharKind::space;
}

// Without the white space at its ends; nothing if that is all.
void add_trimmed(std::string_view text, Span span, std::vector<Span>& spans) {
  while (span.begin < span.end && is_space_at(text, span.begin)) span.begin += unicode::decode(text, span.begin).bytes;
  while (span.end > span.begin && kind_of(unicode::decode_before(text, span.end).code_point) == CharKind::space) {
    span.end -= unicode::decode_before(text, span.end).bytes;
  }
  if (span.begin < span.end) spans.push_back(span);
}

bool is_one_of(char32_t c, std::u32string_view set) { return set.find(c) != std::u32string_view::npos; }

// Whether a sentence ends behind the marks and closers of text[…, end), the last mark being `mark`.
bool ends_sentence(std::string_view text, char32_t mark, std::size_t end) {
  if (is_one_of(mark, U"。！？｡")) return true;  // no space follows
  if (end == text.size()) return true;
  if (!is_space_at(text, end)) return false;
  while (end < text.size() && is_space_at(text, end)) end += unicode::decode(text, end).bytes;
  if (mark != '.' || end == text.size()) return true;
  const unicode::Char next = unicode::decode(text, end);
  const bool is_small = has(next.code_point, unicode::kLetter) && (unicode::flags(next.code_point) & unicode::kLowers) == 0 &&
                        next.code_point < 0x0530;  // of the scripts that have capitals
  return !is_small;
}

}  // namespace

std::vector<Span> word_spans(std::string_view text, std::span<const Span> tokens) {
  std::vector<Span> words;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = unicode::decode(text, at).code_point;
    const std::size_t begin = at;
    switch (kind_of(c)) {
      case CharKind::space: at += unicode::decode(text, at).bytes; continue;
      case CharKind::ideograph:
      case CharKind::emoji: at = unicode::grapheme_end(text, at); break;
      case CharKind::symbol: at = symbols_end(text, at); break;
      case CharKind::word: at = word_end(text, at); break;
    }
    if (is_unspaced(c)) {
      add_cut(text, {begin, at}, tokens, words);
    } else {
      words.push_back({begin, at});
    }
  }
  return words;
}

std::vector<Span> token_spans(std::string_view text, std::span<const Span> tokens) {
  std::vector<Span> joined;
  for (const Span& token : tokens) {
    if (token.begin == token.end) continue;
    if (!joined.empty() && token.begin < joined.back().end) {
      joined.back().end = std::max(joined.back().end, token.end);
    } else {
      joined.push_back(token);
    }
  }
  std::vector<Span> spans;
  for (const Span& token : joined) add_trimmed(text, token, spans);
  return spans;
}

std::vector<Span> sentence_spans(std::string_view text) {
  constexpr std::u32string_view kMarks = U".!?…。！？｡؟۔।॥։።፧‼⁇⁈⁉";
  constexpr std::u32string_view kClosers = U"\"')]}»”’›」』）】";
  std::vector<Span> sentences;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Char c = unicode::decode(text, at);
    at += c.bytes;
    bool ends = c.code_point == '\n';
    if (is_one_of(c.code_point, kMarks)) {
      char32_t mark = c.code_point;
      for (unicode::Char next; at < text.size(); at += next.bytes) {
        next = unicode::decode(text, at);
        const bool is_mark = is_one_of(next.code_point, kMarks);
        if (!is_mark && !is_one_of(next.code_point, kClosers)) break;
        if (is_mark) mark = next.code_point;
      }
      ends = ends_sentence(text, mark, at);
    }
    if (!ends) continue;
    add_trimmed(text, {begin, at}, sentences);
    begin = at;
  }
  add_trimmed(text, {begin, text.size()}, sentences);
  return sentences;
}

std::vector<Span> spans_between(std::string_view text, const Regex& separators) {
  std::vector<Span> spans;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const auto match = separators.search(text, at);
    if (!match) break;
    if (match->end == match->begin) {  // nothing is no separator
      at = match->end < text.size() ? match->end + unicode::decode(text, match->end).bytes : text.size() + 1;
      continue;
    }
    add_trimmed(text, {begin, match->begin}, spans);
    begin = at = match->end;
  }
  add_trimmed(text, {begin, text.size()}, spans);
  return spans;
}

std::vector<Span> unit_spans(std::string_view text, std::span<const Span> tokens, const ExplainOptions& options) {
  switch (options.unit) {
    case ExplainUnit::word: return word_spans(text, tokens);
    case ExplainUnit::token: return token_spans(text, tokens);
    case ExplainUnit::sentence: return sentence_spans(text);
    case ExplainUnit::regex: break;
  }
  return spans_between(text, Regex(options.unit_regex, RegexSyntax::python, "unit_regex"));
}

}  // namespace filbert
