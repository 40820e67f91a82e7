#include "evaluate/prune_tokenizer.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/text.h"
#include "evaluate/scripts.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;  // its order is that of the names: one that keeps theirs looks through all of them for each of a vocabulary's

constexpr const char* kUsualSpecial[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>", "<cls>", "<sep>", "<eod>", "<eop>"};

// The files have been read by the tokenizer before: they are JSON.
Json read_json(const fs::path& path) { return fs::exists(path) ? Json::parse(read_file(path)) : Json(); }

[[noreturn]] void unsupported(const fs::path& directory, const std::string& found) {
  throw Error(ErrorKind::unsupported, fmt::format("{}: expected a vocabulary that can be cut exactly (vocab.txt or tokenizer.json with WordPiece, BPE or Unigram), found {}",
                                                  directory.string(), found));
}

std::optional<std::int32_t> number_of(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// The ids in config.json: pad_token_id and the like.
template <typename Config>
void for_each_id(Config& config, const auto& visit) {
  for (auto& [key, value] : config.items()) {
    if (!std::string_view(key).ends_with("_token_id")) continue;
    if (value.is_number_integer()) visit(value);
    if (!value.is_array()) continue;
    for (auto& each : value) {
      if (each.is_number_integer()) visit(each);
    }
  }
}

std::vector<std::int32_t> special_ids(const fs::path& directory, const Json& tokenizer_json, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids;
  const auto add_token = [&](const std::string& token) {
    if (const auto id = tokenizer.token_to_id(token)) ids.push_back(*id);
  };
  for (const char* token : kUsualSpecial) add_token(token);
  if (tokenizer_json.contains("added_tokens") && tokenizer_json["added_tokens"].is_array()) {
    for (const Json& token : tokenizer_json["added_tokens"]) ids.push_back(token.at("id").get<std::int32_t>());
  }
  const auto add_any = [&](const auto& self, const Json& value) -> void {  // a name, {"content": name}, or several
    if (value.is_string()) add_token(value.get<std::string>());
    if (value.is_array() || value.is_object()) {
      for (const Json& each : value) self(self, each);
    }
  };
  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const Json json = read_json(directory / file);
    if (!json.is_object()) continue;
    for (const auto& [key, value] : json.items()) add_any(add_any, value);
  }
  const Json added = read_json(directory / "added_tokens.json");
  if (added.is_object()) {
    for (const auto& [token, id] : added.items()) add_token(token);
  }
  Json config = read_json(directory / "config.json");
  std::int32_t pad = -1;
  for_each_id(config, [&](const Json& id) { ids.push_back(id.get<std::int32_t>()); });
  if (config.contains("pad_token_id") && config["pad_token_id"].is_number_integer()) pad = config["pad_token_id"].get<std::int32_t>();
  for (std::int32_t id = 0; id <= pad; ++id) ids.push_back(id);  // roberta counts positions from this id on: it must not change
  for (const BatchEncoding& rows : {tokenizer("", EncodeOptions{}), tokenizer("", "", EncodeOptions{})}) {
    ids.insert(ids.end(), rows.input_ids.begin(), rows.input_ids.end());
  }
  std::erase_if(ids, [&](std::int32_t id) { return id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocab_size(); });
  return ids;
}

// "a b", or ["a", "b"].
std::pair<std::string, std::string> merge_of(const Json& merge) {
  if (merge.is_array()) return {merge.at(0).get<std::string>(), merge.at(1).get<std::string>()};
  const std::string text = merge.get<std::string>();
  const std::size_t space = text.find(' ');
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_merges(const fs::path& directory, PrunableTokenizer& result, std::size_t vocab_size) {
  const Json& model = result.json["model"];
  if (!model.value("continuing_subword_prefix", Json()).is_null() && model["continuing_subword_prefix"] != "") {
    unsupported(directory, "BPE with a continuing_subword_prefix");
  }
  const Json& vocab = model.at("vocab");
  result.parts.resize(vocab_size);
  for (const Json& merge : model.at("merges")) {
    const auto [left, right] = merge_of(merge);
    if (!vocab.contains(left + right) || !vocab.contains(left) || !vocab.contains(right)) continue;
    result.parts[vocab[left + right].get<std::size_t>()].emplace_back(vocab[left].get<std::int32_t>(), vocab[right].get<std::int32_t>());
  }
}

void read_model(const fs::path& directory, PrunableTokenizer& result, std::size_t vocab_size) {
  const Json& model = result.json["model"];
  std::string type = model.value("type", std::string());
  if (type.empty()) type = model.contains("merges") ? "BPE" : model.at("vocab").is_array() ? "Unigram" : "WordPiece";
  if (model.contains("unk_token") && model["unk_token"].is_string()) result.unk_token = model["unk_token"].get<std::string>();
  if (type == "WordPiece") {
    result.continuing_subword_prefix = model.value("continuing_subword_prefix", std::string("##"));
  } else if (type == "BPE") {
    result.model = TokenModel::bpe;
    read_merges(directory, result, vocab_size);
  } else if (type == "Unigram") {
    result.model = TokenModel::unigram;
    // What an unknown character costs is counted from the least of all scores.
    double least = std::numeric_limits<double>::infinity();
    std::int32_t place = 0, lowest = 0;
    for (const Json& piece : model.at("vocab")) {
      if (const double score = piece.at(1).get<double>(); score < least) least = score, lowest = place;
      ++place;
    }
    result.needed.push_back(lowest);
    if (model.contains("unk_id") && model["unk_id"].is_number_integer()) result.needed.push_back(model["unk_id"].get<std::int32_t>());
  } else {
    unsupported(directory, fmt::format("the model {}", type));
  }
}

// Lines as they are, each with its end.
std::string pruned_lines(const std::string& text, const std::vector<std::int32_t>& new_ids) {
  std::string kept;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    if (line < new_ids.size() && new_ids[line] >= 0) kept += text.substr(begin, end - begin);
    if (!kept.empty() && kept.back() != '\n' && end == text.size()) kept += '\n';
    begin = end;
  }
  return kept;
}

struct Renumber {
  const std::vector<std::int32_t>& new_ids;

  std::int32_t operator()(std::int64_t id) const { return id >= 0 && static_cast<std::size_t>(id) < new_ids.size() ? new_ids[static_cast<std::size_t>(id)] : -1; }
  void in_place(auto& id) const {
    if (const std::int32_t now = (*this)(id.template get<std::int64_t>()); now >= 0) id = now;
  }

  Json vocab_object(const Json& vocab) const {
    Json kept = Json::object();
    for (const auto& [token, id] : vocab.items()) {
      if (const std::int32_t now = (*this)(id.template get<std::int64_t>()); now >= 0) kept[token] = now;
    }
    return kept;
  }
  void post_processor(Json& processor) const {
    if (!processor.is_object()) return;
    for (const char* role : {"sep", "cls"}) {
      if (processor.contains(role) && processor[role].is_array()) in_place(processor[role].at(1));
    }
    if (processor.contains("special_tokens")) {
      for (Json& token : processor["special_tokens"]) {
        for (Json& id : token.at("ids")) in_place(id);
      }
    }
    if (processor.contains("processors")) {
      for (Json& each : processor["processors"]) post_processor(each);
    }
  }
};

void prune_model(const PrunableTokenizer& tokenizer, const Renumber& renumber, Json& model) {
  if (tokenizer.model == TokenModel::unigram) {
    Json kept = Json::array();
    std::int64_t place = 0;
    for (const Json& piece : model["vocab"]) {
      if (renumber(place++) >= 0) kept.push_back(piece);
    }
    model["vocab"] = std::move(kept);
    if (model.contains("unk_id") && model["unk_id"].is_number_integer()) renumber.in_place(model["unk_id"]);
    return;
  }
  if (tokenizer.model == TokenModel::bpe) {
    const Json& vocab = model["vocab"];
    Json kept = Json::array();
    for (const Json& merge : model["merges"]) {
      const auto [left, right] = merge_of(merge);
      const auto merged = vocab.find(left + right);
      if (merged != vocab.end() && renumber(merged->get<std::int64_t>()) >= 0) kept.push_back(merge);
    }
    model["merges"] = std::move(kept);
  }
  model["vocab"] = renumber.vocab_object(model["vocab"]);
}

void write_json(const fs::path& path, const Json& json, int indent) { write_file_atomic(path, json.dump(indent, ' ', false) + "\n"); }

}  // namespace

