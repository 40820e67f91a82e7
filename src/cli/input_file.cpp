#include "cli/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <filbert/error.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kMagicBytes = 4;

bool is_time_equal(const struct timespec& a, const struct timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

InputFile::InputFile(std::filesystem::path file, bool pipes) : name_(file.string()) {
  const bool is_standard = pipes && file == "-";
  if (is_standard) name_ = "standard input";
  descriptor_ = is_standard ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw Error(ErrorKind::not_found, fmt::format("{}: {}", name_, std::strerror(errno)));
  const bool is_known = ::fstat(descriptor_, &status_) == 0;
  is_pipe_ = is_known && !S_ISREG(status_.st_mode);
  if (!is_known || S_ISDIR(status_.st_mode) || (is_pipe_ && !pipes)) {
    if (!is_standard) ::close(descriptor_);
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file, found a directory or device", name_));
  }
  Compression compression = is_standard ? Compression::none : compression_of(file);
  if ((is_standard || is_pipe_) && compression == Compression::none) {
    char magic[kMagicBytes];
    while (start_.size() < kMagicBytes) {
      const std::size_t count = read_raw(std::span(magic).first(kMagicBytes - start_.size()));
      if (count == 0) break;
      start_.append(magic, count);
    }
    compression = compression_of_bytes(start_);
  }
  decompressor_.emplace(compression, [this](std::span<char> buffer) {
    if (start_at_ == start_.size()) return read_raw(buffer);
    const std::size_t count = start_.copy(buffer.data(), buffer.size(), start_at_);
    start_at_ += count;
    return count;
  }, name_);
}

InputFile::~InputFile() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

std::size_t InputFile::read_raw(std::span<char> buffer) {
  while (true) {
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count > 0) {
      raw_bytes_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (count == 0) {
      check_unchanged();
      return 0;
    }
    if (errno == EAGAIN) {
      pollfd wait{descriptor_, POLLIN, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: {}", name_, std::strerror(errno)));
    }
  }
}

// What is read of a file that is written to meanwhile may be half of a row, or of two states.
void InputFile::check_unchanged() const {
  struct stat now {};
  if (is_pipe_ || ::fstat(descriptor_, &now) != 0) return;
  if (now.st_size != status_.st_size) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {} bytes, as there were when it was opened, found {}: it {} meanwhile", name_,
                                                         status_.st_size, now.st_size, now.st_size > status_.st_size ? "grew" : "shrank"));
  }
  if (!is_time_equal(now.st_mtim, status_.st_mtim)) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected the file that was opened, found that it was written to meanwhile", name_));
  }
}

std::size_t InputFile::read(std::span<char> buffer) {
  if (sample_at_ == sample_.size()) return decompressor_->read(buffer);
  const std::size_t count = sample_.copy(buffer.data(), buffer.size(), sample_at_);
  sample_at_ += count;
  return count;
}

std::string_view InputFile::sample(std::size_t bytes) {
  std::size_t filled = sample_.size();
  sample_.resize(std::max(bytes, filled));
  while (filled < bytes) {
    const std::size_t count = decompressor_->read(std::span(sample_).subspan(filled));
    if (count == 0) break;
    filled += count;
  }
  sample_.resize(filled);
  return sample_;
}

std::optional<double> InputFile::share_read() const {
  if (is_pipe_) return std::nullopt;
  if (status_.st_size == 0) return 1;
  return std::min(1.0, static_cast<double>(raw_bytes_) / static_cast<double>(status_.st_size));
}

}  // namespace filbert::cli
