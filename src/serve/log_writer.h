// Lines on their way to a file, a pipe or a socket, whatever that does: it may stall, be full or be closed.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace filbert::serve {

// Where lines go: a descriptor of our own, closed with this object.
class LogTarget {
 public:
  enum class Kind {
    file,       // a write takes as long as the disk does
    waiting,    // a write of at most PIPE_BUF bytes waits for nobody once poll() says so
    refusing,   // does not wait: O_NONBLOCK
    socket,     // likewise, by a flag of each send()
  };

  LogTarget(int descriptor, Kind kind) : descriptor_(descriptor), kind_(kind) {}
  LogTarget(LogTarget&& other) noexcept;
  LogTarget& operator=(LogTarget&& other) noexcept;
  ~LogTarget();

  int descriptor() const { return descriptor_; }
  Kind kind() const { return kind_; }

 private:
  int descriptor_ = -1;
  Kind kind_;
};

// Appends; made if it is not there. Throws Error(invalid_argument) if it cannot be written, as a FIFO that nobody reads.
LogTarget open_log_file(const std::filesystem::path& path);
// Standard error, without changing what other processes that share it see of it. Throws Error(invalid_argument) if there is none.
LogTarget open_standard_error();

// Every member may be called from many threads at once; none waits for the target.
class LogWriter {
 public:
  using LostLine = std::string (*)(std::uint64_t lines);   // the line that says how many were lost

  LogWriter(LogTarget target, LostLine lost_line);
  ~LogWriter();   // waits for what is queued, a second at most

  void write(std::string_view line);     // with its line end; lost if the queue is full
  void write_to(LogTarget target);       // from the next line on
  std::uint64_t lost() const { return lost_; }

 private:
  struct Part {
    LogTarget target{-1, LogTarget::Kind::file};   // a new one from here on, if it has a descriptor
    std::string lines = {};
  };

  void run();
  void put(std::string_view lines);
  std::size_t send(std::string_view bytes);
  bool wait_until_writable();
  void lose(std::string_view lines);
  void report_lost();

  LogTarget target_;
  LostLine lost_line_;
  std::string tail_;                 // of a line of which the file has the beginning
  std::uint64_t reported_ = 0;       // of lost_
  std::optional<std::chrono::steady_clock::time_point> end_;   // of waiting, once the server ends

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Part> queue_;
  std::size_t queued_bytes_ = 0;     // and what is being written
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> lost_ = 0;
  std::thread thread_;               // last: it uses what stands before
};

}  // namespace filbert::serve
