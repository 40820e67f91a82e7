#include "base/file.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filbert/error.h>

namespace filbert {
namespace {

// A descriptor that closes itself.
struct Descriptor {
  int fd = -1;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string reason() { return std::strerror(errno); }

// Opens for reading; returns the size of what must be a regular file.
std::size_t open_regular(const std::filesystem::path& path, Descriptor& file) {
  if (file.fd < 0) throw Error(ErrorKind::not_found, fmt::format("{}: {}", path.string(), reason()));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) throw Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), reason()));
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a file, found a directory or device", path.string()));
  }
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content(open_regular(path, file), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = ::read(file.fd, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), reason()));
    if (got == 0) break;  // it shrank while it was read
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> count = 0;
  return fmt::format("{}.{}.{}.tmp", path.string(), ::getpid(), count++);
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_beside(path_)),
      descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail("create");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::finish() {
  if (::fsync(descriptor_) != 0) fail("sync");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename");
  ::close(std::exchange(descriptor_, -1));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(std::string_view step) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot {}: {}", path_.string(), step, reason()));
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(content)));
  file.finish();
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  size_ = open_regular(path, file);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED) throw Error(ErrorKind::corrupt, fmt::format("{}: cannot map: {}", path.string(), reason()));
  data_ = static_cast<const std::byte*>(mapped);
}

void MappedFile::release(std::span<const std::byte> part) const {
  // Memory of this process would lose what is in it.
  const auto address = reinterpret_cast<std::uintptr_t>(part.data()), file = reinterpret_cast<std::uintptr_t>(data_);
  if (address < file || address > file + size_ || part.size() > file + size_ - address) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = (address + page - 1) / page * page, end = (address + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace filbert
