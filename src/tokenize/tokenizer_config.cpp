#include "tokenize/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

// simdjson refuses integers past 64 bits, and transformers writes int(1e30) for "no maximum": such a number becomes a
// float.
std::string with_floats_for_big_integers(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (in_string && c == '\\' && at + 1 < json.size()) {
      out += json.substr(at, 2);
      at += 2;
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || c < '0' || c > '9') {
      out += c;
      ++at;
      continue;
    }
    const std::size_t end = std::min(json.find_first_not_of("0123456789", at), json.size());
    const std::size_t number_end = std::min(json.find_first_not_of("0123456789.eE+-", at), json.size());
    out += json.substr(at, number_end - at);
    if (end == number_end && end - at > 18) out += ".0";
    at = number_end;
  }
  return out;
}

// A special token is a string or an object with flags.
AddedToken special_token_from_json(const JsonValue& value) {
  AddedToken token;
  if (value.is_string()) {
    token.content = value.as_string();
    token.normalized = false;
  } else {
    token = added_token_from_json(value);
  }
  token.special = true;
  return token;
}

void read_special_tokens(const JsonValue& root, TokenizerConfig& config) {
  for (std::size_t role = 0; role < kSpecialRoleKeys.size(); ++role) {
    if (const auto token = root.find(kSpecialRoleKeys[role]))
      config.special_tokens[role] = special_token_from_json(*token);
  }
  if (const auto token = root.find("bos_token")) config.bos_token = special_token_from_json(*token);
  if (const auto token = root.find("eos_token")) config.eos_token = special_token_from_json(*token);
  // The newer name counts, unless it names none. It may also be an object of roles that only this tokenizer has.
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto tokens = root.find(key);
    if (!tokens || !(tokens->is_array() || tokens->is_object()) || tokens->size() == 0) continue;
    config.additional_special_tokens.clear();
    const auto add = [&](const JsonValue& token) { config.additional_special_tokens.push_back(special_token_from_json(token)); };
    if (tokens->is_array()) {
      tokens->for_each_element(add);
    } else {
      tokens->for_each_field([&](std::string_view, const JsonValue& token) { add(token); });
    }
  }
}

void read_max_length(const JsonValue& root, TokenizerConfig& config) {
  auto length = root.find("model_max_length");
  if (!length) length = root.find("max_len");
  if (!length) return;
  const double tokens = length->as_double();
  if (!(tokens >= 0)) length->fail("0 or more");
  if (tokens < 1e20) config.model_max_length = static_cast<std::size_t>(tokens);  // transformers' LARGE_INTEGER
}

void read_added_tokens(const JsonValue& root, TokenizerConfig& config) {
  const auto decoder = root.find("added_tokens_decoder");
  if (!decoder) return;
  decoder->for_each_field([&](std::string_view id, const JsonValue& value) {
    AddedToken token = added_token_from_json(value);
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), token.id);
    if (error != std::errc() || end != id.data() + id.size() || token.id < 0) value.fail("an id as the key");
    config.added_tokens.push_back(std::move(token));
  });
}

bool is_special(const TokenizerConfig& config, std::string_view content) {
  const auto same = [&](const AddedToken& token) { return token.content == content; };
  return std::any_of(config.special_tokens.begin(), config.special_tokens.end(),
                     [&](const auto& token) { return token && same(*token); }) ||
         std::any_of(config.additional_special_tokens.begin(), config.additional_special_tokens.end(), same);
}

// The older file: {"<e1>": 30522, …}.
void read_added_tokens_json(const JsonValue& root, TokenizerConfig& config) {
  root.for_each_field([&](std::string_view content, const JsonValue& id) {
    if (id.as_int() < 0 || id.as_int() > std::numeric_limits<std::int32_t>::max()) id.fail("an id");
    AddedToken token;
    token.content = content;
    token.id = static_cast<std::int32_t>(id.as_int());
    token.special = is_special(config, content);
    token.normalized = !token.special;
    config.added_tokens.push_back(std::move(token));
  });
}

