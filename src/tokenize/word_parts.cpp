#include "tokenize/word_parts.h"

#include <variant>

#include "base/text.h"
#include "tokenize/tokenizer.h"

namespace filbert {
namespace {

bool marks_subwords(const Tokenizer::Impl& tokenizer) {
  if (!tokenizer.sections) return !tokenizer.model.continuing_subword_prefix.empty();
  if (const auto* wordpiece = std::get_if<WordPiece>(&tokenizer.sections->model)) return !wordpiece->continuing_subword_prefix.empty();
  const auto* bpe = std::get_if<Bpe>(&tokenizer.sections->model);
  return bpe != nullptr && !bpe->continuing_subword_prefix.empty();
}

// Whether one of the two code points around `at` is a space. A text's beginning is not looked at.
bool is_beside_space(std::string_view text, std::size_t at) { return text[at - 1] == ' ' || (at < text.size() && text[at] == ' '); }

}  // namespace

WordParts::WordParts(const Tokenizer& tokenizer) : tokenizer_(tokenizer), marks_subwords_(marks_subwords(tokenizer.internals())) {
  if (const auto unk = tokenizer.unk_token()) unk_id_ = tokenizer.token_to_id(*unk);
}

WordParts::Part WordParts::operator()(std::int32_t id, std::string_view text, Offset bytes) const {
  const std::string_view there = text.substr(bytes.begin, bytes.end - bytes.begin);
  if (id == unk_id_) return {there, false};
  const std::string_view token = tokenizer_.id_to_token(id);
  const bool is_subword = marks_subwords_ ? count_code_points(token) != count_code_points(there) : bytes.begin > 0 && !is_beside_space(text, bytes.begin);
  return {token, is_subword};
}

}  // namespace filbert
