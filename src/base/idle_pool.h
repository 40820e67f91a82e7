// Things that a call takes for itself and gives back, so that the next call finds them warm.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/at_fork.h"

namespace filbert {

// Every member may be called from many threads at once.
template <typename T>
class IdlePool {
 public:
  // One that nobody else has, or null if none is idle.
  std::unique_ptr<T> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto taken = std::move(idle_.back());
    idle_.pop_back();
    return taken;
  }
  void give_back(std::unique_ptr<T> taken) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(taken));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
  AtFork at_fork_{[this] { mutex_.lock(); }, [this] { mutex_.unlock(); }, [this] { mutex_.unlock(); }};
};

// Takes one from the pool, or makes the first, and gives it back at the end of the block.
template <typename T>
class Lease {
 public:
  explicit Lease(IdlePool<T>& pool) : pool_(pool), taken_(pool.take()) {
    if (taken_ == nullptr) taken_ = std::make_unique<T>();
  }
  ~Lease() { pool_.give_back(std::move(taken_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  T& operator*() { return *taken_; }

 private:
  IdlePool<T>& pool_;
  std::unique_ptr<T> taken_;
};

}  // namespace filbert
