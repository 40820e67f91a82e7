// gzip and zstd, as the name of a file says: read as a stream, written as members that stand one behind the other, each whole by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace filbert::cli {

enum class Compression { none, gzip, zstd };

// Of "reviews.csv.gz": gzip.
Compression compression_of(const std::filesystem::path& file);
// "reviews.csv.gz" → ".csv": the extension below that of the compression, in small letters.
std::string extension_of(const std::filesystem::path& file);
// By the first bytes, with which no UTF-8 begins.
Compression compression_of_bytes(std::string_view start);

// One member (gzip) or frame (zstd) that holds all of `content`; the same bytes for the same content, always. Members end to end are a file
// that gzip and zstd read. Of `none`: the content.
std::string compressed(Compression compression, std::string_view content);

// The checksum of gzip, of these bytes behind those of `crc`.
std::uint32_t crc32_of(std::string_view bytes, std::uint32_t crc = 0);

// What stands in the members of a file. Bytes that are left over behind a member begin the next one.
class Decompressor {
 public:
  // Fills a part of the buffer and says how much; 0 at the end. May throw.
  using Source = std::function<std::size_t(std::span<char> buffer)>;

  // `name` leads every message.
  Decompressor(Compression compression, Source source, std::string name);
  Decompressor(Decompressor&&) noexcept;
  ~Decompressor();

  // As Source. Throws Error(invalid_argument): no such file, a damaged one, one that ends within a member.
  std::size_t read(std::span<char> buffer);

 private:
  struct State;
  std::size_t read_gzip(std::span<char> buffer);
  std::size_t read_zstd(std::span<char> buffer);
  bool fill();
  [[noreturn]] void fail(std::string_view expected, std::string_view found) const;

  Compression compression_;
  Source source_;
  std::string name_;
  std::string input_;
  std::size_t at_ = 0;
  bool at_end_ = false;
  bool in_member_ = false;
  std::unique_ptr<State> state_;
};

}  // namespace filbert::cli
