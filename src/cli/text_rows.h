// The rows of a file on their way through the model: blocks of them, which one thread reads and tokenizes, the caller's computes, and a third
// writes. Where a block ends depends on nothing but the file, so that a run that goes on makes the blocks that an undisturbed one had made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <filbert/pipeline.h>

#include "base/bounded_queue.h"
#include "cli/known_texts.h"
#include "cli/table_input.h"

namespace filbert::cli {

struct Block {
  std::vector<TableRow> rows;
  std::vector<std::shared_ptr<TextAnswer>> answers;  // of each row; empty of one at fault
  std::vector<std::size_t> fresh;                    // places of the rows whose text is new
  BatchEncoding tokens;                              // of those
  double share_read = 0;                             // of the file, when the block had been read
  std::uint32_t input_crc32 = 0;                     // of all rows up to its end
};

// Of a row as it was read, behind `crc32` of those before it.
std::uint32_t row_crc32(const TableRow& row, std::uint32_t crc32);

// What a command makes of texts.
struct TextWork {
  std::function<BatchEncoding(std::span<const TextInput> texts)> tokenize;  // stage 1; throws Error if a text is at fault
  // Stages 2 and 3, an answer a text; `tokens` is what tokenize() gave for the same texts.
  std::function<std::vector<TextAnswer>(const BatchEncoding& tokens, std::span<const TextInput> texts)> compute;
};

class TextRows {
 public:
  struct Options {
    bool stops_at_faults = false;
    bool gives_half_blocks = false;  // before an error: what can be written is
  };

  // `input_crc32` is that of the rows that are read already.
  TextRows(TableInput& input, const TextWork& work, const Options& options, std::uint32_t input_crc32);

  // Runs all rows; `write` is called, in another thread, with one block after the other. False if `is_stopped` said so, which is asked after
  // each block. Throws what reading, computing and writing throw, when the blocks before it are written.
  bool run(const std::function<void(const Block&)>& write, const std::function<bool()>& is_stopped);
  std::size_t distinct_texts() const { return known_.distinct(); }

 private:
  using Queue = BoundedQueue<std::unique_ptr<Block>>;
  void read(Queue& out);
  bool read_block(Block& block);
  void tokenize(Block& block);
  void compute(Block& block) const;
  void fail_alone(Block& block, const std::function<void(std::size_t row)>& work) const;

  TableInput& input_;
  const TextWork& work_;
  Options options_;
  KnownTexts known_;
  std::uint32_t input_crc32_;
};

}  // namespace filbert::cli
