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
    tell([&] { if (!finished_) texts_ += text; });
  }
  // With `text` as the last of it.
  void finish(std::string_view text = {}) {
    tell([&] {
      if (!finished_) texts_ += text;
      finished_ = true;
    });
  }
  // Ends it with `text`, unless it has finished: what the thread still says is lost, and it is told that nobody reads on.
  void expire(std::string_view text) {
    tell([&] {
      if (finished_) return;
      texts_ += text;
      finished_ = expired_ = true;
    });
    abandon();
  }
  bool expired() const {
    const std::lock_guard lock(mutex_);
    return expired_;
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

  mutable std::mutex mutex_;
  std::string texts_;
  bool finished_ = false;
  bool expired_ = false;
  std::function<void()> wake_;
  std::atomic<bool> abandoned_ = false;
};

}  // namespace filbert::serve
