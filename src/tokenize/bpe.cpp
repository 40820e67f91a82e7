#include "tokenize/bpe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_map>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "tokenize/unicode.h"
#include "tokenize/vocab_json.h"

namespace filbert {
namespace {

constexpr std::size_t kShortWord = 48;  // symbols; from there on a heap is faster than looking at all pairs again

using Symbol = ModelScratch::Symbol;

// Bytes that print stand for themselves, the others for U+0100 and on.
std::array<char32_t, 256> make_byte_characters() {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool prints = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    characters[byte] = prints ? byte : next++;
  }
  return characters;
}

const std::array<char32_t, 256>& byte_characters() {
  static const std::array<char32_t, 256> characters = make_byte_characters();
  return characters;
}

std::string optional_string(const JsonValue& model, std::string_view key) {
  const auto value = model.find(key);
  return value ? std::string(value->as_string()) : std::string();
}

bool optional_bool(const JsonValue& model, std::string_view key) {
  const auto value = model.find(key);
  return value && value->as_bool();
}

// "a b", or in newer files ["a", "b"].
std::pair<std::string_view, std::string_view> pair_of(simdjson::dom::element element, std::string_view where) {
  std::string_view text, left, right;
  if (element.get_string().get(text) == simdjson::SUCCESS) {
    const std::size_t space = text.find(' ');
    if (space != text.npos && text.find(' ', space + 1) == text.npos) return {text.substr(0, space), text.substr(space + 1)};
  } else if (simdjson::dom::array both; element.get_array().get(both) == simdjson::SUCCESS && both.size() == 2 &&
                                        both.at(0).get_string().get(left) == simdjson::SUCCESS &&
                                        both.at(1).get_string().get(right) == simdjson::SUCCESS) {
    return {left, right};
  }
  JsonValue(element, std::string(where)).fail("two strings");
}

}  // namespace

std::string byte_level_characters(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(byte_characters()[static_cast<unsigned char>(byte)], text);
  return text;
}

std::optional<std::string> byte_level_bytes(std::string_view text) {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> made;
    for (std::size_t byte = 0; byte < 256; ++byte) made[byte_characters()[byte]] = static_cast<char>(byte);
    return made;
  }();
  std::string written;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Char c = unicode::decode(text, at);
    const auto byte = bytes.find(c.code_point);
    if (byte == bytes.end()) return std::nullopt;
    written += byte->second;
    at += c.bytes;
  }
  return written;
}

void MergeTable::reset(std::size_t count) { slots_.assign(std::bit_ceil(count * 2 + 1), {kEmpty, {}}); }

std::size_t MergeTable::place(std::uint64_t pair) const {
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;
  std::size_t slot = (hash ^ hash >> 32) & mask;
  while (slots_[slot].pair != kEmpty && slots_[slot].pair != pair) slot = (slot + 1) & mask;
  return slot;
}

namespace {
std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}
}  // namespace

void MergeTable::put(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t pair = pair_key(left, right);
  slots_[place(pair)] = {pair, merge};
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const Slot& slot = slots_[place(pair_key(left, right))];
  return slot.pair == kEmpty ? nullptr : &slot.merge;
}

Bpe Bpe::from_json(const JsonValue& model, bool byte_level) {
  if (const auto dropout = model.find("dropout"); dropout && dropout->as_double() != 0) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: expected none, found {}", dropout->where(), dropout->as_double()));
  }
  Bpe bpe;
  bpe.byte_level = byte_level;
  bpe.fuse_unk = optional_bool(model, "fuse_unk");
  bpe.byte_fallback = optional_bool(model, "byte_fallback");
  bpe.ignore_merges = optional_bool(model, "ignore_merges");
  bpe.continuing_subword_prefix = optional_string(model, "continuing_subword_prefix");
  bpe.end_of_word_suffix = optional_string(model, "end_of_word_suffix");
  bpe.vocab = vocab_from_json(model.at("vocab"));
  if (const auto unk_token = model.find("unk_token")) bpe.unk_id = bpe.vocab.find(unk_token->as_string());
  const JsonValue merges = model.at("merges");
  simdjson::dom::array array;
  if (merges.raw().get_array().get(array) != simdjson::SUCCESS) merges.fail("an array");
  Pairs pairs;
  for (const simdjson::dom::element element : array) pairs.push_back(pair_of(element, merges.where()));
  bpe.finish(pairs, merges.where());
  return bpe;
}

Bpe Bpe::from_files(const JsonValue& vocab, std::string_view text, std::string_view name) {
  Bpe bpe;
  bpe.byte_level = true;
  bpe.vocab = vocab_from_json(vocab);
  Pairs pairs;
  for (std::size_t line = 1; !text.empty(); ++line) {
    std::string_view merge = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(merge.size() + 1, text.size()));
    if (merge.ends_with('\r')) merge.remove_suffix(1);
    if (merge.empty() || merge.starts_with("#version")) continue;
    const std::size_t space = merge.find(' ');
    if (space == merge.npos || merge.find(' ', space + 1) != merge.npos) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: line {}: expected two pieces, found \"{}\"", name, line, merge));
    }
    pairs.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  bpe.finish(pairs, name);
  return bpe;
}

