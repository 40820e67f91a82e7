// Threads that wait for loops: parallel_for hands out indices, and returns when all are done.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/at_fork.h"

namespace filbert {

// Gives the calling thread, and those that it starts from now on, a tenth of what others get that want to run too. It cannot rise again without
// privileges.
void lower_thread_priority();

// A child of fork(), which inherits no thread, starts its own with its first loop.
class ThreadPool {
 public:
  // `num_threads` counts the caller: 1 starts no thread. Throws Error(overloaded) if the system gives fewer.
  explicit ThreadPool(unsigned num_threads);
  // Of work that has no haste: its threads are of low priority, and `give_way` is called by each thread before every index that it takes.
  ThreadPool(unsigned num_threads, std::function<void()> give_way);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned size() const { return size_; }

  // While it lives, the loops that the calling thread starts on a pool of at least the size of `other` run on `other` instead: so work of
  // little haste leaves a model's own threads to others.
  class Detour {
   public:
    explicit Detour(ThreadPool& other);
    ~Detour();
    Detour(const Detour&) = delete;
    Detour& operator=(const Detour&) = delete;

   private:
    ThreadPool* before_;
  };

  // body(index, thread) for every index below `count`, each once, in no order; thread < size() tells concurrent calls of
  // one loop apart. The body must not start a loop; the first exception of a body is thrown here when all bodies under way
  // have ended, and the other indices are left. Safe to call from many threads: while one caller has the workers, another
  // runs its loop alone (thread 0).
  template <typename Body>
  void parallel_for(std::size_t count, const Body& body) {
    run(count, [](const void* context, std::size_t index, unsigned thread) {
      (*static_cast<const Body*>(context))(index, thread);
    }, &body);
  }

 private:
  using Call = void (*)(const void* context, std::size_t index, unsigned thread);
  void run(std::size_t count, Call call, const void* context);
  void work(unsigned thread);
  void start();
  void stop();
  void forget_threads();
  void take_indices(unsigned thread);

  const std::function<void()> give_way_ = {};
  const unsigned size_;
  std::vector<std::thread> threads_;         // guarded by the next one
  std::mutex in_use_;                        // held by the caller that has the workers

  // The loop under way; written by that caller while no worker is in it.
  Call call_ = nullptr;
  const void* context_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_ = 0;        // the first index not yet taken
  std::atomic<unsigned> working_ = 0;        // workers that have not yet finished this loop
  std::mutex failure_mutex_;                 // guards the next one
  std::exception_ptr failure_;               // what a body of this loop threw first

  std::mutex mutex_;                         // guards sleeping on the next one
  std::condition_variable wake_;
  std::atomic<std::uint64_t> generation_ = 0;  // counts loops; odd or even means nothing
  std::atomic<bool> stop_ = false;
  AtFork at_fork_{[] {}, [] {}, [this] { forget_threads(); }};
};

}  // namespace filbert
