#include "serve/batcher.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace filbert::serve {
namespace {

// Asking costs a call of the system, and under load hundreds of jobs wait while one batch after the other is taken; who has just asked has not gone yet.
constexpr auto kGoneAfter = std::chrono::milliseconds(10), kAskAgainAfter = std::chrono::milliseconds(100);
// A batch that takes longer is not faster for each of its tokens, and whoever comes meanwhile waits for all of it. Nor is one of less than a
// unit of the model for each of its threads.
constexpr double kBatch_s = 0.02;
constexpr std::size_t kLeastTokensOfAThread = 256;
// Where so many batches wait, nobody's turn is near, and a batch may be larger: a thread that others keep from its share then has less of it to catch up.
constexpr std::size_t kManyBatches = 8, kTimesLarger = 3;
// A batch is given up when it has taken so many times what it should; a first one, of which nobody knows what that is, should take a minute.
constexpr double kTooLate = 10, kFirst_s = 60;

// A model's first batches are slow, and one of a few tokens says little: what is known changes by its share of a second.
double smoothed(double before, double tokens, double seconds) {
  const double now = tokens / std::max(seconds, 1e-6);
  const double weight = before == 0 ? 1 : std::min(0.5, seconds / 0.5);
  return before + weight * (now - before);
}

void fail_rest(BatchJob& job, std::size_t from, const Problem& problem) {
  for (std::size_t row = from; row < job.problems.size(); ++row) job.problems[row] = problem;
}

// What is called may hold the job that holds it.
void say_done(const std::vector<std::shared_ptr<BatchJob>>& jobs) {
  for (const auto& job : jobs) std::exchange(job->done, nullptr)();
}

}  // namespace

void copy_row(const BatchEncoding& from, std::size_t row, BatchEncoding& to) {
  const std::size_t start = from.row_starts[row], length = from.row_length(row);
  to.add_row(std::span(from.input_ids).subspan(start, length), std::span(from.token_type_ids).subspan(start, length));
}

std::size_t batch_tokens(double tokens_per_second, unsigned num_threads, std::size_t waiting_tokens, std::size_t max_batch_tokens) {
  const std::size_t soon = std::max(kLeastTokensOfAThread * num_threads, static_cast<std::size_t>(tokens_per_second * kBatch_s));
  return std::min(waiting_tokens > kManyBatches * soon ? kTimesLarger * soon : soon, max_batch_tokens);
}

Batcher::Batcher(const ServeLimits& limits, Metrics& metrics) : limits_(limits), metrics_(metrics), thread_([this] { work(); }) {}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Batcher::check_room(Clock::time_point deadline) const {
  const std::lock_guard lock(mutex_);
  check_room(1, deadline);
}

void Batcher::check_room(std::size_t tokens, Clock::time_point deadline) const {
  if (stop_) throw Problem(ProblemKind::draining, "the server is about to end", 1);
  const std::size_t before = waiting_tokens_ + running_tokens_;
  if (before == 0) return;
  const double wait_s = tokens_per_second_ == 0 ? 0 : static_cast<double>(before + tokens) / tokens_per_second_;
  const int retry_after_s = static_cast<int>(std::clamp(std::ceil(wait_s), 1.0, 600.0));
  if (waiting_tokens_ != 0 && waiting_tokens_ + tokens > limits_.max_queue_tokens) {
    throw Problem(ProblemKind::overloaded, fmt::format("the queue is full: {} tokens wait, at most {} may", waiting_tokens_, limits_.max_queue_tokens),
                  retry_after_s);
  }
  if (Clock::now() + std::chrono::duration<double>(wait_s) > deadline) {
    throw Problem(ProblemKind::overloaded, fmt::format("{} tokens come first, about {:.1f} s of work, more than this request has time", before, wait_s),
                  retry_after_s);
  }
}

