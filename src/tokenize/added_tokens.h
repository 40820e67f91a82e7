// Section `added_tokens`: strings that are cut out of a text before the model sees it. Tested by added_tokens_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace filbert {

struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space after it
  bool normalized = true;    // is looked for in the normalized text, itself normalized; else in the text as given
  bool special = false;
  std::optional<std::string> decoded = {};  // what it is decoded to, where that is another: its normalized content
};

// Finds strings in a text: of those that begin first the longest, without overlap, in one pass.
class TokenMatcher {
 public:
  // `pattern` must not be empty; of equal patterns the last one counts.
  void add(std::string_view pattern, std::size_t value);
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    std::size_t begin, end, value;
  };
  // The first match from `from` on; begin == text.size() if there is none.
  Match find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Node {
    std::size_t value = kNone;
    std::vector<std::pair<char, std::size_t>> next;  // sorted by byte
  };
  std::size_t step(std::size_t node, char byte) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  bool starts_[256] = {};  // bytes that begin a pattern
  std::string first_bytes_;
};

class AddedTokens {
 public:
  // `normalized_content` is token.content as the normalizer leaves it; only looked at if token.normalized.
  void add(AddedToken token, std::string_view normalized_content);

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  const AddedToken* find(std::string_view content) const;
  std::size_t id_end() const { return id_end_; }  // one past the highest id
  bool has_normalized() const { return !in_normalized_.empty(); }

  // A stretch of a text: an added token, or what lies between two.
  struct Part {
    std::size_t begin, end;   // bytes
    const AddedToken* token;  // null: text
  };
  // Replaces what `parts` holds by the parts of `text`, valid UTF-8, which together cover it.
  void split_source(std::string_view text, std::vector<Part>& parts) const { split(in_source_, text, parts); }
  void split_normalized(std::string_view text, std::vector<Part>& parts) const { split(in_normalized_, text, parts); }

 private:
  void split(const TokenMatcher& matcher, std::string_view text, std::vector<Part>& parts) const;

  std::vector<AddedToken> tokens_;
  std::size_t id_end_ = 0;
  std::unordered_map<std::string, std::size_t> by_content_;
  TokenMatcher in_source_, in_normalized_;
};

}  // namespace filbert
