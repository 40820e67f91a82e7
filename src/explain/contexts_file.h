// The file of an index. A header of 128 bytes, then blocks of some thousand tokens, each with a header of its own, then a directory in JSON:
//
//   header     magic, version, bytes of the file, place and bytes of the directory, sha256 of the directory, sha256 of the header before it
//   settings   a block header, and what a run must share to go on with this one, in JSON
//   block      magic, bytes, texts, tokens, bytes of the heap, sha256 of what follows: for each layer the embeddings' scales and numbers and
//              the contexts' scales and numbers; the texts; the tokens; the heap of their strings
//   directory  what the index is of, its layers, and where each block lies
//
// Every array begins at a multiple of 64 bytes, numbers have the least byte first. A block says all that is needed to go on behind it, so
// that a run which was ended can be resumed. Tested by contexts_test.cpp.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/contexts.h>

#include "base/file.h"
#include "base/json_writer.h"

namespace filbert {

static_assert(std::endian::native == std::endian::little, "an index is used as it lies");

constexpr std::size_t kIndexAlignment = 64;
constexpr std::uint32_t kIndexVersion = 1;
constexpr std::array<char, 8> kIndexMagic = {'F', 'I', 'L', 'B', 'C', 'T', 'X', '\n'};
constexpr std::array<char, 8> kPartialMagic = {'F', 'I', 'L', 'B', 'C', 'T', 'P', '\n'};
constexpr std::array<char, 8> kBlockMagic = {'B', 'L', 'O', 'C', 'K', 'C', 'T', 'X'};
constexpr std::array<char, 8> kSettingsMagic = {'S', 'E', 'T', 'T', 'I', 'N', 'G', 'S'};

// Up to a whole multiple of kIndexAlignment.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + kIndexAlignment - 1) / kIndexAlignment * kIndexAlignment; }

using Digest = std::array<std::byte, 32>;
Digest digest_of(std::span<const std::byte> bytes);

struct IndexHeader {
  std::array<char, 8> magic = kIndexMagic;
  std::uint32_t version = kIndexVersion;
  std::uint32_t header_bytes = 0;         // of this struct
  std::uint64_t file_bytes = 0;
  std::uint64_t directory_begin = 0;
  std::uint64_t directory_bytes = 0;
  std::array<std::byte, 24> unused = {};
  Digest directory_digest = {};
  Digest digest = {};                     // of all before it
};
static_assert(sizeof(IndexHeader) == 128);

struct BlockHeader {
  std::array<char, 8> magic = kBlockMagic;
  std::uint64_t bytes = 0;                // of what follows this header
  std::uint32_t texts = 0;
  std::uint32_t tokens = 0;
  std::uint64_t heap_bytes = 0;
  Digest digest = {};                     // of what follows
};
static_assert(sizeof(BlockHeader) == 64);

struct TextRecord {
  static constexpr std::uint32_t kNoGold = 0xFFFFFFFF;

  std::uint64_t row = 0;
  std::uint32_t text_begin = 0, text_end = 0;     // in the heap
  std::uint32_t gold_begin = kNoGold, gold_end = 0;
  std::uint32_t first_token = 0, tokens = 0;      // of the block
  std::uint32_t label = 0;
  float score = 0;
  std::uint32_t truncated = 0;
  std::uint32_t invalid_utf8 = 0;
};
static_assert(sizeof(TextRecord) == 48);

struct TokenRecord {
  std::uint32_t text = 0;                 // of the block
  std::uint32_t token = 0;                // of the row
  std::uint32_t begin = 0, end = 0;       // bytes of the text
  std::int32_t input_id = 0;
};
static_assert(sizeof(TokenRecord) == 20);

// What determines where things lie in a block.
struct IndexShape {
  VectorDtype vector_dtype = VectorDtype::int8;
  std::size_t hidden_size = 0;
  std::vector<IndexedLayer> layers;

  std::size_t number_bytes() const { return vector_dtype == VectorDtype::int8 ? 1 : 2; }
  std::size_t bytes_per_token() const;    // of all layers
};

// Vectors of one layer and kind in a block, `parts` of `part_size` numbers each.
struct VectorPlace {
  std::size_t scales = 0, numbers = 0;    // where they begin behind the block's header; of f16 there are no scales
  std::size_t parts = 0, part_size = 0;
};

struct BlockLayout {
  // Sizes must be below 2^32, and the shape that of a checked directory.
  BlockLayout(const IndexShape& shape, std::size_t num_texts, std::size_t num_tokens, std::size_t heap_bytes);

  std::vector<VectorPlace> embeddings, contexts;  // [layers]
  std::size_t texts = 0, tokens = 0, heap = 0, bytes = 0;
};

struct IndexBlock {
  std::size_t begin = 0;                  // of its header in the file
  std::size_t first_text = 0, texts = 0;
  std::size_t first_token = 0, tokens = 0;
  std::size_t heap_bytes = 0;
};

// Where `layer` is among those of an index. Throws Error(invalid_argument), naming those.
std::size_t find_layer(const IndexInfo& info, std::size_t layer);
// Of `count` heads those that are named, ascending and once; all where none is. Throws Error(invalid_argument).
std::vector<std::size_t> chosen_heads(std::span<const std::size_t> named, std::size_t count);

// The fields of what an index is of and was made by, but for its bytes, version and command.
void write_fields(const IndexInfo& info, JsonWriter& json);
std::string directory_json(const IndexInfo& info, const std::vector<IndexBlock>& blocks);
// Throws Error(corrupt) that names the field.
void read_directory(std::string_view json, const std::string& where, IndexInfo& info, std::vector<IndexBlock>& blocks);

struct ContextIndex::Impl {
  explicit Impl(const std::filesystem::path& path);

  const IndexBlock& block_of_token(std::size_t place) const;
  const IndexBlock& block_of_text(std::size_t text) const;
  std::span<const std::byte> payload(const IndexBlock& block) const;
  TokenRecord token_record(const IndexBlock& block, std::size_t token) const;  // of the block
  TextRecord text_record(const IndexBlock& block, std::size_t text) const;
  [[noreturn]] void corrupt(const std::string& message) const;

  MappedFile file;
  IndexInfo info;
  IndexShape shape;
  std::vector<IndexBlock> blocks;

 private:
  IndexHeader check_header() const;
  void check_blocks(const IndexHeader& header) const;
};

}  // namespace filbert
