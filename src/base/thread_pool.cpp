#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace filbert {
namespace {

// A layer's loops follow each other within microseconds; a worker that slept between them would cost more than they do.
constexpr auto kSpin = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

thread_local ThreadPool* detour = nullptr;

}  // namespace

void lower_thread_priority() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
}

ThreadPool::Detour::Detour(ThreadPool& other) : before_(std::exchange(detour, &other)) {}
ThreadPool::Detour::~Detour() { detour = before_; }

ThreadPool::ThreadPool(unsigned num_threads) : ThreadPool(num_threads, nullptr) {}

ThreadPool::ThreadPool(unsigned num_threads, std::function<void()> give_way) : give_way_(std::move(give_way)), size_(std::max(num_threads, 1U)) {
  start();
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::start() {
  stop_ = false;
  generation_ = 0;
  try {
    for (unsigned thread = 1; thread < size_; ++thread) threads_.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size() + 1;
    stop();
    throw Error(ErrorKind::overloaded, fmt::format("num_threads: expected to run {} threads, the system gives {}: {}",
                                                   size_, started, error.what()));
  }
}

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++generation_;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// In a child of fork(): the threads are those of the parent, and so is whoever held a lock or slept on one. All of it is made anew, and the old, which
// can be neither joined nor destroyed, is left where it lies.
void ThreadPool::forget_threads() {
  new std::vector<std::thread>(std::move(threads_));
  threads_.clear();
  new (&in_use_) std::mutex;
  new (&failure_mutex_) std::mutex;
  new (&mutex_) std::mutex;
  new (&wake_) std::condition_variable;
  new (&failure_) std::exception_ptr;
  working_ = 0;
}

void ThreadPool::run(std::size_t count, Call call, const void* context) {
  if (detour != nullptr && detour != this && detour->size() <= size()) return detour->run(count, call, context);
  std::unique_lock in_use(in_use_, std::defer_lock);
  if (size_ == 1 || count <= 1 || !in_use.try_lock()) {
    for (std::size_t index = 0; index < count; ++index) {
      if (give_way_) give_way_();
      call(context, index, 0);
    }
    return;
  }
  if (threads_.empty()) start();  // in a child
  call_ = call;
  context_ = context;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  working_.store(static_cast<unsigned>(threads_.size()), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  take_indices(0);
  for (unsigned spins = 0; working_.load(std::memory_order_acquire) != 0; ++spins) {
    spins < 4096 ? pause() : std::this_thread::yield();
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::take_indices(unsigned thread) {
  try {
    for (std::size_t index = next_.fetch_add(1, std::memory_order_relaxed); index < count_;
         index = next_.fetch_add(1, std::memory_order_relaxed)) {
      if (give_way_) give_way_();
      call_(context_, index, thread);
    }
  } catch (...) {
    next_.store(count_, std::memory_order_relaxed);  // nobody takes another
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void ThreadPool::work(unsigned thread) {
  if (give_way_) lower_thread_priority();
  std::uint64_t seen = 0;
  while (true) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    while (generation_.load(std::memory_order_acquire) == seen && std::chrono::steady_clock::now() < deadline) pause();
    if (generation_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
    }
    if (stop_) return;
    ++seen;  // each loop waits for every worker, so none is ever missed
    take_indices(thread);
    working_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace filbert
