// How an index is written: tokens through the model, their vectors to length 1 and into 8 or 16 bits, and block after block into a file that
// can be gone on with. Tested by contexts_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <filbert/contexts.h>

#include "explain/contexts_file.h"

namespace filbert {

// To the nearest half-precision number, ties to even; what is too large becomes infinite.
std::uint16_t f16_of(float x);

// Vectors of one layer and kind, a block's worth: `parts` of each brought to length 1, then stored. What has no length, or is no number,
// becomes zeros, which are like nothing.
class VectorStore {
 public:
  VectorStore(VectorDtype dtype, std::size_t parts, std::size_t part_size) : dtype_(dtype), parts_(parts), part_size_(part_size) {}

  void add(std::span<const float> vector);
  void clear();
  const std::vector<float>& scales() const { return scales_; }
  const std::vector<std::byte>& numbers() const { return numbers_; }

 private:
  void add_int8(const float* part, double length);
  void add_f16(const float* part, double length);

  VectorDtype dtype_;
  std::size_t parts_, part_size_;
  std::vector<float> scales_;
  std::vector<std::byte> numbers_;
};

// The file in the making.
class PartialIndex {
 public:
  // A new one, or with `resume` the one that is there, of which what is not whole is dropped. Throws Error(invalid_argument).
  PartialIndex(std::filesystem::path path, const IndexInfo& info, bool resume);
  PartialIndex(const PartialIndex&) = delete;
  PartialIndex& operator=(const PartialIndex&) = delete;
  ~PartialIndex();  // without a block, nothing is left of it

  const std::filesystem::path& path() const { return path_; }
  const std::vector<IndexBlock>& blocks() const { return blocks_; }
  const IndexInfo& before() const { return before_; }  // what the blocks that were there hold: its counts alone

  void append(const BlockHeader& header, std::span<const std::byte> payload);
  // Completes the file and gives it its name.
  void finish(const IndexInfo& info, const std::filesystem::path& file);

 private:
  void create(const std::string& settings);
  void open(const std::string& settings);
  void count(const BlockHeader& header, std::span<const std::byte> payload);
  void write_at(std::size_t begin, std::span<const std::byte> bytes);
  void write_block(const BlockHeader& header, std::span<const std::byte> payload);
  [[noreturn]] void fail(std::string_view step) const;

  std::filesystem::path path_;
  IndexShape shape_;
  IndexInfo before_;
  std::vector<IndexBlock> blocks_;
  std::size_t end_ = 0;
  int descriptor_ = -1;
  bool is_finished_ = false;
};

struct ContextIndexWriter::Impl {
  Impl(const TextClassificationPipeline& pipeline, std::filesystem::path to, IndexInfo origin, const IndexOptions& wanted);

  void add(std::span<const CorpusText> texts);
  void flush();

  const TextClassificationPipeline& classifier;
  std::filesystem::path file;
  IndexInfo info;
  std::optional<PartialIndex> partial;

 private:
  void choose_layers(const IndexOptions& options);
  void add_batch(std::span<const CorpusText> texts);
  void add_text(const CorpusText& text, std::string clean, const BatchEncoding& inputs, std::size_t row, const Classification& answer,
                const EncoderOutputs& outputs);

  IndexShape shape_;
  std::size_t tokens_of_a_block_ = 0;
  std::vector<VectorStore> embeddings_, contexts_;  // [layers] of the block under way
  std::vector<TextRecord> texts_;
  std::vector<TokenRecord> tokens_;
  std::string heap_;
};

}  // namespace filbert
