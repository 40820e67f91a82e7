#include "tokenize/unigram.h"

#include <algorithm>
#include <future>
#include <limits>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr double kUnkPenalty = 10;  // an unknown character is that much worse than the worst piece
constexpr std::uint32_t kUnreached = std::numeric_limits<std::uint32_t>::max();

}  // namespace

// By the first 16 bytes, which settle nearly all, and the rest where they do not.
PieceTrie::Sorted PieceTrie::sort(std::span<const std::string_view> pieces) {
  struct Key {
    std::uint64_t first, second;  // big-endian, filled up with zeros
    std::int32_t id;
  };
  std::vector<Key> keys(pieces.size());
  std::size_t bytes = 0;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    std::array<unsigned char, 16> beginning{};
    std::copy_n(pieces[id].begin(), std::min(beginning.size(), pieces[id].size()), beginning.begin());
    const auto word = [&](std::size_t at) {
      std::uint64_t value = 0;
      for (std::size_t byte = at; byte < at + 8; ++byte) value = value << 8 | beginning[byte];
      return value;
    };
    keys[id] = {word(0), word(8), static_cast<std::int32_t>(id)};
    bytes += pieces[id].size();
  }
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    const int order = pieces[static_cast<std::size_t>(a.id)].compare(pieces[static_cast<std::size_t>(b.id)]);
    return order != 0 ? order < 0 : a.id < b.id;
  });
  Sorted sorted;
  sorted.ids.reserve(keys.size());
  sorted.begins.reserve(keys.size() + 1);
  sorted.text.reserve(bytes);
  for (const Key& key : keys) {
    sorted.ids.push_back(key.id);
    sorted.begins.push_back(static_cast<std::uint32_t>(sorted.text.size()));
    sorted.text += pieces[static_cast<std::size_t>(key.id)];
  }
  sorted.begins.push_back(static_cast<std::uint32_t>(sorted.text.size()));
  return sorted;
}

PieceTrie::PieceTrie(std::span<const std::string_view> pieces) {
  const Sorted sorted = sort(pieces);
  first_child_.reserve(sorted.text.size() / 2);
  bytes_.reserve(sorted.text.size() / 2);
  ids_.reserve(sorted.text.size() / 2);
  // The pieces [begin, end) that begin with what leads to a node.
  struct Range {
    std::uint32_t begin, end;
  };
  std::vector<Range> level = {{0, static_cast<std::uint32_t>(pieces.size())}}, next;
  bytes_.push_back(0);
  ids_.push_back(-1);
  for (std::uint32_t depth = 0; !level.empty(); ++depth, std::swap(level, next)) {
    next.clear();
    const auto byte_of = [&](std::uint32_t piece) { return static_cast<unsigned char>(sorted.text[sorted.begins[piece] + depth]); };
    for (auto [piece, end] : level) {
      const std::size_t node = first_child_.size();
      for (; piece < end && sorted.begins[piece + 1] - sorted.begins[piece] == depth; ++piece) ids_[node] = sorted.ids[piece];
      first_child_.push_back(static_cast<std::uint32_t>(bytes_.size()));
      while (piece < end) {
        const std::uint32_t begin = piece++;
        while (piece < end && byte_of(piece) == byte_of(begin)) ++piece;
        bytes_.push_back(byte_of(begin));
        ids_.push_back(-1);
        next.push_back({begin, piece});
      }
    }
  }
  first_child_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  ids_[kRoot] = -1;  // an empty piece is none
  of_root_.fill(kNone);
  for (std::uint32_t child = first_child_[0]; child < first_child_[1]; ++child) of_root_[bytes_[child]] = child;
}

Unigram Unigram::from_json(const JsonValue& model) {
  const JsonValue vocab = model.at("vocab");
  simdjson::dom::array array;
  if (vocab.raw().get_array().get(array) != simdjson::SUCCESS) vocab.fail("an array");
  std::vector<Piece> pieces;
  pieces.reserve(1 << 15);
  for (const simdjson::dom::element element : array) {
    simdjson::dom::array pair;
    Piece piece{};
    std::size_t index = 0;
    bool good = element.get_array().get(pair) == simdjson::SUCCESS;
    if (good) {
      for (const simdjson::dom::element field : pair) {  // not at(): that walks from the beginning
        good = good && (index == 0   ? field.get_string().get(piece.text) == simdjson::SUCCESS
                        : index == 1 ? field.get_double().get(piece.score) == simdjson::SUCCESS
                                     : false);
        ++index;
      }
    }
    if (!good || index != 2) JsonValue(element, fmt::format("{}[{}]", vocab.where(), pieces.size())).fail("a piece and its score");
    pieces.push_back(piece);
  }
  const auto unk_id = model.find("unk_id");
  const auto byte_fallback = model.find("byte_fallback");
  return from_pieces(pieces, unk_id ? std::optional(unk_id->as_int()) : std::nullopt,
                     byte_fallback && byte_fallback->as_bool(), model.where());
}

