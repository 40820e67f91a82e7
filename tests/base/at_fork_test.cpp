#include "base/at_fork.h"

#include <atomic>
#include <memory>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/idle_pool.h"
#include "base/thread_pool.h"

namespace filbert {
namespace {

// What `body` returns in a child of fork(); −1 if the child hangs or dies.
template <typename Body>
int in_child(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);  // a child that hangs dies of it
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::size_t sum_to(ThreadPool& pool, std::size_t count) {
  std::atomic<std::size_t> sum = 0;
  pool.parallel_for(count, [&](std::size_t index, unsigned) { sum += index; });
  return sum;
}

TEST(AtFork, AChildStartsThePoolAnew) {
  ThreadPool pool(3);
  EXPECT_EQ(sum_to(pool, 100), 4950u);
  EXPECT_EQ(in_child([&] {
              for (int round = 0; round < 20; ++round) {
                if (sum_to(pool, 100) != 4950 || pool.size() != 3) return 1;
              }
              std::atomic<unsigned> seen = 0;  // every thread has to come for the loop to end
              pool.parallel_for(3, [&](std::size_t, unsigned thread) {
                seen |= 1U << thread;
                while (seen != 7) std::this_thread::yield();
              });
              return seen == 7 ? 0 : 2;
            }), 0);
  EXPECT_EQ(sum_to(pool, 100), 4950u);
}

TEST(AtFork, AChildMayForkAgain) {
  ThreadPool pool(2);
  sum_to(pool, 10);
  EXPECT_EQ(in_child([&] { return sum_to(pool, 10) == 45 ? in_child([&] { return sum_to(pool, 10) == 45 ? 7 : 1; }) : 2; }), 7);
}

TEST(AtFork, AChildOfAProcessInTheMiddleOfALoopIsNotHeldUp) {
  ThreadPool pool(2);
  IdlePool<int> idle;
  // A sanitizer's malloc is not made ready for a fork, so whatever allocates is done before the first: the threads run, and one lease is there.
  sum_to(pool, 10);
  std::atomic<bool> started = false, stop = false;
  std::thread busy([&] {
    while (!stop) {
      sum_to(pool, 1000);
      const Lease<int> lease(idle);
      started = true;
    }
  });
  while (!started) std::this_thread::yield();
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(in_child([&] {
                const Lease<int> lease(idle);
                return sum_to(pool, 100) == 4950 ? 0 : 1;
              }), 0);
  }
  stop = true;
  busy.join();
}

TEST(AtFork, ACallIsMadeOnceOnEachSideAndNotAfterTheEnd) {
  int before = 0, in_parent = 0, child_calls = 0;
  auto listener = std::make_unique<AtFork>([&] { ++before; }, [&] { ++in_parent; }, [&] { ++child_calls; });
  EXPECT_EQ(in_child([&] { return child_calls * 10 + in_parent; }), 10);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(in_parent, 1);
  listener.reset();
  EXPECT_EQ(in_child([&] { return child_calls; }), 0);
  EXPECT_EQ(before, 1);
}

}  // namespace
}  // namespace filbert