void Bpe::finish(const Pairs& pairs, std::string_view name) {
  const auto id_of = [&](std::string_view token) {
    if (const auto id = vocab.find(token)) return *id;
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected pieces that the vocabulary has, found \"{}\"", name, token));
  };
  merges.reset(pairs.size());
  std::string merged;
  for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
    const auto [left, right] = pairs[rank];
    if (right.size() < continuing_subword_prefix.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected \"{}\" in front of a right piece, found \"{}\"", name,
                                                  continuing_subword_prefix, right));
    }
    merged = left;
    merged += right.substr(continuing_subword_prefix.size());
    const std::int32_t left_id = id_of(left), right_id = id_of(right);
    merges.put(left_id, right_id, {static_cast<std::uint32_t>(rank), id_of(merged)});
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char one = static_cast<char>(byte);
    byte_ids[byte] = vocab.find(byte_level ? byte_level_characters({&one, 1}) : fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
}

// What a word is made of before anything is merged. A character that nothing knows is left out if there is no unknown token.
void Bpe::add_symbols(std::string_view word, std::vector<Symbol>& symbols) const {
  symbols.clear();
  const auto add = [&](std::int32_t id, std::uint32_t bytes) { symbols.push_back({id, bytes, 0, 0}); };
  bool after_unk = false;
  std::string token;
  for (std::size_t at = 0; at < word.size();) {
    const std::uint32_t bytes = byte_level ? 1 : unicode::decode(word, at).bytes;
    const std::string_view part = word.substr(at, bytes);
    std::optional<std::int32_t> id;
    if (byte_level) {
      if (const std::int32_t byte_id = byte_ids[static_cast<unsigned char>(part[0])]; byte_id >= 0) id = byte_id;
    } else {
      token = part;
      if (at > 0) token.insert(0, continuing_subword_prefix);
      if (at + bytes == word.size()) token += end_of_word_suffix;
      id = vocab.find(token);
    }
    at += bytes;
    const bool falls_back = !id && byte_fallback && !byte_level && std::all_of(part.begin(), part.end(), [&](char byte) {
      return byte_ids[static_cast<unsigned char>(byte)] >= 0;
    });
    if (id) {
      add(*id, bytes);
    } else if (falls_back) {
      for (const char byte : part) add(byte_ids[static_cast<unsigned char>(byte)], 1);
    } else if (unk_id && fuse_unk && after_unk) {
      symbols.back().bytes += bytes;
    } else if (unk_id) {
      add(*unk_id, bytes);
    }
    after_unk = !id && !falls_back && unk_id.has_value();
  }
}

// Looks at all pairs for each merge.
void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  MergeTable::Merge known[kShortWord];  // of symbol i and the next
  std::size_t count = symbols.size();
  const auto look_up = [&](std::size_t i) {
    const MergeTable::Merge* merge = merges.find(symbols[i].id, symbols[i + 1].id);
    known[i] = merge == nullptr ? MergeTable::Merge{kNone, 0} : *merge;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (known[i].rank < known[best].rank) best = i;
    }
    if (known[best].rank == kNone) break;
    symbols[best].id = known[best].id;
    symbols[best].bytes += symbols[best + 1].bytes;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      known[i] = known[i + 1];
    }
    if (best + 1 < count) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  symbols.resize(count);
}

// Merges wait in a heap; one whose symbols have changed meanwhile is dropped.
void Bpe::merge_long(ModelScratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  auto& heap = scratch.merges;
  const auto later = [](const ModelScratch::Merge& a, const ModelScratch::Merge& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto push = [&](std::int32_t at) {
    const std::int32_t after = at < 0 ? -1 : symbols[static_cast<std::size_t>(at)].after;
    if (after < 0) return;
    const auto* merge = merges.find(symbols[static_cast<std::size_t>(at)].id, symbols[static_cast<std::size_t>(after)].id);
    if (merge == nullptr) return;
    heap.push_back({merge->rank, at, merge->id});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  heap.clear();
  const auto count = static_cast<std::int32_t>(symbols.size());
  for (std::int32_t i = 0; i < count; ++i) {
    symbols[static_cast<std::size_t>(i)].before = i - 1;
    symbols[static_cast<std::size_t>(i)].after = i + 1 < count ? i + 1 : -1;
  }
  for (std::int32_t i = 0; i < count; ++i) push(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const ModelScratch::Merge top = heap.back();
    heap.pop_back();
    Symbol& left = symbols[static_cast<std::size_t>(top.at)];
    if (left.bytes == 0 || left.after < 0) continue;
    Symbol& right = symbols[static_cast<std::size_t>(left.after)];
    const auto* merge = merges.find(left.id, right.id);
    if (merge == nullptr || merge->id != top.id) continue;
    left.id = top.id;
    left.bytes += right.bytes;
    right.bytes = 0;
    left.after = right.after;
    if (left.after >= 0) symbols[static_cast<std::size_t>(left.after)].before = top.at;
    push(left.before);
    push(top.at);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.bytes == 0; });
}

void Bpe::tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                   ModelScratch& scratch) const {
  const std::string_view word = text.substr(begin, end - begin);
  if (ignore_merges) {
    if (const auto id = byte_level ? vocab.find(byte_level_characters(word)) : vocab.find(word)) {
      return pieces.push_back({*id, begin, end});
    }
  }
  add_symbols(word, scratch.symbols);
  if (scratch.symbols.size() <= kShortWord) {
    merge_short(scratch.symbols);
  } else {
    merge_long(scratch);
  }
  for (const Symbol& symbol : scratch.symbols) {
    pieces.push_back({symbol.id, begin, begin + symbol.bytes});
    begin += symbol.bytes;
  }
}

}  // namespace filbert
