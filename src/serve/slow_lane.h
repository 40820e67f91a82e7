// Work that takes a second: explanations, attention maps and nearest contexts. It has threads of its own, of low priority, which stand still while predictions are at
// work, so that it hardly slows them. Tested by slow_lane_test.cpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/thread_pool.h"
#include "serve/metrics.h"
#include "serve/problem.h"

namespace filbert::serve {

// One job after the other, in their order.
class SlowLane {
 public:
  // `num_threads` compute; models that have fewer use their own. While `busy()` says that predictions are at work, each of them takes a step only every
  // 20 ms. `metrics` must outlive it.
  SlowLane(unsigned num_threads, std::size_t max_requests, std::function<bool()> busy, Metrics& metrics);
  ~SlowLane();  // what waits is not run: its job is called with `stopped`

  // `job` is called once, in the lane's thread: with true if the lane has ended meanwhile, so that it only says so. It may not throw.
  // Throws Problem(overloaded) if max_requests wait or run already.
  void submit(std::function<void(bool stopped)> job);
  bool stopping() const;

 private:
  void work();

  const std::size_t max_requests_;
  Metrics& metrics_;
  ThreadPool pool_;
  mutable std::mutex mutex_;                            // guards what follows
  std::condition_variable wake_;
  std::deque<std::function<void(bool)>> waiting_;
  std::size_t running_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace filbert::serve
