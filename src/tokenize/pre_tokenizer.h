// Section `pre_tokenizer`: normalized text in, words out. Tested by pre_tokenizer_test.cpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace filbert {

struct Word {
  std::size_t begin, end;  // bytes of the normalized text
};

enum class PreTokenizer {
  none,  // a text is one word
  bert,  // words end at white space, which is dropped; a punctuation character is a word of its own
};

// Appends the words of text[begin, end), valid UTF-8. No word is empty.
void pre_tokenize(PreTokenizer pre_tokenizer, std::string_view text, std::size_t begin, std::size_t end,
                  std::vector<Word>& words);

}  // namespace filbert
