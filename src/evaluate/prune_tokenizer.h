// The files of a tokenizer cut to some of its tokens. Tested by prune_vocab_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/tokenizer.h>

#include <nlohmann/json.hpp>

namespace filbert {

enum class TokenModel { wordpiece, bpe, unigram };

// What of a tokenizer's files says how it can be cut.
struct PrunableTokenizer {
  TokenModel model = TokenModel::wordpiece;
  nlohmann::json json;                              // tokenizer.json; null where vocab.txt is all there is
  std::string continuing_subword_prefix = "##";             // of WordPiece
  std::string unk_token = {};                               // if tokenizer.json names one
  std::vector<std::int32_t> special;                        // ids: special and added tokens, and what config.json names
  std::vector<std::int32_t> needed;                         // further ones that an exact cut needs: of Unigram the least likely
  // Of BPE: what a token is merged of, each way to do it.
  std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> parts;
};
// Throws Error(unsupported), saying what was expected, for a tokenizer that cannot be cut exactly.
PrunableTokenizer read_prunable_tokenizer(const std::filesystem::path& directory, const Tokenizer& tokenizer);

// Whether a token is one character, or one byte; `script` becomes that of the letter, 0 for no letter.
bool is_single(const PrunableTokenizer& tokenizer, std::string_view token, std::size_t& script);

// Writes the tokenizer's files to `to`, every id by `new_ids`, [ids], in which −1 is a token that is dropped.
void write_pruned_tokenizer(const std::filesystem::path& from, const std::filesystem::path& to, const PrunableTokenizer& tokenizer,
                            const std::vector<std::int32_t>& new_ids);

// config.json with ids by `new_ids` and this vocab_size.
std::string pruned_config(const std::filesystem::path& directory, const std::vector<std::int32_t>& new_ids, std::size_t vocab_size);

}  // namespace filbert
