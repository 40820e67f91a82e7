// From tokens and ids back to text, and the tokens that have a role. Tested by decode_test.cpp and, against transformers itself, by
// tests/parity/decoder_parity.py.
#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

#include "base/text.h"
#include "tokenize/tokenizer.h"

namespace filbert {
namespace {

// What tokenizers takes an id for when it decodes: an added token first, as texts have it once they are normalized.
std::optional<std::string> token_of(const Tokenizer::Impl& tokenizer, std::int32_t id) {
  if (id < 0) throw Error(ErrorKind::invalid_argument, fmt::format("token id: expected 0 or more, found {}", id));
  if (static_cast<std::size_t>(id) >= tokenizer.vocab_size()) return std::nullopt;
  const std::string_view token = tokenizer.id_to_token(static_cast<std::size_t>(id));
  if (const AddedToken* added = tokenizer.added_tokens.find(token)) return added->decoded.value_or(added->content);
  // A line of a vocab.txt that a later one hides has no id.
  if (tokenizer.token_to_id(token) != id) return std::nullopt;
  return std::string(token);
}

std::string valid(const std::string& token) {
  return simdjson::validate_utf8(token.data(), token.size()) ? token : replace_invalid_utf8(token);
}

}  // namespace

std::vector<std::string> Tokenizer::Impl::all_special_tokens() const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& token) {
    if (std::find(all.begin(), all.end(), token) == all.end()) all.push_back(token);
  };
  for (const auto* token : {&bos_token, &eos_token, &unk_token, &sep_token, &pad_token, &cls_token, &mask_token}) {
    if (*token) add(**token);
  }
  for (const std::string& token : additional_special_tokens) add(token);
  return all;
}

std::optional<std::string> Tokenizer::bos_token() const { return impl_->bos_token; }
std::optional<std::string> Tokenizer::eos_token() const { return impl_->eos_token; }
std::optional<std::string> Tokenizer::unk_token() const { return impl_->unk_token; }
std::optional<std::string> Tokenizer::sep_token() const { return impl_->sep_token; }
std::optional<std::string> Tokenizer::pad_token() const { return impl_->pad_token; }
std::optional<std::string> Tokenizer::cls_token() const { return impl_->cls_token; }
std::optional<std::string> Tokenizer::mask_token() const { return impl_->mask_token; }
bool Tokenizer::pads_left() const { return impl_->pads_left; }
std::vector<std::string> Tokenizer::all_special_tokens() const { return impl_->all_special_tokens(); }

std::vector<std::int32_t> Tokenizer::all_special_ids() const {
  std::vector<std::int32_t> ids;
  for (const std::string& token : impl_->all_special_tokens()) {
    if (const auto id = impl_->token_to_id(token)) ids.push_back(*id);
  }
  return ids;
}

std::string Tokenizer::convert_tokens_to_string(std::span<const std::string> tokens) const {
  std::vector<std::string> valid_tokens;
  for (const std::string& token : tokens) valid_tokens.push_back(valid(token));
  return impl_->decoder.decode(std::move(valid_tokens));
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const {
  const auto is_special = [&](const std::string& token) {
    const AddedToken* added = impl_->added_tokens.find(token);
    return added != nullptr && added->special;
  };
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    auto token = token_of(*impl_, id);
    if (token && !(options.skip_special_tokens && is_special(*token))) tokens.push_back(*std::move(token));
  }
  std::string text = impl_->decoder.decode(std::move(tokens));
  const bool is_bpe = impl_->sections && std::holds_alternative<Bpe>(impl_->sections->model);
  const bool cleans_up = options.clean_up_tokenization_spaces.value_or(impl_->cleans_up_spaces) && !is_bpe;
  return cleans_up ? clean_up_tokenization(std::move(text)) : text;
}

}  // namespace filbert
