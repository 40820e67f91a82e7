#include "tokenize/load.h"

#include <filesystem>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "tokenize/families.h"
#include "tokenize/token_adder.h"
#include "tokenize/tokenizer.h"
#include "tokenize/tokenizer_config.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

void fill_in_special_tokens(TokenizerConfig& config) {
  for (std::size_t role = 0; role < config.special_tokens.size(); ++role) {
    if (!config.special_tokens[role])
      config.special_tokens[role] = default_special_token(SpecialRole{static_cast<int>(role)});
  }
}

void apply(const TokenizerConfig& config, BertNormalizer& normalizer) {
  if (config.do_lower_case) normalizer.lowercase = *config.do_lower_case;
  if (config.tokenize_chinese_chars) normalizer.handle_chinese_chars = *config.tokenize_chinese_chars;
  if (config.strip_accents) normalizer.strip_accents = *config.strip_accents;
}

// What a tokenizer_config.json changes in the normalizer of the tokenizer.json beside it.
void patch(const TokenizerConfig& config, Tokenizer::Impl& tokenizer) {
  if (config.tokenizer_class == "PreTrainedTokenizerFast" || config.tokenizer_class == "TokenizersBackend") return;
  BertNormalizer& normalizer = *tokenizer.normalizer;
  const bool written = normalizer.lowercase;
  if (config.is_bert_class()) normalizer = {.clean_text = normalizer.clean_text};
  apply(config, normalizer);
  if (written || config.do_lower_case) return;
  tokenizer.doubts.push_back(
      "tokenizer.json does not lower-case and tokenizer_config.json does not say do_lower_case: text is " +
      (normalizer.lowercase ? "lower-cased, as transformers does for " + config.tokenizer_class
                            : std::string("not lower-cased, where transformers may do it by the model's type")));
}

std::string directory_of(std::string_view name) { return fs::path(name).parent_path().string(); }

void read_added_tokens(const JsonValue& root, TokenAdder& adder) {
  const auto tokens = root.find("added_tokens");
  if (!tokens) return;
  tokens->for_each_element([&](const JsonValue& token) {
    const JsonValue id = token.at("id");
    if (id.as_int() < 0) id.fail("0 or more");
    adder.add(added_token_from_json(token), id.as_int());
  });
}

// The ids of a template are given beside the tokens' names: they must be ids that this tokenizer has.
void check_template(const Tokenizer::Impl& tokenizer, std::string_view name) {
  const std::size_t size = tokenizer.vocab_size();
  for (const bool is_pair : {false, true}) {
    for (const TemplatePiece& piece : tokenizer.post_processor.pieces(is_pair)) {
      for (const std::int32_t id : piece.ids) {
        if (static_cast<std::size_t>(id) < size) continue;
        throw Error(ErrorKind::corrupt, fmt::format("{}: post_processor: expected ids below the {} of the vocabulary, "
                                                    "found {}",
                                                    name, size, id));
      }
    }
  }
}

std::string read_if_there(const fs::path& path) { return fs::exists(path) ? read_file(path) : std::string(); }

}  // namespace

Tokenizer load_wordpiece_vocab(std::string vocab_text, std::string_view tokenizer_config_json, std::string_view name,
                               std::string_view special_tokens_map_json, std::string_view added_tokens_json,
                               std::string_view config_json) {
  auto tokenizer = std::make_unique<Tokenizer::Impl>();
  tokenizer->source = fs::path(name).filename().string();
  TokenizerConfig config =
      TokenizerConfig::from_json(tokenizer_config_json, special_tokens_map_json, added_tokens_json, directory_of(name));
  fill_in_vocab_txt_tokens(config_json, name, config);

  tokenizer->model.vocab = Vocab::from_lines(std::move(vocab_text), name);
  tokenizer->model.unk_token = config.special(SpecialRole::unk)->content;
  tokenizer->model.finish(name);
  tokenizer->normalizer.emplace();
  apply(config, *tokenizer->normalizer);
  tokenizer->pre_tokenizer = PreTokenizer::bert;

  TokenAdder adder(*tokenizer);
  adder.add_those_of(config);
  for (const auto& token : config.special_tokens) {
    if (token->content.empty() || tokenizer->model.vocab.find(token->content)) continue;
    tokenizer->doubts.push_back(fmt::format("\"{}\" is not in the vocabulary and gets id {}, past its end",
                                            token->content, *tokenizer->token_to_id(token->content)));
  }
  tokenizer->post_processor = vocab_txt_post_processor(config, config_json, name, *tokenizer);
  apply_common(config, vocab_txt_defaults(config, config_json, name), *tokenizer);
  return Tokenizer(std::move(tokenizer));
}

