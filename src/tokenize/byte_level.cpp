// The regex of GPT-2, by hand: byte_level_word_end() of pre_tokenizer_steps.h.
#include <array>

#include "tokenize/pre_tokenizer_steps.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

enum Class : std::uint8_t { kOther, kLetters, kNumbers, kBlank };

Class class_of(char32_t c) {
  if ((unicode::flags(c) & unicode::kSpace) != 0) return kBlank;
  const std::uint8_t flags = unicode::more_flags(c);
  return (flags & unicode::kLetter) != 0 ? kLetters : (flags & unicode::kNumber) != 0 ? kNumbers : kOther;
}

struct Step {
  Class what;
  std::uint32_t bytes;
};
Step step_at(std::string_view text, std::size_t at) {
  static const std::array<Class, 128> ascii = [] {
    std::array<Class, 128> classes{};
    for (char32_t c = 0; c < 128; ++c) classes[c] = class_of(c);
    return classes;
  }();
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {ascii[byte], 1};
  const unicode::Char c = unicode::decode(text, at);
  return {class_of(c.code_point), c.bytes};
}

std::size_t run_end(std::string_view text, std::size_t at, std::size_t end, Class what) {
  while (at < end) {
    const Step step = step_at(text, at);
    if (step.what != what) break;
    at += step.bytes;
  }
  return at;
}

// Of text after an apostrophe: bytes of a contraction's ending, or 0.
std::size_t contraction(std::string_view rest) {
  if (rest.empty()) return 0;
  const char first = rest[0], second = rest.size() > 1 ? rest[1] : '\0';
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 1;
  return (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l') ? 2 : 0;
}

}  // namespace

std::size_t byte_level_word_end(std::string_view text, std::size_t at, std::size_t end) {
  if (text[at] == '\'') {
    if (const std::size_t bytes = contraction(text.substr(at + 1, end - at - 1))) return at + 1 + bytes;
  }
  const std::size_t first = text[at] == ' ' && at + 1 < end ? at + 1 : at;
  const Step step = step_at(text, first);
  if (step.what != kBlank) return run_end(text, first + step.bytes, end, step.what);
  const std::size_t blank_end = run_end(text, at, end, kBlank);
  if (blank_end == end) return end;
  const std::size_t before_last = blank_end - unicode::decode_before(text.substr(0, blank_end), blank_end).bytes;
  return before_last > at ? before_last : blank_end;
}

}  // namespace filbert
