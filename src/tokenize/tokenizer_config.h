// tokenizer_config.json, special_tokens_map.json and added_tokens.json: what transformers keeps beside a vocabulary.
// Tested by tokenizer_config_test.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/added_tokens.h"

namespace filbert {

// The tokens a BERT tokenizer cannot do without, in the order in which transformers adds those that a vocabulary lacks.
enum class SpecialRole { unk, sep, pad, cls, mask };
constexpr std::array<std::string_view, 5> kSpecialRoleKeys = {"unk_token", "sep_token", "pad_token", "cls_token",
                                                              "mask_token"};
constexpr std::array<std::string_view, 5> kBertSpecialTokens = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};

struct TokenizerConfig {
  std::string tokenizer_class;  // "BertTokenizer", say; empty if the file does not say
  std::optional<bool> do_lower_case;
  std::optional<bool> tokenize_chinese_chars;
  std::optional<bool> add_prefix_space, trim_offsets;  // of byte-level BPE; the first also of sentencepiece
  std::optional<bool> keep_accents, split_by_punct;    // of albert; of deberta-v2
  // Outer: the file has the key; inner: its value, which may be null ("as do_lower_case").
  std::optional<std::optional<bool>> strip_accents;
  std::vector<std::string> never_split;
  std::optional<std::size_t> model_max_length;
  bool truncates_left = false;
  std::optional<bool> pads_left;
  std::optional<bool> clean_up_tokenization_spaces;
  std::array<std::optional<AddedToken>, 5> special_tokens;  // [SpecialRole], where a file names one
  std::optional<AddedToken> bos_token, eos_token;
  std::vector<AddedToken> additional_special_tokens;        // or by their newer name, extra_special_tokens
  std::vector<AddedToken> added_tokens;  // added_tokens_decoder, or the older added_tokens.json; ascending ids

  // tokenizer_class is BertTokenizer or one of its copies: these put their own normalizer and special tokens in the
  // place of tokenizer.json's, where PreTrainedTokenizerFast takes that file as it is.
  bool is_bert_class() const;
  const AddedToken* special(SpecialRole role) const {
    const auto& token = special_tokens[static_cast<std::size_t>(role)];
    return token ? &*token : nullptr;
  }

  // Each text may be empty: the file is not there. Throws Error(corrupt).
  static TokenizerConfig from_json(std::string_view config_json, std::string_view special_tokens_map_json,
                                   std::string_view added_tokens_json, std::string_view directory);
};

// "[SEP]" and so on, as BertTokenizer has them where no file names others.
AddedToken default_special_token(SpecialRole role);

// A token of tokenizer.json's added_tokens or tokenizer_config.json's added_tokens_decoder, without its id.
AddedToken added_token_from_json(const JsonValue& token);

}  // namespace filbert
