#include "serve/slow_lane.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace filbert::serve {

namespace {

constexpr int kMostPause_ms = 20;  // where predictions never end, explanations go on yet

void give_way(const std::function<bool()>& busy) {
  for (int pause_ms = 0; pause_ms < kMostPause_ms && busy(); ++pause_ms) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace

SlowLane::SlowLane(unsigned num_threads, std::size_t max_requests, std::function<bool()> busy, Metrics& metrics)
    : max_requests_(max_requests),
      metrics_(metrics),
      pool_(num_threads, [busy = std::move(busy)] { give_way(busy); }),
      thread_([this] { work(); }) {}

SlowLane::~SlowLane() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SlowLane::submit(std::function<void(bool)> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) throw Problem(ProblemKind::draining, "the server is about to end", 1);
    if (waiting_.size() + running_ >= max_requests_) {
      throw Problem(ProblemKind::overloaded, fmt::format("{} explanations are asked for already, at most {} may be", waiting_.size() + running_,
                                                         max_requests_), 2);
    }
    waiting_.push_back(std::move(job));
    metrics_.set_slow_lane(waiting_.size() + running_);
  }
  wake_.notify_one();
}

bool SlowLane::stopping() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void SlowLane::work() {
  lower_thread_priority();
  const ThreadPool::Detour detour(pool_);
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto job = std::move(waiting_.front());
    waiting_.pop_front();
    running_ = 1;
    const bool stopped = stop_;
    lock.unlock();
    job(stopped);
    lock.lock();
    running_ = 0;
    metrics_.set_slow_lane(waiting_.size());
  }
}

}  // namespace filbert::serve
