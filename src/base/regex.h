// Regular expressions over UTF-8, by Oniguruma: the engine that Hugging Face's tokenizers runs. Tested by regex_test.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace filbert {

// Whose dialect an expression is written in.
enum class RegexSyntax {
  ruby,    // Oniguruma's own, of tokenizer.json
  python,  // of Python's re, for what people write
};

// Const after construction; may be called from many threads at once.
class Regex {
 public:
  // Throws Error(invalid_argument) that begins with `what`: not an expression, or not valid UTF-8.
  Regex(std::string_view expression, RegexSyntax syntax, std::string_view what);

  struct Match {
    std::size_t begin = 0;  // bytes
    std::size_t end = 0;
  };
  // The first match at or after byte `from` of `text`, which is valid UTF-8 and at most 2 GiB; it may be empty. Throws
  // Error(invalid_argument) if the search takes too many steps: an expression that tries every way through a long text.
  std::optional<Match> search(std::string_view text, std::size_t from) const;

 private:
  struct Free {
    void operator()(void* regex) const;
  };
  std::string what_;
  std::unique_ptr<void, Free> regex_;
};

}  // namespace filbert