void read_config(const JsonValue& root, TokenizerConfig& config) {
  if (!root.is_object()) root.fail("an object");
  if (const auto value = root.find("tokenizer_class")) config.tokenizer_class = value->as_string();
  if (const auto value = root.find("do_lower_case")) config.do_lower_case = value->as_bool();
  if (const auto value = root.find("tokenize_chinese_chars")) config.tokenize_chinese_chars = value->as_bool();
  if (const auto value = root.find("add_prefix_space")) config.add_prefix_space = value->as_bool();
  if (const auto value = root.find("trim_offsets")) config.trim_offsets = value->as_bool();
  if (const auto value = root.find("keep_accents")) config.keep_accents = value->as_bool();
  if (const auto value = root.find("split_by_punct")) config.split_by_punct = value->as_bool();
  if (root.raw()["strip_accents"].error() == simdjson::SUCCESS) {
    const auto value = root.find("strip_accents");
    config.strip_accents = value ? std::optional<bool>(value->as_bool()) : std::nullopt;
  }
  if (const auto words = root.find("never_split")) {
    words->for_each_element([&](const JsonValue& word) { config.never_split.emplace_back(word.as_string()); });
  }
  if (const auto side = root.find("truncation_side")) {
    if (side->as_string() != "left" && side->as_string() != "right") side->fail("\"left\" or \"right\"");
    config.truncates_left = side->as_string() == "left";
  }
  if (const auto side = root.find("padding_side")) {
    if (side->as_string() != "left" && side->as_string() != "right") side->fail("\"left\" or \"right\"");
    config.pads_left = side->as_string() == "left";
  }
  if (const auto value = root.find("clean_up_tokenization_spaces")) config.clean_up_tokenization_spaces = value->as_bool();
  read_max_length(root, config);
  read_special_tokens(root, config);
  read_added_tokens(root, config);
}

}  // namespace

bool TokenizerConfig::is_bert_class() const {
  constexpr std::array<std::string_view, 8> kClasses = {
      "BertTokenizer",     "DistilBertTokenizer",  "ElectraTokenizer",  "MobileBertTokenizer",
      "ConvBertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer", "RetriBertTokenizer"};
  std::string_view name = tokenizer_class;
  if (name.ends_with("Fast")) name.remove_suffix(4);
  return std::find(kClasses.begin(), kClasses.end(), name) != kClasses.end();
}

AddedToken default_special_token(SpecialRole role) {
  AddedToken token;
  token.content = kBertSpecialTokens[static_cast<std::size_t>(role)];
  token.normalized = false;
  token.special = true;
  return token;
}

AddedToken added_token_from_json(const JsonValue& value) {
  AddedToken token;
  token.content = value.at("content").as_string();
  token.single_word = value.flag("single_word", false);
  token.lstrip = value.flag("lstrip", false);
  token.rstrip = value.flag("rstrip", false);
  token.special = value.flag("special", false);
  token.normalized = value.flag("normalized", !token.special);
  return token;
}

TokenizerConfig TokenizerConfig::from_json(std::string_view config_json, std::string_view special_tokens_map_json,
                                           std::string_view added_tokens_json, std::string_view directory) {
  const auto name = [&](std::string_view file) { return (std::filesystem::path(directory) / file).string(); };
  TokenizerConfig config;
  if (!config_json.empty()) {
    const JsonDocument document(with_floats_for_big_integers(config_json), name("tokenizer_config.json"));
    read_config(document.root(), config);
  }
  // Where added_tokens_decoder is, transformers no longer reads the older files.
  const bool reads_older_files = config.added_tokens.empty();
  if (!special_tokens_map_json.empty() && reads_older_files) {
    const JsonDocument document(special_tokens_map_json, name("special_tokens_map.json"));
    read_special_tokens(document.root(), config);
  }
  if (!added_tokens_json.empty() && reads_older_files) {
    const JsonDocument document(added_tokens_json, name("added_tokens.json"));
    read_added_tokens_json(document.root(), config);
  }
  std::stable_sort(config.added_tokens.begin(), config.added_tokens.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return config;
}

}  // namespace filbert
