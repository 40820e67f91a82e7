// Stage 1's files: a tokenizer.json, or a vocab.txt, with tokenizer_config.json beside it. Tested by load_test.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <filbert/tokenizer.h>

namespace filbert {

// The tokenizer of a directory, or nothing if it holds the files of none. Throws Error: corrupt, unsupported.
std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& directory);

// From the text of a vocab.txt, as transformers' BertTokenizer or MPNetTokenizer. The other texts are those of tokenizer_config.json,
// special_tokens_map.json, added_tokens.json and config.json, empty where there is none; `name` (a path) leads messages. Throws
// Error: corrupt.
Tokenizer load_wordpiece_vocab(std::string vocab_text, std::string_view tokenizer_config_json, std::string_view name,
                               std::string_view special_tokens_map_json = {}, std::string_view added_tokens_json = {},
                               std::string_view config_json = {});

// From the text of a tokenizer.json, with what tokenizer_config.json changes in it. Throws Error: corrupt, unsupported.
Tokenizer load_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                              std::string_view name, std::string_view special_tokens_map_json = {}, std::string_view config_json = {});

}  // namespace filbert
