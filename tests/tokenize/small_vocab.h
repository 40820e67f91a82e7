// A vocabulary small enough to compute ids by hand, and tokenizers made of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>

#include "tokenize/load.h"

namespace filbert::reference {

// Line number is id:   0      1      2      3      4       5    6    7      8      9    10  11  12   13   14    15   16
// 17   18
inline constexpr const char* kVocab =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nun\n##able\nable\n##s\n!\n,\n中\ncafe\nThe\na\n##b\n##c\nb\n";

inline Tokenizer small_tokenizer(std::string_view config = {}, std::string vocab = kVocab) {
  return load_wordpiece_vocab(std::move(vocab), config, "vocab.txt");
}

// A tokenizer.json with the vocabulary above; each section can be replaced.
struct SmallJson {
  std::string added_tokens = "[]";
  std::string normalizer =
      R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})";
  std::string pre_tokenizer = R"({"type":"BertPreTokenizer"})";
  std::string post_processor = R"({"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]})";
  std::string model =
      R"({"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":)"
      R"({"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"the":5,"un":6,"##able":7,"able":8,"##s":9,"!":10,",":11,)"
      R"("中":12,"cafe":13,"The":14,"a":15,"##b":16,"##c":17,"b":18}})";

  std::string text() const {
    return R"({"version":"1.0","truncation":{"direction":"Right","max_length":3,"strategy":"LongestFirst","stride":0},)"
           R"("padding":null,"added_tokens":)" +
           added_tokens + R"(,"normalizer":)" + normalizer + R"(,"pre_tokenizer":)" + pre_tokenizer +
           R"(,"post_processor":)" + post_processor + R"(,"decoder":null,"model":)" + model + "}";
  }
  Tokenizer load(std::string_view config = {}) const { return load_tokenizer_json(text(), config, "tokenizer.json"); }
};

using Ids = std::vector<std::int32_t>;
using Offsets = std::vector<Offset>;

// What `call` throws: its message; the kind is checked.
template <typename Call>
std::string message_of(ErrorKind kind, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind() == kind ? error.what() : std::string("another kind: ") + error.what();
  }
  return "nothing was thrown";
}

}  // namespace filbert::reference
