// What a thread of the slow lane says to a connection's coroutine while it works.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "serve/awaiting.h"

namespace filbert::serve {

class EventQueue {
 public:
  // From any thread.
  void push(std::string_view text) {
    tell([&] { texts_ += text; });
  }
  void finish() {
    tell([&] { finished_ = true; });
  }
  void abandon() { abandoned_ = true; }   // nobody reads on
  bool abandoned() const { return abandoned_; }

  // What was pushed since the last call, at least something; nothing once it has finished. For one coroutine.
  asio::awaitable<std::optional<std::string>> next() {
    co_await resumed([&](const std::function<void()>& resume) {
      std::unique_lock lock(mutex_);
      if (texts_.empty() && !finished_) {
        wake_ = resume;
        return;
      }
      lock.unlock();
      resume();
    });
    const std::lock_guard lock(mutex_);
    if (texts_.empty()) co_return std::nullopt;
    co_return std::exchange(texts_, {});
  }

 private:
  void tell(const auto& change) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      change();
      wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
  }

  std::mutex mutex_;
  std::string texts_;
  bool finished_ = false;
  std::function<void()> wake_;
  std::atomic<bool> abandoned_ = false;
};

}  // namespace filbert::serve