Unigram Unigram::from_pieces(const std::vector<Piece>& pieces, std::optional<std::int64_t> unk_id, bool byte_fallback,
                             std::string_view name) {
  if (unk_id && (*unk_id < 0 || static_cast<std::size_t>(*unk_id) >= pieces.size())) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: unk_id: expected 0 to {}, found {}", name, pieces.size() - 1, *unk_id));
  }
  Unigram unigram;
  unigram.byte_fallback = byte_fallback;
  if (unk_id) unigram.unk_id = static_cast<std::int32_t>(*unk_id);
  std::vector<Vocab::Entry> entries;
  std::vector<std::string_view> texts;
  entries.reserve(pieces.size());
  texts.reserve(pieces.size());
  unigram.scores.reserve(pieces.size());
  std::size_t bytes = 0;
  double min_score = std::numeric_limits<double>::infinity();
  for (const Piece& piece : pieces) {
    entries.push_back({piece.text, static_cast<std::int64_t>(entries.size())});
    texts.push_back(piece.text);
    unigram.scores.push_back(piece.score);
    min_score = std::min(min_score, piece.score);
    bytes += piece.text.size();
  }
  if (bytes >= std::size_t{1} << 24) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected pieces of less than 16 MiB, found {} bytes", name, bytes));
  }
  auto trie = std::async(std::launch::async, [&] { return PieceTrie(texts); });  // each takes half of what they would take in turn
  unigram.vocab = Vocab::from_entries(entries, name);
  unigram.trie = trie.get();
  unigram.unk_score = min_score - kUnkPenalty;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    unigram.byte_ids[byte] = unigram.vocab.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  return unigram;
}

void Unigram::find_best(std::string_view word, std::vector<ModelScratch::Node>& nodes) const {
  nodes.assign(word.size() + 1, {0, -1, kUnreached});
  const auto offer = [&](std::size_t at, double score, std::int32_t id, std::size_t start) {
    ModelScratch::Node& node = nodes[at];
    if (node.start == kUnreached || score > node.score) node = {score, id, static_cast<std::uint32_t>(start)};
  };
  for (std::size_t start = 0; start < word.size();) {
    const double before = nodes[start].score;
    const std::size_t char_bytes = unicode::decode(word, start).bytes;
    bool has_char = false;
    std::uint32_t node = PieceTrie::kRoot;
    for (std::size_t at = start; at < word.size();) {
      node = trie.step(node, static_cast<unsigned char>(word[at++]));
      if (node == PieceTrie::kNone) break;
      const std::int32_t id = trie.id(node);
      if (id < 0) continue;
      offer(at, before + scores[static_cast<std::size_t>(id)], id, start);
      has_char = has_char || at - start == char_bytes;
    }
    if (!has_char) offer(start + char_bytes, before + unk_score, unk_id.value_or(-1), start);
    start += char_bytes;
  }
}

// Characters in a row that nothing knows: one token, or their bytes.
void Unigram::add_unknown(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces) const {
  const std::string_view unknown = text.substr(begin, end - begin);
  const auto known = [&](char byte) { return byte_ids[static_cast<unsigned char>(byte)] >= 0; };
  if (const auto id = vocab.find(unknown)) {
    pieces.push_back({*id, begin, end});
  } else if (byte_fallback && std::all_of(unknown.begin(), unknown.end(), known)) {
    for (const char byte : unknown) pieces.push_back({byte_ids[static_cast<unsigned char>(byte)], begin, end});
  } else if (unk_id) {
    pieces.push_back({*unk_id, begin, end});
  }
}

void Unigram::tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                       ModelScratch& scratch) const {
  std::vector<ModelScratch::Node>& nodes = scratch.nodes;
  find_best(text.substr(begin, end - begin), nodes);
  const std::int32_t unk = unk_id.value_or(-1);
  scratch.symbols.clear();  // the way from the end to the beginning
  for (std::size_t at = end - begin; at > 0;) {
    const std::size_t start = nodes[at].start;
    scratch.symbols.push_back({nodes[at].id, static_cast<std::uint32_t>(at - start), 0, 0});
    at = start;
  }
  for (std::size_t at = begin; !scratch.symbols.empty();) {
    std::size_t to = at + scratch.symbols.back().bytes;
    const std::int32_t id = scratch.symbols.back().id;
    scratch.symbols.pop_back();
    if (id != unk) {
      pieces.push_back({id, at, to});
    } else {
      while (!scratch.symbols.empty() && scratch.symbols.back().id == unk) {
        to += scratch.symbols.back().bytes;
        scratch.symbols.pop_back();
      }
      add_unknown(text, at, to, pieces);
    }
    at = to;
  }
}

}  // namespace filbert
