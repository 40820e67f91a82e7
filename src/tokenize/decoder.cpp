// From tokens back to text.
#include <string>

#include <filbert/tokenizer.h>

namespace filbert {

std::string Tokenizer::convert_tokens_to_string(std::span<const std::string> tokens) const {
  std::string text;
  for (const std::string& token : tokens) {
    if (token.starts_with("##")) {
      text.append(token, 2);
    } else {
      if (!text.empty()) text += ' ';
      text += token;
    }
  }
  return text;
}

}  // namespace filbert
