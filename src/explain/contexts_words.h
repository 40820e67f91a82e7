// Tokens as words of their text: which one is meant, what it stands for, and of what kind it is. Tested by contexts_test.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/contexts.h>

namespace filbert {

// The text that a token stands in; of a special one the first.
std::string_view text_of(const TextInput& text, const ContextToken& token);

// The place in the row of the token that `choice` means. Throws Error(invalid_argument), which begins with `what`: none such, a special
// token, a word that is several tokens or stands there more than once.
std::size_t find_token(const std::vector<ContextToken>& tokens, const TextInput& text, const TokenChoice& choice, std::string_view what);

// What stands there, without white space around it.
std::string word_at(std::string_view text, const Offset& offset);

// A whole word, a part of one, a number or punctuation; of a token that stands in `text`.
TokenClass class_of(std::string_view text, const std::vector<ContextToken>& tokens, std::size_t token);

}  // namespace filbert
