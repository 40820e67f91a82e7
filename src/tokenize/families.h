// Tokenizers without a tokenizer.json, put together as the classes of transformers do: byte-level BPE from vocab.json and
// merges.txt, Unigram from a sentencepiece model. Tested by families_test.cpp.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <filbert/tokenizer.h>

#include "tokenize/decoder.h"
#include "tokenize/post_processor.h"
#include "tokenize/tokenizer_config.h"

namespace filbert {

// The texts of the files beside a vocabulary, empty where there is none.
struct CompanionFiles {
  std::string tokenizer_config_json, special_tokens_map_json, added_tokens_json;
  std::string config_json;  // for its model_type, where tokenizer_config.json does not say tokenizer_class
};

// What a class of transformers has where no file says otherwise; strings are empty where it has none.
struct ClassDefaults {
  std::array<std::string_view, 5> special_tokens = {};  // [SpecialRole]
  std::string_view bos_token = {}, eos_token = {};
  std::array<std::string_view, 3> additional_special_tokens = {};
  bool pads_left = false;
  std::string_view model_name = {};  // as Sections::model_name()
  Decoder decoder = {};
};
// Of tokenizer_class, in tokenizer_config.json or else in config.json (empty if there is none), or, where neither says it, of the model_type. Nothing
// for a class that is in no table. Throws Error(unsupported) for one of whose tokenizer.json transformers writes another pre-tokenizer than it has (RoFormer's).
std::optional<ClassDefaults> class_defaults(const TokenizerConfig& config, std::string_view config_json, std::string_view name);

// For a vocab.txt: the special tokens that its class has where the files do not name them, and what it puts around texts. BERT's, unless
// tokenizer_class or the model_type of config.json (empty if there is none) says MPNet. Each throws Error(unsupported) for a tokenizer_class that is
// neither, or that cuts words by what no file describes (MeCab, say), and the second Error(corrupt) for a cls or sep token that is none.
void fill_in_vocab_txt_tokens(std::string_view config_json, std::string_view name, TokenizerConfig& config);
PostProcessor vocab_txt_post_processor(const TokenizerConfig& config, std::string_view config_json, std::string_view name,
                                       const Tokenizer::Impl& tokenizer);
ClassDefaults vocab_txt_defaults(const TokenizerConfig& config, std::string_view config_json, std::string_view name);

// `name` (a path) leads messages. Both throw Error: corrupt, unsupported (a class that this version does not know, by its name).
Tokenizer load_byte_level_bpe(std::string_view vocab_json, std::string_view merges_text, const CompanionFiles& companions,
                              std::string_view name);
Tokenizer load_sentencepiece(std::string_view model, const CompanionFiles& companions, std::string_view name);

}  // namespace filbert
