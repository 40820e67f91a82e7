#include "cli/words.h"

#include <algorithm>

#include <filbert/error.h>

#include "base/json.h"
#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r\f\v";

std::vector<std::string> words_of_list(std::string_view list) {
  std::vector<std::string> words;
  try {
    const JsonDocument document(replace_invalid_utf8(list), "words");
    if (!document.root().is_array()) document.root().fail("a list of strings");
    document.root().for_each_element([&](const JsonValue& word) { words.emplace_back(word.as_string()); });
  } catch (const Error& error) {  // the library calls wrong JSON corrupt; this one is what the caller gave
    throw Error(ErrorKind::invalid_argument, error.what());
  }
  return words;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  const std::string_view list = trimmed(text);
  if (list == "[]") return {};
  if (list.starts_with("[\"")) return words_of_list(list);
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(kWhiteSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kWhiteSpace, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(kWhiteSpace, end);
  }
  return words;
}

SplitText::SplitText(std::string_view text) : words_(words_of(text)) {
  for (const std::string& word : words_) {
    if (!views_.empty()) joined_ += WordsInput{}.delimiter;
    views_.push_back(word);
    begins_.push_back(joined_.size());
    joined_ += word;
  }
}

}  // namespace filbert::cli