void Batcher::submit(std::shared_ptr<BatchJob> job) {
  job->queued_ = Clock::now();
  job->ask_after_ = job->queued_ + kGoneAfter;
  job->problems.resize(job->inputs.batch_size());
  const std::size_t rows = job->model->logits_of(job->inputs, job->inputs.batch_size() - 1).second;
  job->logits = Tensor({rows, job->model->config().num_labels()});
  {
    const std::lock_guard lock(mutex_);
    check_room(job->inputs.total_tokens(), job->deadline);
    job->number_ = next_number_++;
    if (!at_work_ && waiting_.empty()) last_step_ = job->queued_;
    waiting_texts_ += job->inputs.batch_size();
    waiting_tokens_ += job->inputs.total_tokens();
    const auto key = [](const std::shared_ptr<BatchJob>& each) { return std::tuple(each->urgency, each->deadline, each->number_); };
    const auto place = std::upper_bound(waiting_.begin(), waiting_.end(), job,
                                        [&](const auto& left, const auto& right) { return key(left) < key(right); });
    waiting_.insert(place, std::move(job));
    busy_ = true;
    count_queue();
  }
  wake_.notify_one();
}

double Batcher::tokens_per_second() const {
  const std::lock_guard lock(mutex_);
  return tokens_per_second_;
}

bool Batcher::gets_on(Clock::duration patience) const {
  const std::lock_guard lock(mutex_);
  if (!at_work_ && waiting_.empty()) return true;
  double should_s = 0;
  if (running_tokens_ != 0) should_s = tokens_per_second_ == 0 ? kFirst_s : static_cast<double>(running_tokens_) / tokens_per_second_;
  const auto most = std::max<std::chrono::duration<double>>(patience, std::chrono::duration<double>(kTooLate * should_s));
  return Clock::now() - last_step_ <= most;
}

void Batcher::count_queue() { metrics_.set_queue(waiting_texts_, waiting_tokens_); }

void Batcher::work() {
  while (true) {
    std::vector<std::shared_ptr<BatchJob>> finished;
    std::vector<Part> parts;
    {
      std::unique_lock lock(mutex_);
      at_work_ = false;
      wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      at_work_ = true;
      last_step_ = Clock::now();
      finished = drop_hopeless(Clock::now());
      parts = next_batch();
      busy_ = !parts.empty() || !waiting_.empty();
      count_queue();
    }
    say_done(finished);
    if (parts.empty()) continue;
    run(parts);
    {
      const std::lock_guard lock(mutex_);
      finished = take_finished();
      running_tokens_ = 0;
      last_step_ = Clock::now();
      busy_ = !waiting_.empty();
    }
    say_done(finished);
  }
}

// Jobs that nobody waits for, or whose time is up, leave the queue with what they have.
std::vector<std::shared_ptr<BatchJob>> Batcher::drop_hopeless(Clock::time_point now) {
  for (const auto& job : waiting_) {
    const std::size_t from = job->next_row_, rows = job->inputs.batch_size();
    const bool late = job->deadline <= now;
    const bool asks = job->gone && now > job->ask_after_;
    if (asks) job->ask_after_ = now + kAskAgainAfter;
    if (!stop_ && !late && !(asks && job->gone())) continue;
    if (stop_) {
      fail_rest(*job, from, Problem(ProblemKind::draining, "the server ended before this text's turn came", 1));
    } else if (late) {
      fail_rest(*job, from, Problem(ProblemKind::timeout, fmt::format("the time of this request, {:.0f} ms, passed before its turn came",
                                                                      milliseconds(job->deadline - job->queued_))));
    } else {
      fail_rest(*job, from, Problem(ProblemKind::timeout, "the client is gone"));
      metrics_.client_gone();
    }
    job->queue_ms = milliseconds(now - job->queued_);
    waiting_texts_ -= rows - from;
    waiting_tokens_ -= job->inputs.total_tokens() - job->inputs.row_starts[from];
    job->next_row_ = rows;
  }
  return take_finished();
}

std::vector<std::shared_ptr<BatchJob>> Batcher::take_finished() {
  std::vector<std::shared_ptr<BatchJob>> finished;
  const auto rest = std::stable_partition(waiting_.begin(), waiting_.end(), [](const auto& job) { return job->next_row_ < job->inputs.batch_size(); });
  finished.assign(std::make_move_iterator(rest), std::make_move_iterator(waiting_.end()));
  waiting_.erase(rest, waiting_.end());
  return finished;
}

