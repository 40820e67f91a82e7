#include "explain/contexts_words.h"

#include <algorithm>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/text.h"
#include "explain/units.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr std::size_t kNamedTokens = 12;

[[noreturn]] void refuse_part(std::string_view what, const std::string& message) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, message));
}

// "1 i, 2 really"
std::string numbered(const std::vector<const ContextToken*>& tokens) {
  std::vector<std::string> names;
  for (const ContextToken* token : tokens) names.push_back(fmt::format("{} {}", token->token_index, token->token));
  return first_of(names, kNamedTokens);
}

std::vector<const ContextToken*> those(const std::vector<ContextToken>& tokens, const auto& is_one) {
  std::vector<const ContextToken*> found;
  for (const ContextToken& token : tokens) {
    if (!token.special && is_one(token)) found.push_back(&token);
  }
  return found;
}

std::size_t by_index(const std::vector<ContextToken>& tokens, std::size_t index, std::string_view what) {
  const auto all = those(tokens, [](const ContextToken&) { return true; });
  if (all.empty()) refuse_part(what, "expected a text with tokens, found one without");
  if (index >= tokens.size()) refuse_part(what, fmt::format("expected one of {}, found {}", numbered(all), index));
  if (tokens[index].special) {
    refuse_part(what, fmt::format("expected one of the text ({}), found {} {}, a special token: no index has those", numbered(all), index, tokens[index].token));
  }
  return index;
}

// The first that ends behind a byte: the one that has it, or where white space stands the one that follows.
std::size_t by_position(const std::vector<ContextToken>& tokens, const TokenChoice& choice, std::string_view what) {
  for (const ContextToken& token : tokens) {
    if (!token.special && token.sequence_id == choice.sequence_id && token.offset.begin < token.offset.end && *choice.position < token.offset.end) {
      return token.token_index;
    }
  }
  const auto all = those(tokens, [](const ContextToken&) { return true; });
  refuse_part(what, fmt::format("expected a position before or in a token ({}), found byte {}", numbered(all), *choice.position));
}

}  // namespace

std::string_view text_of(const TextInput& text, const ContextToken& token) {
  return token.sequence_id == 1 && text.text_pair ? *text.text_pair : text.text;
}

std::string word_at(std::string_view text, const Offset& offset) {
  return std::string(trimmed(text.substr(std::min(offset.begin, text.size()), offset.end - offset.begin)));
}

std::size_t find_token(const std::vector<ContextToken>& tokens, const TextInput& text, const TokenChoice& choice, std::string_view what) {
  if (choice.index) return by_index(tokens, *choice.index, what);
  if (choice.position) return by_position(tokens, choice, what);
  const std::string& word = choice.word;
  auto found = those(tokens, [&](const ContextToken& token) { return word_at(text_of(text, token), token.offset) == word; });
  if (found.empty()) found = those(tokens, [&](const ContextToken& token) { return token.token == word; });
  if (found.size() == 1) return found.front()->token_index;
  if (found.size() > 1) refuse_part(what, fmt::format("expected \"{}\" once in the text, found it as {}: say which by its number", word, numbered(found)));
  const auto pieces = those(tokens, [&](const ContextToken& token) {
    const std::size_t place = word.empty() ? std::string_view::npos : text_of(text, token).find(word);
    return place != std::string_view::npos && token.offset.begin >= place && token.offset.end <= place + word.size();
  });
  if (pieces.size() > 1) refuse_part(what, fmt::format("expected one token, found that \"{}\" is {}: say which by its number", word, numbered(pieces)));
  const auto all = those(tokens, [](const ContextToken&) { return true; });
  if (all.empty()) refuse_part(what, "expected a text with tokens, found one without");
  refuse_part(what, fmt::format("expected a token of the text or its number ({}), found \"{}\"", numbered(all), word));
}

TokenClass class_of(std::string_view text, const std::vector<ContextToken>& tokens, std::size_t token) {
  const Offset& offset = tokens[token].offset;
  bool has_letter = false, has_digit = false;
  for (std::size_t at = offset.begin; at < offset.end;) {
    const DecodedChar decoded = decode_utf8(text, at);
    const std::uint8_t flags = unicode::more_flags(decoded.code_point);
    has_letter |= (flags & unicode::kLetter) != 0;
    has_digit |= (flags & unicode::kNumber) != 0;
    at += decoded.bytes;
  }
  if (!has_letter) return has_digit ? TokenClass::number : TokenClass::punctuation;
  std::vector<Span> spans;
  for (const ContextToken& each : tokens) {
    if (!each.special && each.offset.begin < each.offset.end) spans.push_back({each.offset.begin, each.offset.end});
  }
  const std::string word = word_at(text, offset);
  for (const Span& span : word_spans(text, spans)) {
    if (span.begin < offset.end && offset.begin < span.end && span.end - span.begin > word.size()) return TokenClass::subword;
  }
  return TokenClass::word;
}

}  // namespace filbert
