// Files: read whole, map, write so that a reader sees the old or the new one and never a half.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace filbert {

// The whole file. Throws Error(not_found) if it cannot be opened, Error(corrupt) if reading fails or it is a directory.
std::string read_file(const std::filesystem::path& path);

// A name beside `path` that no other thread or process takes meanwhile.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

// A file in the making, under a temporary name beside `path`: there whole once finish() has returned, else as it was.
class AtomicFile {
 public:
  // Each throws Error(invalid_argument) if it cannot.
  explicit AtomicFile(std::filesystem::path path);
  void write(std::span<const std::byte> bytes);
  void finish();  // syncs, renames

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // leaves nothing of what is not finished

 private:
  [[noreturn]] void fail(std::string_view step) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// The whole file at once. Throws Error(invalid_argument), `path` then is as it was.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

// A file mapped read-only. The bytes are valid while this object lives. An empty file is an empty span.
class MappedFile {
 public:
  // Throws Error(not_found) if it cannot be opened, Error(corrupt) if it is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Says that `part` of bytes() will hardly be read again: its whole pages no longer count as this process's memory. Reading
  // it stays possible. Bytes of somewhere else are left alone. Safe to call from many threads.
  void release(std::span<const std::byte> part) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace filbert
