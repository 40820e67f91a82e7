// The bytes of a file or a pipe, decompressed; and whether the file is still what it was when it was opened.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/compression.h"

namespace filbert::cli {

class InputFile {
 public:
  // "-" is standard input where `pipes` says that pipes are taken. Compressed if the name or, of a pipe, the first bytes say so. Throws
  // Error(not_found), Error(invalid_argument): a directory or device.
  InputFile(std::filesystem::path file, bool pipes);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // Fills a part of the buffer and says how much; 0 at the end. Throws Error(invalid_argument): what Decompressor throws, and that a file
  // grew, shrank or was changed since it was opened, before the end of it is said.
  std::size_t read(std::span<char> buffer);
  // The first bytes, which stay to be read: as many as asked for unless the file is shorter.
  std::string_view sample(std::size_t bytes);

  // From 0 to 1: how much of the file was read; nothing of a pipe. Safe to call from another thread than the reader's.
  std::optional<double> share_read() const;
  bool is_same_as(const struct stat& other) const { return status_.st_dev == other.st_dev && status_.st_ino == other.st_ino; }
  const std::string& name() const { return name_; }

 private:
  std::size_t read_raw(std::span<char> buffer);
  void check_unchanged() const;

  std::string name_;
  int descriptor_ = -1;
  bool is_pipe_ = false;
  struct stat status_ {};
  std::atomic<std::uint64_t> raw_bytes_ = 0;
  std::string start_;         // of the raw bytes, read to see what they are
  std::size_t start_at_ = 0;
  std::string sample_;
  std::size_t sample_at_ = 0;
  std::optional<Decompressor> decompressor_;
};

}  // namespace filbert::cli
