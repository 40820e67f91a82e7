// Texts that are split into words already, --words: what they look like, and how they become one text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/tokenizer.h>

namespace filbert::cli {

// The words of a text: the strings of a JSON list, if it begins as one (["), else what stands between white space.
// Throws Error(invalid_argument) for a list that is none, or not of strings.
std::vector<std::string> words_of(std::string_view text);

// One text's words as the library takes them, and as one text: joined by spaces.
class SplitText {
 public:
  explicit SplitText(std::string_view text);

  WordsInput input() const { return {views_}; }
  const std::string& joined() const { return joined_; }
  const std::vector<std::string>& words() const { return words_; }
  std::size_t begin(std::size_t word) const { return begins_[word]; }  // in joined(), bytes

 private:
  std::vector<std::string> words_;
  std::vector<std::string_view> views_;
  std::vector<std::size_t> begins_;
  std::string joined_;

 public:
  SplitText(SplitText&&) = default;  // the strings of words_ stay where they are
  SplitText& operator=(SplitText&&) = default;
};

}  // namespace filbert::cli
