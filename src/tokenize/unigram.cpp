#include "tokenize/unigram.h"

#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr double kUnkPenalty = 10;  // an unknown character is that much worse than the worst piece
constexpr std::uint32_t kUnreached = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void PieceTrie::reserve(std::size_t nodes) {
  ids_.reserve(nodes);
  slots_.assign(std::bit_ceil(nodes * 2 + 2), {0, kRoot});
  mask_ = slots_.size() - 1;
}

void PieceTrie::grow() {
  std::vector<Slot> old(slots_.size() * 2, {0, kRoot});
  std::swap(old, slots_);
  mask_ = slots_.size() - 1;
  for (const Slot from : old) {
    if (from.node == kRoot) continue;
    std::size_t slot = hash(from.key) & mask_;
    while (slots_[slot].node != kRoot) slot = (slot + 1) & mask_;
    slots_[slot] = from;
  }
}

std::uint32_t PieceTrie::add_step(std::uint32_t node, unsigned char byte) {
  const std::uint32_t key = node << 8 | byte;
  std::size_t slot = hash(key) & mask_;
  for (; slots_[slot].node != kRoot; slot = (slot + 1) & mask_) {
    if (slots_[slot].key == key) return slots_[slot].node;
  }
  const auto next = static_cast<std::uint32_t>(ids_.size());
  slots_[slot] = {key, next};
  ids_.push_back(-1);
  if (ids_.size() * 2 > slots_.size()) grow();
  return next;
}

void PieceTrie::add(std::string_view piece, std::int32_t id) {
  std::uint32_t node = kRoot;
  for (const char byte : piece) node = add_step(node, static_cast<unsigned char>(byte));
  if (node != kRoot) ids_[node] = id;
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
  entries.reserve(pieces.size());
  unigram.scores.reserve(pieces.size());
  std::size_t bytes = 0;
  double min_score = std::numeric_limits<double>::infinity();
  for (const Piece& piece : pieces) {
    entries.push_back({piece.text, static_cast<std::int64_t>(entries.size())});
    unigram.scores.push_back(piece.score);
    min_score = std::min(min_score, piece.score);
    bytes += piece.text.size();
  }
  if (bytes >= std::size_t{1} << 24) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected pieces of less than 16 MiB, found {} bytes", name, bytes));
  }
  unigram.vocab = Vocab::from_entries(entries, name);
  unigram.unk_score = min_score - kUnkPenalty;
  unigram.trie.reserve(bytes / 2);
  for (const Vocab::Entry& entry : entries) unigram.trie.add(entry.token, static_cast<std::int32_t>(entry.id));
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
