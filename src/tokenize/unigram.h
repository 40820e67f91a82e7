// Unigram: of all ways to cut a word into known pieces the one with the highest sum of scores (logarithms of probabilities),
// found left to right over a trie of the pieces. Tested by sections_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/model_scratch.h"
#include "tokenize/vocab.h"

namespace filbert {

// From (node, byte) to node, by hash: a node is the place of its first visit.
class PieceTrie {
 public:
  static constexpr std::uint32_t kRoot = 0, kNone = ~std::uint32_t{0};
  void reserve(std::size_t nodes);
  void add(std::string_view piece, std::int32_t id);  // of equal pieces the last one counts
  std::uint32_t step(std::uint32_t node, unsigned char byte) const {
    const std::uint32_t key = node << 8 | byte;
    for (std::size_t slot = hash(key) & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot].node == kRoot) return kNone;
      if (slots_[slot].key == key) return slots_[slot].node;
    }
  }
  std::int32_t id(std::uint32_t node) const { return ids_[node]; }  // -1: no piece ends here

 private:
  struct Slot {
    std::uint32_t key, node;  // node kRoot: empty
  };
  static std::size_t hash(std::uint32_t key) {
    const std::uint64_t hash = key * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(hash >> 32);
  }
  std::uint32_t add_step(std::uint32_t node, unsigned char byte);
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::size_t mask_ = 1;
  std::vector<std::int32_t> ids_ = {-1};  // [nodes]
};

struct Unigram {
  Vocab vocab;
  std::vector<double> scores;  // [vocab.size()]
  std::optional<std::int32_t> unk_id;
  bool byte_fallback = false;
  PieceTrie trie;
  double unk_score = 0;
  std::int32_t byte_ids[256];  // of <0x..>; -1: none

  struct Piece {
    std::string_view text;
    double score;
  };
  // Reads section `model` of a tokenizer.json. Throws Error(corrupt).
  static Unigram from_json(const JsonValue& model);
  // `name` leads messages. Throws Error(corrupt): unk_id past the end, no pieces.
  static Unigram from_pieces(const std::vector<Piece>& pieces, std::optional<std::int64_t> unk_id, bool byte_fallback,
                             std::string_view name);

  // Appends the pieces of the word text[begin, end), valid UTF-8 and not empty. Without unk_id, characters that nothing
  // knows are left out.
  void tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                ModelScratch& scratch) const;

 private:
  void find_best(std::string_view word, std::vector<ModelScratch::Node>& nodes) const;
  void add_unknown(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces) const;
};

}  // namespace filbert
