// Rows of many requests, through the model together. A batch is whatever waits, up to what takes about 20 ms or max_batch_tokens: nothing waits
// for company. Of those that wait the most urgent come first, of equally urgent ones those with the earliest deadline; each request has its share
// of a batch before one takes the rest, so that a request of a thousand texts does not stand before one of a single text. Tested by
// batcher_test.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

#include "serve/clock.h"
#include "serve/metrics.h"
#include "serve/plan.h"
#include "serve/problem.h"
#include "serve/served_models.h"

namespace filbert::serve {

// The rows of one request. The batcher alone touches it from submit() until it calls done(), once, from its own thread.
struct BatchJob {
  std::shared_ptr<const ServedModel> model;
  BatchEncoding inputs;                    // at least one row
  Clock::time_point deadline;              // rows that have not begun by then are timeout
  int urgency = 3;                         // 0 first, 7 last
  std::function<bool()> gone = {};         // whether nobody waits any more; asked before rows are taken, a few times a second
  std::function<void()> done;

  Tensor logits = {};                      // [batch_size, num_labels], of a model that labels tokens [total_tokens, num_labels]; zeros for a problem
  std::vector<std::optional<Problem>> problems = {};  // [batch_size]
  double queue_ms = 0, infer_ms = 0;       // of the last row
  std::size_t computed_tokens = 0;

 private:
  friend class Batcher;
  Clock::time_point queued_, ask_after_;   // ask_after_: when `gone` is asked again
  std::uint64_t number_ = 0;
  std::size_t next_row_ = 0;               // the first that has not been taken
};

// A row of `from` behind those of `to`: its ids and type ids, and nothing else of it.
void copy_row(const BatchEncoding& from, std::size_t row, BatchEncoding& to);

// Tokens of a batch, at most: what the model does in about 20 ms, yet enough for each of its threads; three times as many where over eight such batches wait.
std::size_t batch_tokens(double tokens_per_second, unsigned num_threads, std::size_t waiting_tokens, std::size_t max_batch_tokens);

class Batcher {
 public:
  // `metrics` must outlive it.
  Batcher(const ServeLimits& limits, Metrics& metrics);
  ~Batcher();  // what waits is answered as draining first

  // Throws Problem(overloaded), which says when to try again: the queue is full, or the job's deadline would pass before it is done.
  void submit(std::shared_ptr<BatchJob> job);
  // Throws what submit() would for the smallest of jobs: before any work is spent on one that has no chance.
  void check_room(Clock::time_point deadline) const;

  // Whether anything waits or is in the model.
  bool busy() const { return busy_.load(std::memory_order_relaxed); }
  // Tokens a second, as the last batches had it; 0 before the first.
  double tokens_per_second() const;
  // Whether it gets on: has nothing to do, or began or ended a batch within `patience`; while a batch runs that should take longer, within ten times what
  // it should take. False means that its thread, or one of the model's, hangs.
  bool gets_on(Clock::duration patience) const;

 private:
  // Rows [begin, end) of a job that are in a batch.
  struct Part {
    BatchJob* job;
    std::size_t begin, end;
  };
  void check_room(std::size_t tokens, Clock::time_point deadline) const;  // under the lock
  void work();
  std::vector<std::shared_ptr<BatchJob>> drop_hopeless(Clock::time_point now);
  std::vector<Part> next_batch();
  void run(const std::vector<Part>& parts);
  void run_rows_alone(const std::vector<Part>& parts);
  std::vector<std::shared_ptr<BatchJob>> take_finished();
  void count_queue();

  const ServeLimits& limits_;
  Metrics& metrics_;
  std::atomic<bool> busy_ = false;
  mutable std::mutex mutex_;                         // guards what follows
  std::condition_variable wake_;
  std::vector<std::shared_ptr<BatchJob>> waiting_;   // in the order in which they come
  std::size_t waiting_texts_ = 0, waiting_tokens_ = 0;
  std::size_t running_tokens_ = 0;                   // in the model now
  double tokens_per_second_ = 0;
  bool at_work_ = false;                             // its thread does not wait for jobs
  Clock::time_point last_step_ = {};                 // since when that is so, or when a batch began or ended
  std::uint64_t next_number_ = 0;
  bool stop_ = false;
  BatchEncoding batch_;                              // of the thread alone
  std::thread thread_;
};

}  // namespace filbert::serve
