#include "tokenize/pre_tokenizer.h"

#include <array>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr std::uint8_t kEndsWord = unicode::kSpace | unicode::kPunctuation;

// What an ASCII byte does: kSpace, kPunctuation or 0; kNotAscii for the others.
constexpr std::uint8_t kNotAscii = 0xFF;
std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> classes;
  classes.fill(kNotAscii);
  for (char32_t c = 0; c < 128; ++c) classes[c] = unicode::flags(c) & kEndsWord;
  return classes;
}

void bert_words(std::string_view text, std::size_t begin, std::size_t end, std::vector<Word>& words) {
  static const std::array<std::uint8_t, 256> classes = make_byte_classes();
  std::size_t word = begin;
  for (std::size_t at = begin; at < end;) {
    std::uint8_t ends = classes[static_cast<unsigned char>(text[at])];
    std::uint32_t bytes = 1;
    if (ends == kNotAscii) {
      const unicode::Char c = unicode::decode(text, at);
      ends = unicode::flags(c.code_point) & kEndsWord;
      bytes = c.bytes;
    }
    if (ends != 0) {
      if (word < at) words.push_back({word, at});
      if ((ends & unicode::kPunctuation) != 0) words.push_back({at, at + bytes});
      word = at + bytes;
    }
    at += bytes;
  }
  if (word < end) words.push_back({word, end});
}

}  // namespace

void pre_tokenize(PreTokenizer pre_tokenizer, std::string_view text, std::size_t begin, std::size_t end,
                  std::vector<Word>& words) {
  if (pre_tokenizer == PreTokenizer::bert) return bert_words(text, begin, end, words);
  if (begin < end) words.push_back({begin, end});
}

}  // namespace filbert
