// Unigram: of all ways to cut a word into known pieces the one with the highest sum of scores (logarithms of probabilities),
// found left to right over a trie of the pieces. Tested by sections_test.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/model_scratch.h"
#include "tokenize/vocab.h"

namespace filbert {

// The pieces by their bytes. Nodes are numbered level by level, so that the children of one lie side by side, in the order of their bytes.
class PieceTrie {
 public:
  static constexpr std::uint32_t kRoot = 0, kNone = ~std::uint32_t{0};

  PieceTrie() = default;
  // The id of a piece is its place among `pieces`; of equal pieces the last one counts. Less than 4 GiB of them.
  explicit PieceTrie(std::span<const std::string_view> pieces);

  std::uint32_t step(std::uint32_t node, unsigned char byte) const {
    if (node == kRoot) return of_root_[byte];
    std::uint32_t child = first_child_[node], end = first_child_[node + 1];
    while (end - child > 8) {
      const std::uint32_t middle = child + (end - child) / 2;
      (bytes_[middle] <= byte ? child : end) = middle;
    }
    for (; child < end; ++child) {
      if (bytes_[child] == byte) return child;
    }
    return kNone;
  }
  std::int32_t id(std::uint32_t node) const { return ids_[node]; }  // -1: no piece ends here

 private:
  // In order of their bytes, end to end; piece i is that of id `ids[i]`, text[begins[i], begins[i + 1]).
  struct Sorted {
    std::vector<std::int32_t> ids;
    std::vector<std::uint32_t> begins;
    std::string text;
  };
  static Sorted sort(std::span<const std::string_view> pieces);

  std::vector<std::uint32_t> first_child_;  // [nodes + 1]
  std::vector<unsigned char> bytes_;        // [nodes] that lead there
  std::vector<std::int32_t> ids_;           // [nodes]
  std::array<std::uint32_t, 256> of_root_{};
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