// Rows of the first job's model: of each job its share, then of the first ones what is left.
std::vector<Batcher::Part> Batcher::next_batch() {
  std::vector<Part> parts;
  if (waiting_.empty()) return parts;
  const ServedModel* model = waiting_.front()->model.get();
  const auto same_model = [&](const auto& job) { return job->model.get() == model; };
  const std::size_t jobs = static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(), same_model));
  const std::size_t most_tokens = batch_tokens(tokens_per_second_, model->model().num_threads(), waiting_tokens_, limits_.max_batch_tokens);
  const std::size_t share = most_tokens / jobs;
  std::size_t tokens = 0;
  for (const auto& job : waiting_) {
    if (job->model.get() == model) parts.push_back({job.get(), job->next_row_, job->next_row_});
  }
  for (const std::size_t most : {share, most_tokens}) {
    for (Part& part : parts) {
      const std::vector<std::size_t>& starts = part.job->inputs.row_starts;
      for (std::size_t mine = starts[part.end] - starts[part.begin]; part.end < part.job->inputs.batch_size(); ++part.end) {
        const std::size_t length = part.job->inputs.row_length(part.end);
        const bool fits = tokens + length <= most_tokens || tokens == 0;
        if (!fits || (mine != 0 && mine + length > most)) break;
        tokens += length;
        mine += length;
      }
    }
  }
  std::erase_if(parts, [](const Part& part) { return part.begin == part.end; });
  for (const Part& part : parts) {
    part.job->next_row_ = part.end;
    waiting_texts_ -= part.end - part.begin;
  }
  waiting_tokens_ -= tokens;
  running_tokens_ = tokens;
  return parts;
}

void Batcher::run(const std::vector<Part>& parts) {
  const Clock::time_point begin = Clock::now();
  batch_.clear();
  for (const auto& [job, first, last] : parts) {
    for (std::size_t row = first; row < last; ++row) copy_row(job->inputs, row, batch_);
    job->queue_ms = milliseconds(begin - job->queued_);
  }
  const std::size_t tokens = batch_.total_tokens();
  const ServedModel& model = *parts.front().job->model;
  try {
    const Tensor logits = model.logits(batch_);
    std::size_t from = 0;
    for (const auto& [job, first, last] : parts) {
      const std::size_t end = model.logits_of(job->inputs, last - 1).second;
      for (std::size_t to = model.logits_of(job->inputs, first).first; to < end; ++to, ++from) std::copy(logits[from].begin(), logits[from].end(), job->logits[to].begin());
      job->computed_tokens += job->inputs.row_starts[last] - job->inputs.row_starts[first];
    }
  } catch (const std::exception&) {
    run_rows_alone(parts);
  }
  const Clock::duration taken = Clock::now() - begin;
  for (const Part& part : parts) part.job->infer_ms = milliseconds(taken);
  metrics_.batch(model.name, batch_.batch_size(), tokens, milliseconds(taken) / 1000);
  const std::lock_guard lock(mutex_);
  tokens_per_second_ = smoothed(tokens_per_second_, static_cast<double>(tokens), milliseconds(taken) / 1000);
}

// Something in the batch cannot be computed: whatever that is fails alone.
void Batcher::run_rows_alone(const std::vector<Part>& parts) {
  for (const auto& [job, first, last] : parts) {
    for (std::size_t row = first; row < last; ++row) {
      try {
        BatchEncoding alone;
        copy_row(job->inputs, row, alone);
        const Tensor logits = job->model->logits(alone);
        const auto [begin, end] = job->model->logits_of(job->inputs, row);
        for (std::size_t to = begin; to < end; ++to) std::copy(logits[to - begin].begin(), logits[to - begin].end(), job->logits[to].begin());
        job->computed_tokens += alone.total_tokens();
      } catch (const std::exception& error) {
        job->problems[row] = to_problem(error);
      }
    }
  }
}

}  // namespace filbert::serve
