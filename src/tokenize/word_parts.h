// Which tokens go on with the word of the token before, as transformers' token classification tells it. Tested by word_parts_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <filbert/tokenizer.h>

namespace filbert {

class WordParts {
 public:
  // `tokenizer` must outlive this.
  explicit WordParts(const Tokenizer& tokenizer);

  struct Part {
    std::string_view word;  // the token, or of one that the vocabulary does not know what stands in the text
    bool is_subword = false;
  };
  // Of the token `id` that stands at `bytes` of `text`, valid UTF-8.
  Part operator()(std::int32_t id, std::string_view text, Offset bytes) const;

 private:
  const Tokenizer& tokenizer_;
  bool marks_subwords_;  // "##son": tokens of one word are told by their length
  std::optional<std::int32_t> unk_id_;
};

}  // namespace filbert
