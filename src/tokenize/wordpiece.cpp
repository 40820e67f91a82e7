#include "tokenize/wordpiece.h"

#include <algorithm>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

bool starts_char(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

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

  const JsonValue vocab = model.at("vocab");
  simdjson::dom::object fields;
  if (vocab.raw().get_object().get(fields) != simdjson::SUCCESS) vocab.fail("an object");
  std::vector<Vocab::Entry> entries;
  entries.reserve(fields.size());
  // Not for_each_field: it makes a string for each of 120 thousand fields.
  for (const auto& [token, id] : fields) {
    std::int64_t number = 0;
    if (id.get_int64().get(number) != simdjson::SUCCESS) {
      JsonValue(id, fmt::format("{}: {}", vocab.where(), token)).fail("an integer");
    }
    entries.push_back({token, number});
  }
  wordpiece.vocab = Vocab::from_entries(entries, vocab.where());
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
  prefix_hash = RunningHash();
  prefix_hash.add(continuing_subword_prefix);
}

void WordPiece::tokenize(std::string_view word, std::vector<Piece>& pieces, std::vector<RunningHash>& hashes) const {
  const auto whole_word_is_unknown = [&](std::size_t keep) {
    pieces.resize(keep);
    pieces.push_back({unk_id, 0, word.size()});
  };
  const std::size_t before = pieces.size();
  if (has_more_chars(word, max_input_chars_per_word)) return whole_word_is_unknown(before);
  if (hashes.size() <= vocab.max_token_bytes()) hashes.resize(vocab.max_token_bytes() + 1);

  for (std::size_t begin = 0; begin < word.size();) {
    const std::string_view prefix = begin == 0 ? std::string_view() : continuing_subword_prefix;
    const std::string_view rest = word.substr(begin, vocab.max_token_bytes());
    RunningHash hash = begin == 0 ? RunningHash() : prefix_hash;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      hash.add(rest[i]);
      hashes[i] = hash;
    }
    std::size_t bytes = rest.size();
    std::int32_t id = -1;
    for (; bytes > 0; --bytes) {
      if (begin + bytes < word.size() && !starts_char(word[begin + bytes])) continue;
      id = vocab.find(hashes[bytes - 1].value(), prefix, rest.substr(0, bytes));
      if (id >= 0) break;
    }
    if (id < 0) return whole_word_is_unknown(before);
    pieces.push_back({id, begin, begin + bytes});
    begin += bytes;
  }
}

}  // namespace filbert
