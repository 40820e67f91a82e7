// Requests that share the model: each gets the very bits of the pipeline, whatever its company; order, deadlines and limits are kept.
#include "serve/batcher.h"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "serve/served_tiny.h"

namespace filbert::serve {
namespace {

using namespace std::chrono_literals;

class BatcherTest : public testing::Test {
 protected:
  static const std::shared_ptr<const ServedModel>& model() {
    static const auto tiny = reference::served_tiny();
    return tiny;
  }
  static BatchEncoding rows(std::size_t count, std::size_t words = 3) {
    std::string text;
    for (std::size_t word = 0; word < words; ++word) text += word % 2 == 0 ? "book " : "love ";
    const std::vector<TextInput> texts(count, TextInput{text});
    return model()->classifier().tokenize(texts);
  }
  std::shared_ptr<BatchJob> job(BatchEncoding inputs, Clock::duration time = 10s) {
    auto made = std::make_shared<BatchJob>();
    made->model = model();
    made->inputs = std::move(inputs);
    made->deadline = Clock::now() + time;
    made->done = [this, number = jobs_++] {
      const std::lock_guard lock(mutex_);
      order_.push_back(number);
      done_.notify_all();
    };
    return made;
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(done_.wait_for(lock, 60s, [&] { return order_.size() >= count; }));
  }
  // Holds the batcher's thread until the result is set.
  std::promise<void> hold(Batcher& batcher) {
    std::promise<void> release, held;
    auto blocker = job(rows(1));
    blocker->done = [&held, until = release.get_future().share()] {
      held.set_value();
      until.wait();
    };
    --jobs_;
    batcher.submit(blocker);
    held.get_future().wait();
    return release;
  }

