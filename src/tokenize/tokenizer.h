// What a loaded tokenizer is: the sections of a tokenizer.json, in the order in which a text passes through them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <filbert/tokenizer.h>

#include "base/idle_pool.h"
#include "tokenize/added_tokens.h"
#include "tokenize/decoder.h"
#include "tokenize/normalizer.h"
#include "tokenize/post_processor.h"
#include "tokenize/pre_tokenizer.h"
#include "tokenize/sections.h"
#include "tokenize/wordpiece.h"

namespace filbert {

class Encoder;

struct Tokenizer::Impl {
  Impl();
  ~Impl();

  std::string source;  // the file it was read from, for people

  AddedTokens added_tokens;
  std::unordered_map<std::string, std::int32_t> never_split;  // words that pass whole, and their ids
  std::optional<BertNormalizer> normalizer;
  PreTokenizer pre_tokenizer = PreTokenizer::bert;
  WordPiece model;
  std::optional<Sections> sections;  // of any other tokenizer than BERT's; the three above are not used then
  PostProcessor post_processor;

  Decoder decoder;
  bool cleans_up_spaces = false;  // tokenizer_config.json's clean_up_tokenization_spaces, which transformers does not follow for BPE

  std::optional<std::string> bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token;
  std::vector<std::string> additional_special_tokens;
  std::optional<std::size_t> model_max_length;
  bool pads_left = false;
  bool truncates_left = false;  // tokenizer_config.json's truncation_side
  std::vector<std::string>
      doubts;  // found while loading; Tokenizer::doubts() adds those that a look at the whole gives

  mutable IdlePool<Encoder> encoders;  // scratch memory of calls, which may be many at once

  const Vocab& vocab() const { return sections ? sections->vocab() : model.vocab; }
  // One past the highest id, added tokens included.
  std::size_t vocab_size() const;
  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  // Empty for an id that nothing has.
  std::string_view id_to_token(std::size_t id) const;
  std::vector<std::string> all_special_tokens() const;
};

}  // namespace filbert
