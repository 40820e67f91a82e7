#include "tokenize/wordpiece.h"

#include <algorithm>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "tokenize/vocab_json.h"

namespace filbert {
namespace {

bool has_more_chars(std::string_view word, std::size_t limit) {
  return word.size() > limit && static_cast<std::size_t>(std::count_if(word.begin(), word.end(), starts_char)) > limit;
}

}  // namespace

WordPiece WordPiece::from_json(const JsonValue& model) {
  // Old files leave the type out.
  if (const auto type = model.find("type"); type && type->as_string() != "WordPiece") {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: expected WordPiece, found {}", type->where(), type->as_string()));
  }
  WordPiece wordpiece;
  wordpiece.unk_token = model.at("unk_token").as_string();
  wordpiece.continuing_subword_prefix = model.at("continuing_subword_prefix").as_string();
  const JsonValue max_chars = model.at("max_input_chars_per_word");
  if (max_chars.as_int() < 0) max_chars.fail("0 or more");
  wordpiece.max_input_chars_per_word = static_cast<std::size_t>(max_chars.as_int());

  wordpiece.vocab = vocab_from_json(model.at("vocab"));
  wordpiece.finish(model.where());
  return wordpiece;
}

void WordPiece::finish(std::string_view name) {
  const auto id = vocab.find(unk_token);
  if (!id) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected the unknown token \"{}\" in the vocabulary, found {} "
                                                "tokens without it",
                                                name, unk_token, vocab.size()));
  }
  unk_id = *id;
}

void WordPiece::tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<Piece>& pieces) const {
  const std::size_t before = pieces.size();
  bool is_known = !has_more_chars(text.substr(begin, end - begin), max_input_chars_per_word);
  for (std::size_t at = begin; is_known && at < end;) {
    const std::string_view prefix = at == begin ? std::string_view() : continuing_subword_prefix;
    const Vocab::Match match = vocab.longest(prefix, text, at, end);
    pieces.push_back({match.id, at, at + match.bytes});
    at += match.bytes;
    is_known = match.id >= 0;
  }
  if (is_known) return;
  pieces.resize(before);
  pieces.push_back({unk_id, begin, end});
}

}  // namespace filbert