PrunableTokenizer read_prunable_tokenizer(const fs::path& directory, const Tokenizer& tokenizer) {
  PrunableTokenizer result;
  if (fs::exists(directory / "tokenizer.json")) {
    result.json = read_json(directory / "tokenizer.json");
    read_model(directory, result, tokenizer.vocab_size());
  } else if (!fs::exists(directory / "vocab.txt")) {
    unsupported(directory, fs::exists(directory / "vocab.json") ? "vocab.json with merges.txt" : "a sentencepiece model");
  }
  result.special = special_ids(directory, result.json, tokenizer);
  return result;
}

bool is_single(const PrunableTokenizer& tokenizer, std::string_view token, std::size_t& script) {
  constexpr std::string_view kSpace = "▁";  // of sentencepiece
  script = 0;
  if (token.size() == 6 && token.starts_with("<0x") && token.ends_with('>')) return true;
  const std::string_view prefix = tokenizer.model == TokenModel::wordpiece ? std::string_view(tokenizer.continuing_subword_prefix) : kSpace;
  if (tokenizer.model != TokenModel::bpe && !prefix.empty() && token.size() > prefix.size() && token.starts_with(prefix)) token.remove_prefix(prefix.size());
  if (token.empty()) return false;
  const DecodedChar c = decode_utf8(token, 0);
  if (tokenizer.model != TokenModel::bpe) script = script_of(c.code_point);  // of byte-level BPE letters stand for bytes
  return c.bytes == token.size();
}

