// Answers lines of JSON from standard input, for decoder_parity.py:
//
//   decode_dump DIRECTORY
//
//   {"ids": […], "skip_special_tokens": false}   a string: the ids decoded
//   {"tokens": […]}                              a string: the tokens put together
//   {"words": […], "max_length": 16}             {"ids", "offsets", "words"} of a text split into words; truncated where max_length is said
//   {}                                           {"all_special_ids", "padding_side", "roles"}
//
// What is refused is null.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

namespace {

using namespace filbert;
using nlohmann::json;

json split_into_words(const Tokenizer& tokenizer, const json& line) {
  const auto strings = line.at("words").get<std::vector<std::string>>();
  const std::vector<std::string_view> words(strings.begin(), strings.end());
  const WordsInput input{words};
  EncodeOptions options;
  if (line.contains("max_length")) {
    options.truncation = Truncation::longest_first;
    options.max_length = line.at("max_length").get<std::size_t>();
  }
  const BatchEncoding row = tokenizer(std::span(&input, 1), options);
  options.return_offsets_mapping = false;  // another way, chunk by chunk: the ids must be the same
  if (tokenizer(std::span(&input, 1), options).input_ids != row.input_ids) return "ids without offsets differ";
  json offsets = json::array();
  for (const Offset& offset : row.offset_mapping) offsets.push_back({offset.begin, offset.end});
  return {{"ids", row.input_ids}, {"offsets", offsets}, {"words", row.word_ids}};
}

json roles(const Tokenizer& tokenizer) {
  json named = json::object();
  const auto add = [&](const char* key, const std::optional<std::string>& token) {
    if (token) named[key] = *token;
  };
  add("bos_token", tokenizer.bos_token());
  add("eos_token", tokenizer.eos_token());
  add("unk_token", tokenizer.unk_token());
  add("sep_token", tokenizer.sep_token());
  add("pad_token", tokenizer.pad_token());
  add("cls_token", tokenizer.cls_token());
  add("mask_token", tokenizer.mask_token());
  return {{"all_special_ids", tokenizer.all_special_ids()}, {"padding_side", tokenizer.pads_left() ? "left" : "right"}, {"roles", named}};
}

json answer(const Tokenizer& tokenizer, const json& line) {
  if (line.contains("ids")) {
    return tokenizer.decode(line.at("ids").get<std::vector<std::int32_t>>(), {.skip_special_tokens = line.value("skip_special_tokens", false)});
  }
  if (line.contains("tokens")) return tokenizer.convert_tokens_to_string(line.at("tokens").get<std::vector<std::string>>());
  if (line.contains("words")) return split_into_words(tokenizer, line);
  return roles(tokenizer);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    json out;
    try {
      out = answer(tokenizer, json::parse(line));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::invalid_argument) throw;
    }
    std::cout << out.dump() << '\n';
  }
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return info(error.kind()).exit_code;
}
