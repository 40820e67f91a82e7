// Section `post_processor`: which special tokens stand around a text and around a pair. Tested by
// post_processor_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace filbert {

// One piece of a template: a text, or the ids of a special token.
struct TemplatePiece {
  int sequence = -1;  // 0: text, 1: text_pair, -1: `ids`
  std::vector<std::int32_t> ids;
  std::int32_t type_id = 0;
};

struct PostProcessor {
  std::vector<TemplatePiece> single;
  std::vector<TemplatePiece> pair;
  bool trims_offsets = false;     // white space at the ends of tokens is cut off their offsets
  bool add_prefix_space = false;  // the first token may begin with a space that no text has

  const std::vector<TemplatePiece>& pieces(bool is_pair) const { return is_pair ? pair : single; }
  std::size_t added_tokens(bool is_pair) const;

  // No special tokens: the text, or both.
  static PostProcessor none();
  // <s> text </s>, then </s> text_pair </s>; every type is 0.
  static PostProcessor roberta(std::int32_t cls_id, std::int32_t sep_id);
  // [CLS] text [SEP] with type 0, then text_pair [SEP] with type 1.
  static PostProcessor bert(std::int32_t cls_id, std::int32_t sep_id);
  // Reads section `post_processor` of a tokenizer.json: TemplateProcessing, BertProcessing,
  // RobertaProcessing, ByteLevel or a Sequence of them.
  // Throws Error: unsupported (another type), corrupt (a template that names an unknown token or a text it cannot
  // have).
  static PostProcessor from_json(const JsonValue& post_processor);
};

}  // namespace filbert