Tokenizer load_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                              std::string_view name, std::string_view special_tokens_map_json, std::string_view config_json) {
  auto tokenizer = std::make_unique<Tokenizer::Impl>();
  tokenizer->source = fs::path(name).filename().string();
  TokenizerConfig config =
      TokenizerConfig::from_json(tokenizer_config_json, special_tokens_map_json, {}, directory_of(name));
  if (config.is_bert_class()) fill_in_special_tokens(config);
  const JsonDocument document(tokenizer_json, std::string(name));
  const JsonValue root = document.root();
  if (!root.is_object()) root.fail("an object");

  if (Sections::are_needed(root)) {
    tokenizer->sections = Sections::from_json(root);
  } else {
    tokenizer->model = WordPiece::from_json(root.at("model"));
    if (const auto normalizer = root.find("normalizer")) {
      tokenizer->normalizer = BertNormalizer::from_json(*normalizer);
      patch(config, *tokenizer);
    }
    tokenizer->pre_tokenizer = root.find("pre_tokenizer") ? PreTokenizer::bert : PreTokenizer::none;
  }
  const auto post_processor = root.find("post_processor");
  set_post_processor(post_processor ? PostProcessor::from_json(*post_processor) : PostProcessor::none(), *tokenizer);

  TokenAdder adder(*tokenizer);
  read_added_tokens(root, adder);
  adder.add_those_of(config);
  check_template(*tokenizer, name);
  const auto decoder = root.find("decoder");
  if (decoder) tokenizer->decoder = Decoder::from_json(*decoder);
  // transformers makes tokenizers of the classes that it knows anew, decoders included.
  apply_common(config, class_defaults(config, config_json, name), *tokenizer);
  return Tokenizer(std::move(tokenizer));
}

std::optional<Tokenizer> load_tokenizer(const fs::path& directory) {
  const std::string config = read_if_there(directory / "tokenizer_config.json");
  const std::string special_tokens_map = read_if_there(directory / "special_tokens_map.json");
  const fs::path json = directory / "tokenizer.json", vocab = directory / "vocab.txt";
  const std::string of_model = read_if_there(directory / "config.json");
  if (fs::exists(json)) return load_tokenizer_json(read_file(json), config, json.string(), special_tokens_map, of_model);
  if (fs::exists(vocab)) {
    return load_wordpiece_vocab(read_file(vocab), config, vocab.string(), special_tokens_map,
                                read_if_there(directory / "added_tokens.json"), of_model);
  }
  const CompanionFiles companions{config, special_tokens_map, read_if_there(directory / "added_tokens.json"), of_model};
  const fs::path vocab_json = directory / "vocab.json", merges = directory / "merges.txt";
  if (fs::exists(vocab_json) && fs::exists(merges)) {
    return load_byte_level_bpe(read_file(vocab_json), read_file(merges), companions, vocab_json.string());
  }
  for (const char* name : {"sentencepiece.bpe.model", "spiece.model", "spm.model"}) {
    const fs::path model = directory / name;
    if (fs::exists(model)) return load_sentencepiece(read_file(model), companions, model.string());
  }
  return std::nullopt;
}

Tokenizer AutoTokenizer::from_pretrained(const fs::path& checkpoint, const HubOptions& hub) {
  const fs::path directory = find_checkpoint(checkpoint, hub, {.weights = false});
  if (!fs::is_directory(directory)) {
    throw Error(ErrorKind::not_found, fmt::format("{}: expected a directory with a tokenizer, found {}",
                                                  directory.string(), fs::exists(directory) ? "a file" : "nothing"));
  }
  if (auto tokenizer = load_tokenizer(directory)) return *std::move(tokenizer);
  throw Error(ErrorKind::not_found,
              fmt::format("{}: expected tokenizer.json, vocab.txt, vocab.json with merges.txt, or a sentencepiece model, "
                          "found none of them",
                          directory.string()));
}

}  // namespace filbert
