#include "load/packed_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/sha256.h"

namespace filbert {
namespace {

constexpr std::size_t kLeastBytes = std::size_t{64} << 10;  // smaller layers are not worth a mapping of their own

bool write_whole(int descriptor, const void* numbers, std::size_t bytes, std::size_t offset) {
  const char* data = static_cast<const char*>(numbers);
  while (bytes > 0) {
    const ssize_t written = ::pwrite(descriptor, data, bytes, static_cast<off_t>(offset));
    if (written <= 0) {
      if (written < 0 && errno == EINTR) continue;
      return false;
    }
    data += written, offset += static_cast<std::size_t>(written), bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

PackedFile::PackedFile(std::string_view identity) {
  const char* directory = std::getenv("FILBERT_CACHE");
  if (directory == nullptr || *directory == '\0') return;
  // A file of this user alone: another's could be changed while it is mapped.
  path_ = std::filesystem::path(directory) / (sha256_of(fmt::format("{} {}", ::geteuid(), identity)).substr(0, 32) + ".packed");
  if (!open_whole()) create();
}

PackedFile::~PackedFile() { close(); }

bool PackedFile::open_whole() {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor_ < 0) return false;
  struct stat found {};
  const bool is_own = ::fstat(descriptor_, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 022) == 0;
  if (!is_own) return close(), true;  // nor is one made in its place
  size_ = static_cast<std::size_t>(found.st_size);
  ::futimens(descriptor_, nullptr);  // says to who cleans up that it is in use
  return true;
}

void PackedFile::create() {
  try {
    lock_.emplace(path_.string() + ".lock");
  } catch (const Error&) {
    return;
  }
  if (open_whole()) return unlock();  // by the process that was waited for
  temporary_ = temporary_beside(path_);
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) close();
}

void PackedFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    temporary_.clear();
  }
  if (lock_) unlock();
}

// Whoever waits for it finds that its file is gone, and looks again.
void PackedFile::unlock() {
  ::unlink((path_.string() + ".lock").c_str());
  lock_.reset();
}

void* PackedFile::map_equal(const void* numbers, std::size_t bytes) {
  if (descriptor_ < 0 || bytes < kLeastBytes) return nullptr;
  bool is_there = offset_ + bytes <= size_;
  if (!temporary_.empty()) is_there = write_whole(descriptor_, numbers, bytes, offset_);
  void* mapped = is_there ? ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor_, static_cast<off_t>(offset_)) : MAP_FAILED;
  if (mapped != MAP_FAILED && std::memcmp(mapped, numbers, bytes) == 0) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    offset_ += (bytes + page - 1) / page * page;
    return mapped;
  }
  if (mapped != MAP_FAILED) ::munmap(mapped, bytes);
  if (temporary_.empty()) ::unlink(path_.c_str());  // the next process makes it anew
  close();
  return nullptr;
}

void PackedFile::finish() {
  if (!temporary_.empty() && offset_ > 0) {
    std::error_code ignored;
    std::filesystem::rename(temporary_, path_, ignored);
  }
  close();
}

}  // namespace filbert
