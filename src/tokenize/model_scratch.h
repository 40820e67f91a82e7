// Memory that the models of tokenizers take for a word, kept from word to word; and what they make of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace filbert {

struct ModelPiece {
  std::int32_t id;
  std::size_t begin, end;  // bytes of the text
};

struct ModelScratch {
  // Of BPE: a chain of pieces; what is merged away has no bytes.
  struct Symbol {
    std::int32_t id;
    std::uint32_t bytes;
    std::int32_t before, after;  // -1: none
  };
  struct Merge {
    std::uint32_t rank;
    std::int32_t at, id;
  };
  std::vector<Symbol> symbols;
  std::vector<Merge> merges;  // a heap

  // Of Unigram: the best way to each byte.
  struct Node {
    double score;
    std::int32_t id;
    std::uint32_t start;
  };
  std::vector<Node> nodes;
  std::string text;
};

}  // namespace filbert
