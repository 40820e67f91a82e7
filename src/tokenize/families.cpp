#include "tokenize/families.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "tokenize/sentencepiece_file.h"
#include "tokenize/token_adder.h"
#include "tokenize/tokenizer.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

enum class Layout { roberta, bert, xlnet, mpnet, t5 };  // of the post-processor
enum class Pieces { as_they_are, xlm_roberta, camembert, t5 };  // what a sentencepiece model's ids become
enum class Normalization { charsmap, albert, deberta };

// A row: how a class of transformers differs from the others.
struct Family {
  std::string_view name;            // of the class, without "Tokenizer"; in lower case and with "-" it is a model_type
  std::array<std::string_view, 5> special_tokens;  // [SpecialRole]
  Layout layout;
  bool mask_takes_space_before = false;
  Pieces pieces = Pieces::as_they_are;
  Normalization normalization = Normalization::charsmap;
  bool lowercase = false;  // where tokenizer_config.json does not say do_lower_case
  std::string_view bos_token = {}, eos_token = {};
  std::array<std::string_view, 3> additional_special_tokens = {};
};

constexpr std::array<std::string_view, 5> kAngles = {"<unk>", "</s>", "<pad>", "<s>", "<mask>"};
constexpr Family kByteLevelFamilies[] = {
    {.name = "Roberta", .special_tokens = kAngles, .layout = Layout::roberta, .bos_token = "<s>", .eos_token = "</s>"},
    {.name = "Longformer", .special_tokens = kAngles, .layout = Layout::roberta, .bos_token = "<s>", .eos_token = "</s>"},
    {.name = "Bart", .special_tokens = kAngles, .layout = Layout::roberta, .bos_token = "<s>", .eos_token = "</s>"},
    {.name = "Deberta", .special_tokens = kBertSpecialTokens, .layout = Layout::bert, .bos_token = "[CLS]", .eos_token = "[SEP]"}};
constexpr Family kSentencePieceFamilies[] = {
    {.name = "XLMRoberta", .special_tokens = kAngles, .layout = Layout::roberta, .pieces = Pieces::xlm_roberta,
     .bos_token = "<s>", .eos_token = "</s>"},
    {.name = "Camembert", .special_tokens = kAngles, .layout = Layout::roberta, .pieces = Pieces::camembert,
     .bos_token = "<s>", .eos_token = "</s>", .additional_special_tokens = {"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"}},
    {.name = "Albert", .special_tokens = {"<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"}, .layout = Layout::bert,
     .normalization = Normalization::albert, .lowercase = true, .bos_token = "[CLS]", .eos_token = "[SEP]"},
    {.name = "XLNet", .special_tokens = {"<unk>", "<sep>", "<pad>", "<cls>", "<mask>"}, .layout = Layout::xlnet, .mask_takes_space_before = true,
     .normalization = Normalization::albert, .bos_token = "<s>", .eos_token = "</s>", .additional_special_tokens = {"<eop>", "<eod>"}},
    {.name = "DebertaV2", .special_tokens = kBertSpecialTokens, .layout = Layout::bert, .normalization = Normalization::deberta,
     .bos_token = "[CLS]", .eos_token = "[SEP]"},
    {.name = "T5", .special_tokens = {"<unk>", "", "<pad>", "", ""}, .layout = Layout::t5, .pieces = Pieces::t5, .eos_token = "</s>"},
};

constexpr Family kVocabTxtFamilies[] = {
    {.name = "Bert", .special_tokens = kBertSpecialTokens, .layout = Layout::bert},  // and all that are not named here
    {.name = "MPNet", .special_tokens = {"[UNK]", "</s>", "<pad>", "<s>", "<mask>"}, .layout = Layout::mpnet, .mask_takes_space_before = true,
     .bos_token = "<s>", .eos_token = "</s>"},
};

// By their keys: BertTokenizer under other names, and classes that say nothing of a vocab.txt.
constexpr std::array<std::string_view, 17> kLikeBert = {
    "distilbert", "electra",    "mobilebert", "convbert", "squeezebert",        "layoutlm",  "retribert",          "realm", "lxmert",
    "nezha",      "visualbert", "ernie",      "dprreader", "dprquestionencoder", "dprcontextencoder", "pretrained", "tokenizersbackend"};

