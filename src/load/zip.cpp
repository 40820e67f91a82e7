#include "load/zip.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "load/little_endian.h"

namespace filbert {
namespace {

// The records, by the four bytes that each begins with, and their fixed parts.
constexpr std::uint64_t kEntry = 0x04034b50, kListed = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::size_t kEntryBytes = 30, kListedBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr std::size_t kMostCommentBytes = 0xFFFF;
constexpr std::uint64_t kSeeZip64 = 0xFFFFFFFF;  // in a field of 32 bits

struct Directory {
  std::uint64_t entries = 0, begin = 0, end = 0;
};

struct Entry {
  std::string_view name;
  std::uint64_t begin = 0, data = 0, end = 0;  // of its header, of its bytes, of both
};

class Archive {
 public:
  Archive(std::span<const std::byte> file, std::string_view file_name) : file_(file), file_name_(file_name) {}

  std::vector<Entry> entries() const {
    const Directory directory = find_directory();
    std::vector<Entry> entries;
    std::uint64_t at = directory.begin;
    while (at < directory.end) entries.push_back(read_entry(at, directory));
    if (entries.size() != directory.entries) {
      corrupt(fmt::format("the archive says it has {} entries, its directory lists {}", directory.entries, entries.size()));
    }
    std::ranges::sort(entries, {}, &Entry::begin);
    for (std::size_t entry = 1; entry < entries.size(); ++entry) {
      if (entries[entry].begin >= entries[entry - 1].end) continue;
      corrupt(fmt::format("the entries {} and {} overlap", entries[entry - 1].name, entries[entry].name));
    }
    return entries;
  }

  std::span<const std::byte> bytes(const Entry& entry) const { return file_.subspan(entry.data, entry.end - entry.data); }

  [[noreturn]] void corrupt(const std::string& message) const {
    throw Error(ErrorKind::corrupt, fmt::format("{}: {}", file_name_, message));
  }

 private:
  std::uint64_t number(std::uint64_t at, std::size_t width) const { return read_little_endian(file_, at, width); }

  // Throws unless `bytes` bytes from `at` on lie before `limit`, which lies within the file.
  void need(std::uint64_t at, std::uint64_t bytes, std::uint64_t limit, std::string_view what) const {
    if (at <= limit && bytes <= limit - at) return;
    corrupt(fmt::format("{}: expected {} bytes at byte {}, found the end of what may hold them at byte {}", what, bytes, at, limit));
  }

  std::size_t find_end() const {
    for (std::size_t comment = 0; comment <= kMostCommentBytes && comment + kEndBytes <= file_.size(); ++comment) {
      const std::size_t at = file_.size() - kEndBytes - comment;
      if (number(at, 4) == kEnd && number(at + 20, 2) == comment) return at;
    }
    corrupt(fmt::format("expected a zip archive's directory at the end, found none in {} bytes: is the file whole?", file_.size()));
  }

  Directory find_directory() const {
    std::uint64_t end = find_end();
    std::uint64_t entries = number(end + 10, 2), bytes = number(end + 12, 4), begin = number(end + 16, 4);
    if (end >= kLocator64Bytes && number(end - kLocator64Bytes, 4) == kLocator64) {
      const std::uint64_t end64 = number(end - kLocator64Bytes + 8, 8);
      need(end64, kEnd64Bytes, end - kLocator64Bytes, "the directory");
      if (number(end64, 4) != kEnd64) corrupt(fmt::format("expected the archive's 64-bit end at byte {}, found something else", end64));
      entries = number(end64 + 32, 8), bytes = number(end64 + 40, 8), begin = number(end64 + 48, 8);
      end = end64;
    }
    need(begin, bytes, end, "the directory");
    return {entries, begin, begin + bytes};
  }

  // The entry that the directory lists at `at`, which moves on to the next.
  Entry read_entry(std::uint64_t& at, const Directory& directory) const {
    need(at, kListedBytes, directory.end, "the directory");
    if (number(at, 4) != kListed) corrupt(fmt::format("expected an entry of the directory at byte {}, found something else", at));
    const std::uint64_t flags = number(at + 8, 2), method = number(at + 10, 2);
    const std::uint64_t name_bytes = number(at + 28, 2), extra_bytes = number(at + 30, 2), comment_bytes = number(at + 32, 2);
    std::uint64_t stored = number(at + 20, 4), size = number(at + 24, 4), begin = number(at + 42, 4);
    need(at, kListedBytes + name_bytes + extra_bytes + comment_bytes, directory.end, "the directory");
    const std::string_view name = text(at + kListedBytes, name_bytes);
    read_zip64(at + kListedBytes + name_bytes, extra_bytes, {&size, &stored, &begin}, name);
    at += kListedBytes + name_bytes + extra_bytes + comment_bytes;
    if (method != 0 || (flags & 1) != 0) {
      throw Error(ErrorKind::unsupported, fmt::format("{}: {}: expected an entry that is stored as it is, as torch.save does, found {}",
                                                      file_name_, name, (flags & 1) != 0 ? "an encrypted one" : "a compressed one"));
    }
    if (stored != size) corrupt(fmt::format("{}: stored in {} bytes, of {}", name, stored, size));
    const std::uint64_t data = begin_of_data(name, begin, size, directory);
    return {name, begin, data, data + size};
  }

  std::uint64_t begin_of_data(std::string_view name, std::uint64_t begin, std::uint64_t size, const Directory& directory) const {
    need(begin, kEntryBytes, directory.begin, name);
    const std::uint64_t name_bytes = number(begin + 26, 2), extra_bytes = number(begin + 28, 2);
    const std::uint64_t header_bytes = kEntryBytes + name_bytes + extra_bytes;
    need(begin, header_bytes, directory.begin, name);
    if (number(begin, 4) != kEntry || text(begin + kEntryBytes, name_bytes) != name) {
      corrupt(fmt::format("{}: expected its entry at byte {}, found something else", name, begin));
    }
    need(begin + header_bytes, size, directory.begin, name);
    return begin + header_bytes;
  }

  // What does not fit 32 bits stands among the extra fields, in this order, as far as it is needed.
  void read_zip64(std::uint64_t at, std::uint64_t bytes, const std::array<std::uint64_t*, 3>& fields, std::string_view name) const {
    const std::uint64_t end = at + bytes;
    while (at + 4 <= end) {
      const std::uint64_t id = number(at, 2), field_end = at + 4 + number(at + 2, 2);
      need(at, field_end - at, end, name);
      at += 4;
      for (std::uint64_t* field : fields) {
        if (id != 1 || *field != kSeeZip64) continue;
        need(at, 8, field_end, name);
        *field = number(at, 8);
        at += 8;
      }
      at = field_end;
    }
  }

  std::string_view text(std::uint64_t at, std::uint64_t bytes) const {
    return {reinterpret_cast<const char*>(file_.data()) + at, bytes};
  }

  std::span<const std::byte> file_;
  std::string_view file_name_;
};

}  // namespace

bool is_zip(std::span<const std::byte> file) { return file.size() >= 4 && read_little_endian(file, 0, 4) == kEntry; }

std::map<std::string_view, std::span<const std::byte>> read_zip(std::span<const std::byte> file, std::string_view file_name) {
  const Archive archive(file, file_name);
  std::map<std::string_view, std::span<const std::byte>> entries;
  for (const Entry& entry : archive.entries()) {
    if (entries.emplace(entry.name, archive.bytes(entry)).second) continue;
    archive.corrupt(fmt::format("expected each name once, found {} twice", entry.name));
  }
  return entries;
}

}  // namespace filbert
