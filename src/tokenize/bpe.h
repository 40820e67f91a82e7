// Byte-pair encoding: a word starts as single characters (or bytes), and neighbours are merged, the pair of the lowest rank
// first. Tested by sections_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "tokenize/model_scratch.h"
#include "tokenize/vocab.h"

namespace filbert {

// From pairs of ids to what they merge into. Built once and then read.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank;
    std::int32_t id;
  };
  void reset(std::size_t count);
  void put(std::int32_t left, std::int32_t right, Merge merge);  // the last one for a pair counts
  const Merge* find(std::int32_t left, std::int32_t right) const;

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t pair;
    Merge merge;
  };
  std::size_t place(std::uint64_t pair) const;
  std::vector<Slot> slots_{{kEmpty, {}}};
};

struct Bpe {
  Vocab vocab;
  MergeTable merges;
  bool byte_level = false;  // the vocabulary writes each byte as a character of its own, as GPT-2's does
  std::optional<std::int32_t> unk_id;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
  std::string continuing_subword_prefix, end_of_word_suffix;
  std::int32_t byte_ids[256];  // byte_level: of a byte alone; else of <0x..>, for byte_fallback; -1: none

  // Reads section `model` of a tokenizer.json. Throws Error: unsupported (dropout), corrupt.
  static Bpe from_json(const JsonValue& model, bool byte_level);
  // From vocab.json's object and merges.txt's text, as transformers reads them.
  static Bpe from_files(const JsonValue& vocab, std::string_view merges_text, std::string_view merges_name);

  // Appends the pieces of the word text[begin, end), which is not empty.
  void tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                ModelScratch& scratch) const;

 private:
  using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
  void finish(const Pairs& pairs, std::string_view name);
  void add_symbols(std::string_view word, std::vector<ModelScratch::Symbol>& symbols) const;
  void merge_short(std::vector<ModelScratch::Symbol>& symbols) const;
  void merge_long(ModelScratch& scratch) const;
};

// The characters by which GPT-2's vocabularies write bytes, and the way back: nothing if a character of `text`, valid UTF-8, stands for no byte.
std::string byte_level_characters(std::string_view bytes);
std::optional<std::string> byte_level_bytes(std::string_view text);

}  // namespace filbert
