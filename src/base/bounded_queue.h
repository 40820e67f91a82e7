// Hands values from one thread to another, a few at a time: whoever is ahead waits. Tested by bounded_queue_test.cpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace filbert {

template <typename Value>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t most) : most_(most) {}

  // Waits for room. False, and the value is dropped, once the queue is closed.
  bool push(Value value) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_closed_ || values_.size() < most_; });
    if (is_closed_) return false;
    values_.push_back(std::move(value));
    changed_.notify_all();
    return true;
  }

  // Waits for a value; nothing once the queue is closed and what was in it is taken.
  std::optional<Value> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_closed_ || !values_.empty(); });
    if (values_.empty()) return std::nullopt;
    std::optional<Value> value(std::move(values_.front()));
    values_.pop_front();
    changed_.notify_all();
    return value;
  }

  // Nothing comes, or is wanted, any more. May be called by either side, and more than once.
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

 private:
  std::size_t most_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Value> values_;
  bool is_closed_ = false;
};

}  // namespace filbert