// Classes whose words no file of the checkpoint describes, so that nothing but their own code gives their ids.
struct OwnWords {
  std::string_view name, what;
  bool has_tokenizer_json;  // which transformers writes, but with another pre-tokenizer in the place of this one
};
constexpr OwnWords kOwnWords[] = {
    {"RoFormer", "cuts Chinese text into words by the dictionary of jieba", true},
    {"BertJapanese", "cuts text into words by MeCab, Sudachi or Juman++", false},
    {"Bertweet", "rewrites tweets before it cuts them by bpe.codes", false},
    {"Phobert", "cuts words by bpe.codes", false},
};

// "XLMRobertaTokenizerFast" and "xlm-roberta" are both "xlmroberta".
std::string key_of(std::string_view name) {
  for (const std::string_view ending : {"Fast", "Tokenizer"}) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  std::string key;
  for (const char c : name) {
    if (c != '-' && c != '_') key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

// tokenizer_class of tokenizer_config.json or of config.json, or else model_type.
struct SaidClass {
  std::string name;
  bool is_model_type = false;
};
SaidClass class_of(const TokenizerConfig& config, std::string_view config_json, std::string_view name) {
  if (!config.tokenizer_class.empty() || config_json.empty()) return {config.tokenizer_class};
  const JsonDocument document(config_json, (fs::path(name).parent_path() / "config.json").string());
  if (const auto tokenizer_class = document.root().find("tokenizer_class")) return {std::string(tokenizer_class->as_string())};
  const auto model_type = document.root().find("model_type");
  return {model_type ? std::string(model_type->as_string()) : std::string(), true};
}

// Null if the class is not one of `families`.
const Family* find_family(std::string_view class_name, std::span<const Family> families) {
  const std::string key = key_of(class_name);
  const auto found = std::find_if(families.begin(), families.end(), [&](const Family& family) { return key_of(family.name) == key; });
  return found == families.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_class(std::string_view name, const SaidClass& said, std::string_view expected, std::string_view what) {
  throw Error(ErrorKind::unsupported,
              fmt::format("{}: {}: expected {}, found \"{}\"{}", name, said.is_model_type ? "model_type" : "tokenizer_class", expected, said.name, what));
}

// Throws if no file says how the class cuts words.
void expect_words_in_files(const SaidClass& said, std::string_view name, bool is_tokenizer_json) {
  for (const OwnWords& row : kOwnWords) {
    if (key_of(row.name) != key_of(said.name) || (is_tokenizer_json && !row.has_tokenizer_json)) continue;
    refuse_class(name, said, "a class whose words the files describe", fmt::format(", which {}", row.what));
  }
}

const Family& vocab_txt_family(const TokenizerConfig& config, std::string_view config_json, std::string_view name) {
  const SaidClass said = class_of(config, config_json, name);
  expect_words_in_files(said, name, false);
  if (const Family* family = find_family(said.name, kVocabTxtFamilies)) return *family;
  if (!said.is_model_type && !said.name.empty() && std::ranges::find(kLikeBert, key_of(said.name)) == kLikeBert.end()) {
    refuse_class(name, said, "BertTokenizer, a copy of it, or MPNetTokenizer", "");
  }
  return kVocabTxtFamilies[0];
}

ClassDefaults defaults_of(const Family& family, std::string_view model_name, Decoder decoder) {
  return {.special_tokens = family.special_tokens,
          .bos_token = family.bos_token,
          .eos_token = family.eos_token,
          .additional_special_tokens = family.additional_special_tokens,
          .pads_left = family.layout == Layout::xlnet,
          .model_name = model_name,
          .decoder = std::move(decoder)};
}

ClassDefaults byte_level_defaults(const Family& family) { return defaults_of(family, "byte-level BPE", Decoder::byte_level()); }

ClassDefaults unigram_defaults(const Family& family, const TokenizerConfig& config) {
  const bool always = family.layout == Layout::xlnet || family.normalization == Normalization::deberta;  // whatever the file says, or the first word's
  return defaults_of(family, "Unigram", Decoder::metaspace(always || config.add_prefix_space.value_or(true)));
}

ClassDefaults word_piece_defaults(const Family& family) { return defaults_of(family, "WordPiece", Decoder::word_piece("##")); }

template <std::size_t count>
const Family& family_of(const TokenizerConfig& config, const CompanionFiles& companions, std::string_view name,
                        const Family (&families)[count]) {
  const std::string said = class_of(config, companions.config_json, name).name;
  if (const Family* family = find_family(said, families)) return *family;
  std::string known;
  for (const Family& family : families) known += fmt::format("{}{}Tokenizer", known.empty() ? "" : ", ", family.name);
  throw Error(ErrorKind::unsupported, fmt::format("{}: tokenizer_class or model_type: expected one of {}, found \"{}\"", name,
                                                  known, said));
}

TokenizerConfig config_for(const CompanionFiles& companions, std::string_view name) {
  return TokenizerConfig::from_json(companions.tokenizer_config_json, companions.special_tokens_map_json,
                                    companions.added_tokens_json, fs::path(name).parent_path().string());
}

AddedToken special_token(std::string_view content) {
  AddedToken token;
  token.content = content;
  token.normalized = false;
  token.special = true;
  return token;
}

void fill_in_special_tokens(const Family& family, TokenizerConfig& config) {
  for (std::size_t role = 0; role < config.special_tokens.size(); ++role) {
    if (config.special_tokens[role] || family.special_tokens[role].empty()) continue;
    config.special_tokens[role] = special_token(family.special_tokens[role]);
    config.special_tokens[role]->lstrip = role == static_cast<std::size_t>(SpecialRole::mask) && family.mask_takes_space_before;
  }
  if (family.layout == Layout::t5 && !config.eos_token) config.eos_token = special_token(family.eos_token);
}

PostProcessor post_processor_for(Layout layout, std::int32_t cls, std::int32_t sep) {
  const TemplatePiece text{0, {}, 0}, text_pair{1, {}, 1}, end{-1, {sep}, 0}, end_of_pair{-1, {sep}, 1}, last{-1, {cls}, 2};
  const TemplatePiece begin{-1, {cls}, 0};
  PostProcessor post_processor;
  switch (layout) {
    case Layout::roberta: return PostProcessor::roberta(cls, sep);
    case Layout::bert: return PostProcessor::bert(cls, sep);
    case Layout::xlnet:
      post_processor.single = {text, end, last};
      post_processor.pair = {text, end, text_pair, end_of_pair, last};
      break;
    case Layout::t5:
      post_processor.single = {text, end};
      post_processor.pair = {text, end, {1, {}, 0}, end};
      break;
    case Layout::mpnet:
      post_processor.single = {begin, text, end};
      post_processor.pair = {begin, text, end, end, text_pair, end_of_pair};
      break;
  }
  return post_processor;
}

PostProcessor post_processor_for(const Family& family, const TokenizerConfig& config, std::string_view name, const Tokenizer::Impl& tokenizer) {
  const auto id_of = [&](std::string_view key, std::string_view token) {
    if (const auto id = tokenizer.token_to_id(token)) return *id;
    throw Error(ErrorKind::corrupt, fmt::format("{}: {}: expected a token, found an empty one", name, key));
  };
  const auto id_of_role = [&](SpecialRole role) { return id_of(kSpecialRoleKeys[static_cast<std::size_t>(role)], config.special(role)->content); };
  if (family.layout == Layout::t5) {  // no class token: texts end with eos_token
    const std::int32_t end = id_of("eos_token", config.eos_token->content);
    return post_processor_for(family.layout, end, end);
  }
  return post_processor_for(family.layout, id_of_role(SpecialRole::cls), id_of_role(SpecialRole::sep));
}

// Adds the tokens and what stands around texts.
void finish(const Family& family, const TokenizerConfig& config, std::string_view name, TokenAdder& adder,
            Tokenizer::Impl& tokenizer) {
  adder.add_those_of(config);
  PostProcessor post_processor = post_processor_for(family, config, name, tokenizer);
  const bool of_bytes = tokenizer.sections->pre_tokenizer.back().kind == PreTokenizerStep::Kind::byte_level;
  post_processor.trims_offsets = of_bytes && family.layout == Layout::roberta && config.trim_offsets.value_or(true);
  post_processor.add_prefix_space = post_processor.trims_offsets && config.add_prefix_space.value_or(false);
  set_post_processor(std::move(post_processor), tokenizer);
  apply_common(config, of_bytes ? byte_level_defaults(family) : unigram_defaults(family, config), tokenizer);
}

// ---- sentencepiece -----------------------------------------------------------------------------------------------------

// "<extra_id_99>" to "<extra_id_0>", by which T5 is asked for what was left out; tokenizer_config.json's extra_ids may say how many.
std::vector<std::string> sentinels_of(const Family& family, const CompanionFiles& companions, std::string_view name) {
  constexpr std::int64_t kMost = 100'000;
  if (family.pieces != Pieces::t5) return {};
  std::int64_t count = 100;
  if (!companions.tokenizer_config_json.empty()) {
    const JsonDocument document(companions.tokenizer_config_json, (fs::path(name).parent_path() / "tokenizer_config.json").string());
    if (const auto extra_ids = document.root().find("extra_ids")) {
      count = extra_ids->as_int();
      if (count < 0 || count > kMost) extra_ids->fail(fmt::format("a number from 0 to {}", kMost));
    }
  }
  std::vector<std::string> sentinels;
  while (--count >= 0) sentinels.push_back(fmt::format("<extra_id_{}>", count));
  return sentinels;
}

// fairseq's models begin with tokens of their own, in the place of sentencepiece's.
Unigram unigram_of(const SentencePieceFile& file, Pieces kind, std::span<const std::string> sentinels, std::string_view name) {
  std::vector<Unigram::Piece> pieces;
  std::int64_t unk_id = 3;
  const auto take_from = [&](std::size_t first) {
    if (first > file.pieces.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected at least {} pieces, found {}", name, first, file.pieces.size()));
    }
    pieces.insert(pieces.end(), file.pieces.begin() + static_cast<std::ptrdiff_t>(first), file.pieces.end());
  };
  switch (kind) {
    case Pieces::xlm_roberta:
      pieces = {{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}};
      take_from(3);
      pieces.push_back({"<mask>", 0});
      break;
    case Pieces::camembert:
      pieces = {{"<s>NOTUSED", 0}, {"<pad>", 0}, {"</s>NOTUSED", 0}, {"<unk>", 0}, {"<unk>NOTUSED", -100}};
      take_from(1);
      pieces.push_back({"<mask>", 0});
      break;
    case Pieces::as_they_are:
    case Pieces::t5:
      take_from(0);
      unk_id = file.unk_id;
      for (const std::string& sentinel : sentinels) pieces.push_back({sentinel, 0});
  }
  return Unigram::from_pieces(pieces, unk_id, false, name);
}

void add_normalizer(const SentencePieceFile& file, const Family& family, const TokenizerConfig& config, std::string_view name,
                    std::vector<NormalizerStep>& steps) {
  const bool lowercases = config.do_lower_case.value_or(family.lowercase);
  if (family.normalization == Normalization::deberta) {
    if (lowercases) steps.push_back(LowercaseStep{});
    steps.push_back(ReplaceStep{{.kind = Pattern::Kind::blanks_or_break}, " "});
    steps.push_back(Composition{false, true});
    steps.push_back(StripStep{false, true});
    return;
  }
  if (family.normalization == Normalization::albert) {
    for (const char* quotes : {"``", "''"}) steps.push_back(ReplaceStep{{.literal = quotes}, "\""});
    if (family.layout == Layout::xlnet || !config.keep_accents.value_or(false)) {
      steps.push_back(Composition{true, false});
      steps.push_back(StripAccentsStep{});
    }
    if (lowercases) steps.push_back(LowercaseStep{});
  }
  if (file.precompiled_charsmap.empty()) return;
  steps.push_back(Precompiled::from_bytes(file.precompiled_charsmap, fmt::format("{}: precompiled_charsmap", name)));
}

void add_pre_tokenizer(const Family& family, const TokenizerConfig& config, std::vector<PreTokenizerStep>& steps) {
  using Kind = PreTokenizerStep::Kind;
  using Prepend = PreTokenizerStep::Prepend;
  const bool deberta = family.normalization == Normalization::deberta;
  if (!deberta) steps.push_back({.kind = Kind::whitespace_split, .behavior = PreTokenizerStep::Behavior::removed});
  if (deberta && config.split_by_punct.value_or(false)) steps.push_back({.kind = Kind::punctuation});
  PreTokenizerStep metaspace{.kind = Kind::metaspace, .replacement = "\u2581"};
  if (!config.add_prefix_space.value_or(true)) metaspace.prepend = deberta ? Prepend::first : Prepend::never;
  steps.push_back(metaspace);
}

// Their strings, in the order of the file.
std::vector<std::string> add_special_pieces(const SentencePieceFile& file, const Unigram& unigram, TokenAdder& adder) {
  std::vector<std::string> added;
  for (std::size_t index = 0; index < file.pieces.size(); ++index) {
    const bool control = file.types[index] == SentencePieceFile::kControl;
    if (!control && file.types[index] != SentencePieceFile::kUserDefined) continue;
    AddedToken token;
    token.content = file.pieces[index].text;
    token.normalized = false;
    token.special = control;
    if (!unigram.vocab.find(token.content)) continue;
    added.push_back(token.content);
    adder.add_if_new(token, -1);
  }
  return added;
}

}  // namespace

std::optional<ClassDefaults> class_defaults(const TokenizerConfig& config, std::string_view config_json, std::string_view name) {
  const SaidClass said = class_of(config, config_json, name);
  expect_words_in_files(said, name, true);
  const std::string& class_name = said.name;
  if (const Family* family = find_family(class_name, kByteLevelFamilies)) return byte_level_defaults(*family);
  if (const Family* family = find_family(class_name, kSentencePieceFamilies)) return unigram_defaults(*family, config);
  const Family* family = config.is_bert_class() ? &kVocabTxtFamilies[0] : find_family(class_name, kVocabTxtFamilies);
  if (family == nullptr) return std::nullopt;
  return word_piece_defaults(*family);
}

ClassDefaults vocab_txt_defaults(const TokenizerConfig& config, std::string_view config_json, std::string_view name) {
  return word_piece_defaults(vocab_txt_family(config, config_json, name));
}

void fill_in_vocab_txt_tokens(std::string_view config_json, std::string_view name, TokenizerConfig& config) {
  fill_in_special_tokens(vocab_txt_family(config, config_json, name), config);
}

PostProcessor vocab_txt_post_processor(const TokenizerConfig& config, std::string_view config_json, std::string_view name,
                                       const Tokenizer::Impl& tokenizer) {
  return post_processor_for(vocab_txt_family(config, config_json, name), config, name, tokenizer);
}

Tokenizer load_byte_level_bpe(std::string_view vocab_json, std::string_view merges_text, const CompanionFiles& companions,
                              std::string_view name) {
  auto tokenizer = std::make_unique<Tokenizer::Impl>();
  tokenizer->source = fs::path(name).filename().string();
  TokenizerConfig config = config_for(companions, name);
  const Family& family = family_of(config, companions, name, kByteLevelFamilies);
  fill_in_special_tokens(family, config);
  const JsonDocument document(vocab_json, std::string(name));
  Sections& sections = tokenizer->sections.emplace();
  sections.pre_tokenizer.push_back(
      {.kind = PreTokenizerStep::Kind::byte_level, .add_prefix_space = config.add_prefix_space.value_or(false)});
  sections.model = Bpe::from_files(document.root(), merges_text, (fs::path(name).parent_path() / "merges.txt").string());
  sections.finish();
  TokenAdder adder(*tokenizer);
  finish(family, config, name, adder, *tokenizer);
  return Tokenizer(std::move(tokenizer));
}

Tokenizer load_sentencepiece(std::string_view model, const CompanionFiles& companions, std::string_view name) {
  auto tokenizer = std::make_unique<Tokenizer::Impl>();
  tokenizer->source = fs::path(name).filename().string();
  TokenizerConfig config = config_for(companions, name);
  const Family& family = family_of(config, companions, name, kSentencePieceFamilies);
  fill_in_special_tokens(family, config);
  const SentencePieceFile file = SentencePieceFile::from_bytes(model, name);
  Sections& sections = tokenizer->sections.emplace();
  add_normalizer(file, family, config, name, sections.normalizer);
  add_pre_tokenizer(family, config, sections.pre_tokenizer);
  const std::vector<std::string> sentinels = sentinels_of(family, companions, name);
  sections.model = unigram_of(file, family.pieces, sentinels, name);
  sections.finish();
  TokenAdder adder(*tokenizer);
  // Where a file names additional special tokens, transformers takes these in the place of the model's own.
  std::vector<std::string> special_pieces;
  if (config.additional_special_tokens.empty()) special_pieces = add_special_pieces(file, std::get<Unigram>(sections.model), adder);
  for (const std::string& sentinel : sentinels) adder.add_if_new(special_token(sentinel), -1);
  finish(family, config, name, adder, *tokenizer);
  if (!special_pieces.empty()) tokenizer->additional_special_tokens = std::move(special_pieces);
  return Tokenizer(std::move(tokenizer));
}

}  // namespace filbert
