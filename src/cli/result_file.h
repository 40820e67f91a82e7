// A file in the making that outlives the run that makes it: its bytes in FILE.partial, and in FILE.partial.journal a line for each block of
// them that is whole, with what was done by then. Whatever ends the run, the next one goes on behind the last whole block.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/partial_file.h"

namespace filbert::cli {

// What was done when a block was whole.
struct RunCheckpoint {
  std::uint64_t rows = 0;             // of the input
  std::uint64_t bytes = 0;            // of the output
  std::uint32_t input_crc32 = 0;      // of those rows
  std::vector<std::uint64_t> counts;  // whatever the run counts
};

class ResultFile {
 public:
  // Locks FILE.partial.journal: a second run on the same output is refused while this one lives. Goes on with what is there if `resume`;
  // what is there without it is an error. What the run before left half written stays until the first append() or finish(). "-" and what is no
  // regular file, a device or a pipe, are written as they are, without a partial file.
  // Throws Error(invalid_argument), Error(corrupt).
  ResultFile(std::filesystem::path output, const RunSettings& settings, bool resume);
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;
  ~ResultFile();

  static bool is_written_as_it_is(const std::filesystem::path& output);

  const RunCheckpoint& before() const { return before_; }  // of the run before
  bool was_finished() const { return was_finished_; }   // that run only failed to say so: nothing is left to do
  // A block; `now.bytes` is set here. Throws std::system_error if it cannot be written, ClosedPipe.
  void append(std::string_view block, RunCheckpoint now);
  // The output is there whole once this returns.
  void finish();
  // Of a run that has failed: where it can be gone on with; empty, and nothing stays, if not a block was whole.
  std::string give_up();

 private:
  void open_journal(bool resume);
  void read_journal(const RunSettings& settings);
  void open_partial();
  std::uint64_t whole_bytes(const std::vector<RunCheckpoint>& checkpoints, const std::vector<std::uint32_t>& sums, std::size_t& whole) const;
  void cut_off_halves();
  void write(int descriptor, std::string_view bytes, const std::filesystem::path& path) const;
  void sync();
  [[noreturn]] void fail(const std::filesystem::path& path, std::string_view step) const;

  std::filesystem::path output_, partial_, journal_;
  int partial_descriptor_ = -1, journal_descriptor_ = -1;
  bool is_kept_ = true;  // false: written as it is
  bool was_finished_ = false;
  RunCheckpoint before_;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> whole_journal_bytes_;  // of the run before, until what is behind them is cut off
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

}  // namespace filbert::cli