  ServeLimits limits_;
  Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<int> order_;
  int jobs_ = 0;
};

TEST_F(BatcherTest, ConcurrentRequestsGetTheBitsOfThePipelineWhateverTheirCompany) {
  limits_.max_batch_tokens = 64;
  std::vector<std::shared_ptr<BatchJob>> all;
  {
    Batcher batcher(limits_, metrics_);
    for (std::size_t at = 0; at < 40; ++at) all.push_back(job(rows(1 + at % 7, 1 + at % 11)));
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t at = thread; at < all.size(); at += 4) batcher.submit(all[at]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    wait_for(all.size());
  }
  for (const auto& each : all) {
    const Tensor expected = model()->classifier().model()(each->inputs).logits;
    EXPECT_EQ(each->logits.data, expected.data);
    EXPECT_EQ(each->computed_tokens, each->inputs.total_tokens());
    for (const auto& problem : each->problems) EXPECT_FALSE(problem.has_value());
  }
}

TEST_F(BatcherTest, TheMostUrgentComesFirstThenTheEarliestDeadline) {
  limits_.max_batch_tokens = 1;  // a row at a time
  Batcher batcher(limits_, metrics_);
  auto release = hold(batcher);
  batcher.submit(job(rows(1), 30s));  // 0
  batcher.submit(job(rows(1), 20s));  // 1
  auto urgent = job(rows(1), 40s);    // 2
  urgent->urgency = 0;
  batcher.submit(urgent);
  auto patient = job(rows(1), 10s);   // 3
  patient->urgency = 7;
  batcher.submit(patient);
  release.set_value();
  wait_for(4);
  EXPECT_EQ(order_, (std::vector<int>{2, 1, 0, 3}));
}

TEST_F(BatcherTest, ARequestOfManyTextsDoesNotStandBeforeOneOfASingleText) {
  const std::size_t length = rows(1).total_tokens();
  limits_.max_batch_tokens = 4 * length;
  Batcher batcher(limits_, metrics_);
  auto release = hold(batcher);
  batcher.submit(job(rows(100), 10s));  // 0
  batcher.submit(job(rows(1), 20s));    // 1: behind it, and yet in the first batch
  release.set_value();
  wait_for(2);
  EXPECT_EQ(order_, (std::vector<int>{1, 0}));
}

TEST_F(BatcherTest, ARowLongerThanABatchGoesAlone) {
  limits_.max_batch_tokens = 2;
  Batcher batcher(limits_, metrics_);
  const auto long_one = job(rows(2, 15));
  batcher.submit(long_one);
  wait_for(1);
  EXPECT_EQ(long_one->logits.data, model()->classifier().model()(long_one->inputs).logits.data);
}

TEST(BatchTokens, AreWhatTakesAboutTwentyMilliseconds) {
  EXPECT_EQ(batch_tokens(0, 2, 0, 4096), 512u);        // nothing is known yet
  EXPECT_EQ(batch_tokens(2'400, 2, 0, 4096), 512u);    // BERT-base: enough for both threads, whatever that takes
  EXPECT_EQ(batch_tokens(100'000, 2, 0, 4096), 2000u);
  EXPECT_EQ(batch_tokens(1e9, 2, 0, 4096), 4096u);     // what memory is bounded by
  EXPECT_EQ(batch_tokens(2'400, 2, 0, 100), 100u);
}

TEST(BatchTokens, AreThreeTimesAsManyWhereManyBatchesWait) {
  EXPECT_EQ(batch_tokens(2'400, 2, 8 * 512, 4096), 512u);
  EXPECT_EQ(batch_tokens(2'400, 2, 8 * 512 + 1, 4096), 1536u);
  EXPECT_EQ(batch_tokens(100'000, 2, 1'000'000, 4096), 4096u);
}

TEST_F(BatcherTest, WhatIsTooLateOrWhoseClientIsGoneIsNotComputed) {
  Batcher batcher(limits_, metrics_);
  auto release = hold(batcher);
  const auto late = job(rows(2), 1ms), gone = job(rows(2)), good = job(rows(2));
  gone->gone = [] { return true; };
  good->gone = [] { return false; };
  for (const auto& each : {late, gone, good}) batcher.submit(each);
  std::this_thread::sleep_for(20ms);
  release.set_value();
  wait_for(3);
  ASSERT_TRUE(late->problems[0] && late->problems[1]);
  EXPECT_EQ(late->problems[0]->kind, ProblemKind::timeout);
  EXPECT_EQ(late->computed_tokens, 0u);
  ASSERT_TRUE(gone->problems[1].has_value());
  EXPECT_EQ(gone->computed_tokens, 0u);
  EXPECT_FALSE(good->problems[0].has_value());
  EXPECT_EQ(good->computed_tokens, good->inputs.total_tokens());
}

TEST_F(BatcherTest, WhatCannotBeComputedFailsAlone) {
  Batcher batcher(limits_, metrics_);
  auto release = hold(batcher);
  BatchEncoding bad = rows(2);
  bad.input_ids[1] = 1'000'000;
  const auto broken = job(bad), good = job(rows(3));
  batcher.submit(broken);
  batcher.submit(good);
  release.set_value();
  wait_for(2);
  ASSERT_TRUE(broken->problems[0].has_value());
  EXPECT_EQ(broken->problems[0]->kind, ProblemKind::invalid);
  EXPECT_FALSE(broken->problems[1].has_value());
  for (const auto& problem : good->problems) EXPECT_FALSE(problem.has_value());
  EXPECT_EQ(good->logits.data, model()->classifier().model()(good->inputs).logits.data);
}

TEST_F(BatcherTest, AFullQueueIsOverloadedAndSaysWhenToComeAgain) {
  limits_.max_queue_tokens = rows(4).total_tokens();
  Batcher batcher(limits_, metrics_);
  auto release = hold(batcher);
  batcher.submit(job(rows(4)));
  try {
    batcher.submit(job(rows(1)));
    FAIL() << "expected a Problem";
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.kind, ProblemKind::overloaded);
    EXPECT_GE(problem.retry_after_s.value_or(0), 1);
  }
  release.set_value();
  wait_for(1);
}

TEST_F(BatcherTest, WhatCouldNotBeDoneInItsTimeIsOverloadedAtOnce) {
  Batcher batcher(limits_, metrics_);
  batcher.submit(job(rows(50)));
  wait_for(1);
  ASSERT_GT(batcher.tokens_per_second(), 0);
  auto release = hold(batcher);
  batcher.submit(job(rows(1000)));
  EXPECT_THROW(batcher.submit(job(rows(1), 1us)), Problem);
  release.set_value();
  wait_for(2);
}

TEST_F(BatcherTest, ThatHangsDoesNotGetOn) {
  Batcher batcher(limits_, metrics_);
  EXPECT_TRUE(batcher.gets_on(0s));  // nothing to do, however long
  batcher.submit(job(rows(50)));
  wait_for(1);
  auto release = hold(batcher);
  EXPECT_TRUE(batcher.gets_on(60s));
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(batcher.gets_on(10ms));
  batcher.submit(job(rows(1)));  // a sign of clients, not of life
  EXPECT_FALSE(batcher.gets_on(10ms));
  release.set_value();
  wait_for(2);
  for (int times = 0; times < 2000 && !batcher.gets_on(0s); ++times) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(batcher.gets_on(0s));
}

TEST_F(BatcherTest, TheEndAnswersWhatWaits) {
  std::vector<std::shared_ptr<BatchJob>> all;
  std::promise<void> release;
  std::thread later;
  {
    Batcher batcher(limits_, metrics_);
    release = hold(batcher);
    for (int at = 0; at < 5; ++at) all.push_back(job(rows(1)));
    for (const auto& each : all) batcher.submit(each);
    later = std::thread([&] {
      std::this_thread::sleep_for(50ms);
      release.set_value();
    });
  }
  later.join();
  EXPECT_EQ(order_.size(), 5u);
  for (const auto& each : all) {
    if (each->problems[0]) {
      EXPECT_EQ(each->problems[0]->kind, ProblemKind::draining);
    }
  }
}

}  // namespace
}  // namespace filbert::serve
