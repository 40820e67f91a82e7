#include "tokenize/token_adder.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace filbert {

TokenAdder::TokenAdder(Tokenizer::Impl& tokenizer)
    : tokenizer_(tokenizer), next_id_(tokenizer.vocab().size() - tokenizer.vocab().gaps()) {}

void TokenAdder::add(AddedToken token, std::int64_t expected_id) {
  if (token.content.empty()) return;
  const auto known = tokenizer_.token_to_id(token.content);
  token.id = known ? *known : static_cast<std::int32_t>(next_id_++);
  if (expected_id >= 0 && expected_id != token.id) {
    tokenizer_.doubts.push_back(fmt::format("added token \"{}\" is written with id {}, and gets {} as in tokenizers",
                                            token.content, expected_id, token.id));
  }
  const std::string normalized = normalize(token.content);
  tokenizer_.added_tokens.add(std::move(token), normalized);
}

void TokenAdder::add_if_new(const AddedToken& token, std::int64_t expected_id) {
  if (tokenizer_.added_tokens.find(token.content) == nullptr) add(token, expected_id);
}

std::string TokenAdder::normalize(const std::string& content) const {
  if (tokenizer_.sections) {
    AlignedText text, scratch;
    text.keeps_origins = false;
    text.assign(content, 0, content.size());
    filbert::normalize(tokenizer_.sections->normalizer, text, scratch);
    return text.text;
  }
  if (!tokenizer_.normalizer) return content;
  NormalizedText normalized;
  normalized.keeps_runs = false;
  tokenizer_.normalizer->normalize(content, 0, content.size(), normalized);
  return normalized.text;
}

void TokenAdder::add_those_of(const TokenizerConfig& config) {
  for (const AddedToken& token : config.added_tokens) add_if_new(token, token.id);
  for (const auto& token : config.special_tokens) {
    if (token) add_if_new(*token, -1);
  }
  for (const auto* token : {&config.bos_token, &config.eos_token}) {
    if (*token) add_if_new(**token, -1);
  }
  for (const AddedToken& token : config.additional_special_tokens) add_if_new(token, -1);
}

namespace {

// A token with a role is a special one, whatever its flag says; additional ones are what their flags say.
void mark_special(std::string_view content, Tokenizer::Impl& tokenizer) {
  const AddedToken* token = tokenizer.added_tokens.find(content);
  if (token->special) return;
  AddedToken special = *token;
  special.special = true;
  const std::string normalized = special.decoded.value_or(special.content);
  tokenizer.added_tokens.add(std::move(special), normalized);
}

// The token that the files give a role, or else the class or, of one that is not known, families, where texts can hold it.
std::optional<std::string> token_of_role(Tokenizer::Impl& tokenizer, const AddedToken* named, std::string_view of_class,
                                         std::initializer_list<std::string_view> usual) {
  for (const std::string_view content : {named != nullptr ? std::string_view(named->content) : std::string_view(), of_class}) {
    if (tokenizer.added_tokens.find(content) == nullptr) continue;
    mark_special(content, tokenizer);
    return std::string(content);
  }
  for (const std::string_view content : usual) {
    if (tokenizer.added_tokens.find(content) != nullptr) return std::string(content);
  }
  return std::nullopt;
}

void set_special_tokens(const TokenizerConfig& config, const ClassDefaults& defaults, Tokenizer::Impl& tokenizer) {
  const auto of_role = [&](SpecialRole role, std::initializer_list<std::string_view> usual) {
    return token_of_role(tokenizer, config.special(role), defaults.special_tokens[static_cast<std::size_t>(role)], usual);
  };
  tokenizer.unk_token = of_role(SpecialRole::unk, {"[UNK]", "<unk>"});
  tokenizer.sep_token = of_role(SpecialRole::sep, {"[SEP]", "<sep>", "</s>"});
  tokenizer.pad_token = of_role(SpecialRole::pad, {"[PAD]", "<pad>"});
  tokenizer.cls_token = of_role(SpecialRole::cls, {"[CLS]", "<cls>", "<s>"});
  tokenizer.mask_token = of_role(SpecialRole::mask, {"[MASK]", "<mask>"});
  tokenizer.bos_token = token_of_role(tokenizer, config.bos_token ? &*config.bos_token : nullptr, defaults.bos_token, {});
  tokenizer.eos_token = token_of_role(tokenizer, config.eos_token ? &*config.eos_token : nullptr, defaults.eos_token, {});
  for (const AddedToken& token : config.additional_special_tokens) tokenizer.additional_special_tokens.push_back(token.content);
  if (!tokenizer.additional_special_tokens.empty()) return;
  for (const std::string_view token : defaults.additional_special_tokens) {
    if (!token.empty() && tokenizer.token_to_id(token)) tokenizer.additional_special_tokens.emplace_back(token);
  }
}

}  // namespace

void apply_common(const TokenizerConfig& config, const std::optional<ClassDefaults>& defaults, Tokenizer::Impl& tokenizer) {
  tokenizer.model_max_length = config.model_max_length;
  tokenizer.truncates_left = config.truncates_left;
  tokenizer.pads_left = config.pads_left.value_or(defaults && defaults->pads_left);
  tokenizer.cleans_up_spaces = config.clean_up_tokenization_spaces.value_or(false);
  const std::string_view model_name = tokenizer.sections ? tokenizer.sections->model_name() : "WordPiece";
  if (defaults && defaults->model_name == model_name) tokenizer.decoder = defaults->decoder;
  set_special_tokens(config, defaults.value_or(ClassDefaults{}), tokenizer);
  if (tokenizer.sections) return;  // never_split is of BertTokenizer alone
  for (const std::string& word : config.never_split) {
    tokenizer.never_split[word] = tokenizer.token_to_id(word).value_or(tokenizer.model.unk_id);
  }
}

void set_post_processor(PostProcessor post_processor, Tokenizer::Impl& tokenizer) {
  tokenizer.post_processor = std::move(post_processor);
  if (!tokenizer.sections) return;
  tokenizer.sections->trims_offsets = tokenizer.post_processor.trims_offsets;
  tokenizer.sections->add_prefix_space = tokenizer.post_processor.add_prefix_space;
}

}  // namespace filbert
