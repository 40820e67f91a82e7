#include "serve/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxQueuedBytes = std::size_t{4} << 20;   // some ten thousand lines: seconds of a busy server
constexpr std::size_t kManyBytes = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kPause{20};                 // lines of that time are written at once: a busy server wakes the writer 50 times a second
constexpr std::chrono::seconds kLastWords{1};

[[noreturn]] void fail(std::string_view what) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected something that can be written, found: {}", what, std::strerror(errno)));
}

}  // namespace

LogTarget::LogTarget(LogTarget&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), kind_(other.kind_) {}

LogTarget& LogTarget::operator=(LogTarget&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(kind_, other.kind_);
  return *this;
}

LogTarget::~LogTarget() {
  if (descriptor_ >= 0) close(descriptor_);
}

LogTarget open_log_file(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
  if (descriptor < 0) fail(fmt::format("log file {}", path.string()));
  return {descriptor, LogTarget::Kind::refusing};   // which a file on a disk does not know, nor need
}

LogTarget open_standard_error() {
  struct stat status{};
  if (fstat(STDERR_FILENO, &status) != 0) fail("standard error");
  // O_NONBLOCK belongs to what is open, which the shell and other programs share: a pipe or terminal is opened anew. Where that is not allowed
  // (a container's pipe belongs to another user), poll() says when it can be written.
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    const int anew = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (anew >= 0) return {anew, LogTarget::Kind::refusing};
  }
  const int descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (descriptor < 0) fail("standard error");
  if (S_ISSOCK(status.st_mode)) return {descriptor, LogTarget::Kind::socket};
  return {descriptor, S_ISREG(status.st_mode) ? LogTarget::Kind::file : LogTarget::Kind::waiting};
}

LogWriter::LogWriter(LogTarget target, LostLine lost_line)
    : target_(std::move(target)), lost_line_(lost_line), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogWriter::write(std::string_view line) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queued_bytes_ + line.size() > kMaxQueuedBytes) {
      ++lost_;
      return;
    }
    const std::size_t before = queued_bytes_;
    wake = queue_.empty() || (before < kManyBytes && before + line.size() >= kManyBytes);
    if (queue_.empty()) queue_.emplace_back();
    queue_.back().lines += line;
    queued_bytes_ += line.size();
  }
  if (wake) wake_.notify_one();
}

void LogWriter::write_to(LogTarget target) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(target)});
  }
  wake_.notify_one();
}

void LogWriter::run() {
  // A pipe that nobody reads is an error of write() here, and signals are for other threads.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    wake_.wait_for(lock, kPause, [&] { return stopping_ || queued_bytes_ >= kManyBytes; });
    if (queue_.empty()) return;
    std::deque<Part> parts = std::exchange(queue_, {});
    lock.unlock();
    std::size_t bytes = 0;
    for (Part& part : parts) {
      if (part.target.descriptor() >= 0) {
        target_ = std::move(part.target);
        if (!std::exchange(tail_, {}).empty()) ++lost_;   // its beginning is in the file before
      }
      put(part.lines);
      bytes += part.lines.size();
    }
    lock.lock();
    queued_bytes_ -= bytes;
  }
}

// Leaves whole lines behind: where an error comes in the middle of one, its rest goes first the next time, unless the reader of its beginning
// is gone.
void LogWriter::put(std::string_view lines) {
  tail_.erase(0, send(tail_));
  if (!tail_.empty()) return lose(lines);
  std::size_t done = send(lines);
  if (done == lines.size()) return report_lost();
  const bool begun = done > 0 && lines[done - 1] != '\n';
  if (begun && errno != EPIPE) {
    const std::size_t end = lines.find('\n', done) + 1;
    tail_ = lines.substr(done, end - done);
    done = end;
  }
  lose(lines.substr(done));
}

// Returns how many bytes were taken; fewer than all with errno.
std::size_t LogWriter::send(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (target_.kind() == LogTarget::Kind::waiting && !wait_until_writable()) break;
    const char* const from = bytes.data() + done;
    const std::size_t rest = bytes.size() - done;
    const std::size_t most = target_.kind() == LogTarget::Kind::waiting ? std::min<std::size_t>(rest, PIPE_BUF) : rest;
    const ssize_t taken = target_.kind() == LogTarget::Kind::socket ? ::send(target_.descriptor(), from, rest, MSG_DONTWAIT | MSG_NOSIGNAL)
                                                                    : ::write(target_.descriptor(), from, most);
    if (taken > 0) {
      done += static_cast<std::size_t>(taken);
      continue;
    }
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && errno == EAGAIN && wait_until_writable()) continue;
    break;
  }
  return done;
}

// Waits for a reader that stalls; what comes meanwhile is queued. False: the server ends, and has waited long enough.
bool LogWriter::wait_until_writable() {
  while (true) {
    pollfd state{target_.descriptor(), POLLOUT, 0};
    if (poll(&state, 1, 50) > 0) return true;
    if (stopping_ && !end_) end_ = Clock::now() + kLastWords;
    if (end_ && Clock::now() >= *end_) {
      errno = EAGAIN;
      return false;
    }
  }
}

void LogWriter::lose(std::string_view lines) { lost_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')); }

void LogWriter::report_lost() {
  const std::uint64_t lines = lost_ - reported_;
  if (lines == 0) return;
  const std::string line = lost_line_(lines);
  const std::size_t done = send(line);
  if (done == 0) return;
  reported_ += lines;
  if (done < line.size() && errno != EPIPE) tail_ = line.substr(done);
}

}  // namespace filbert::serve
