// What a long run has done so far, beside the report that it will write: a line that says of what, then a line a text. Whatever ends the run,
// all lines but the last are whole, and the next run goes on behind them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explain/corpus_json.h"

namespace filbert::cli {

// Which run it is of: what must be the same for its lines to be those of another.
using RunSettings = std::vector<std::pair<std::string, std::string>>;
// The line that such a file begins with; `format` says what kind of file it is.
std::string settings_line(std::string_view format, const RunSettings& settings);
// Whether `line` is one of the same format and settings. Throws Error(invalid_argument) that names what is not, Error(corrupt).
void check_settings(std::string_view line, std::string_view format, const RunSettings& settings, const std::filesystem::path& path);

class PartialFile {
 public:
  // A new file, or with `resume` the one that is there, of which a half last line is dropped. Throws Error(invalid_argument): there is one
  // and it is not to be resumed, one of other settings, one that cannot be written; Error(corrupt).
  PartialFile(std::filesystem::path path, const RunSettings& settings, bool resume);

  // What was done before, in its order; nothing once all of it was given.
  std::optional<RowExplanation> next();
  // Texts that were done before.
  std::size_t rows_before() const { return rows_before_; }
  void append(std::string_view lines);
  void remove();

  const std::filesystem::path& path() const { return path_; }

 private:
  void create(const RunSettings& settings);
  void open(const RunSettings& settings);
  [[noreturn]] void fail(std::string_view step) const;

  std::filesystem::path path_;
  std::ifstream before_;
  std::size_t rows_before_ = 0, rows_given_ = 0;
  int descriptor_ = -1;

 public:
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();
};

}  // namespace filbert::cli