void write_pruned_tokenizer(const fs::path& from, const fs::path& to, const PrunableTokenizer& tokenizer, const std::vector<std::int32_t>& new_ids) {
  const Renumber renumber{new_ids};
  if (!tokenizer.json.is_null()) {
    Json json = tokenizer.json;
    prune_model(tokenizer, renumber, json["model"]);
    if (json.contains("added_tokens") && json["added_tokens"].is_array()) {
      for (Json& token : json["added_tokens"]) renumber.in_place(token["id"]);
    }
    if (json.contains("post_processor")) renumber.post_processor(json["post_processor"]);
    if (json.contains("padding") && json["padding"].is_object() && json["padding"].contains("pad_id")) renumber.in_place(json["padding"]["pad_id"]);
    write_json(to / "tokenizer.json", json, 2);
    if (tokenizer.model == TokenModel::bpe && fs::exists(from / "vocab.json")) write_json(to / "vocab.json", json["model"]["vocab"], -1);
    if (tokenizer.model == TokenModel::bpe && fs::exists(from / "merges.txt")) {
      std::string merges = "#version: 0.2\n";
      for (const Json& merge : json["model"]["merges"]) {
        const auto [left, right] = merge_of(merge);
        merges += left + ' ' + right + '\n';
      }
      write_file_atomic(to / "merges.txt", merges);
    }
  }
  if (tokenizer.model == TokenModel::wordpiece && fs::exists(from / "vocab.txt")) {
    write_file_atomic(to / "vocab.txt", pruned_lines(read_file(from / "vocab.txt"), new_ids));
  }
  if (fs::exists(from / "special_tokens_map.json")) write_file_atomic(to / "special_tokens_map.json", read_file(from / "special_tokens_map.json"));
  if (Json config = read_json(from / "tokenizer_config.json"); config.is_object()) {
    if (config.contains("added_tokens_decoder") && config["added_tokens_decoder"].is_object()) {
      Json decoder = Json::object();
      for (const auto& [id, token] : config["added_tokens_decoder"].items()) {
        if (const auto old_id = number_of(id)) decoder[fmt::format("{}", renumber(*old_id))] = token;
      }
      config["added_tokens_decoder"] = std::move(decoder);
    }
    write_json(to / "tokenizer_config.json", config, 2);
  }
  if (Json added = read_json(from / "added_tokens.json"); added.is_object()) {
    for (auto& [token, id] : added.items()) renumber.in_place(id);
    write_json(to / "added_tokens.json", added, 2);
  }
}

std::string pruned_config(const fs::path& directory, const std::vector<std::int32_t>& new_ids, std::size_t vocab_size) {
  auto config = nlohmann::ordered_json::parse(read_file(directory / "config.json"));
  const Renumber renumber{new_ids};
  for_each_id(config, [&](auto& id) { renumber.in_place(id); });
  config["vocab_size"] = vocab_size;
  return config.dump(2) + "\n";
}

}  // namespace filbert
