// The lane of what takes long: in order, limited, and with threads that give way.
#include "serve/slow_lane.h"

#include <atomic>
#include <future>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace filbert::serve {
namespace {

int niceness() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

TEST(SlowLane, ConcurrentJobsRunInTheirOrderOnThreadsOfItsOwn) {
  Metrics metrics;
  std::vector<int> order;
  int outer = 0, inner = 0;
  {
    SlowLane lane(2, 8, [] { return false; }, metrics);
    std::promise<void> last;
    ThreadPool models(2);
    for (int number = 0; number < 4; ++number) {
      lane.submit([&, number](bool stopped) {
        EXPECT_FALSE(stopped);
        order.push_back(number);
        outer = niceness();
        models.parallel_for(2, [&](std::size_t index, unsigned) {
          if (index == 1) inner = niceness();
        });
        if (number == 3) last.set_value();
      });
    }
    last.get_future().wait();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_GE(outer, 10);
  EXPECT_GE(inner, 10) << "a loop of the lane ran on a model's own threads";
}

TEST(SlowLane, ConcurrentPredictionsMakeItStandStillButNotForEver) {
  Metrics metrics;
  std::atomic<int> asked = 0;
  std::promise<void> done;
  SlowLane lane(1, 8, [&] { return ++asked < 1000; }, metrics);
  lane.submit([&](bool) {
    ThreadPool(1).parallel_for(3, [&](std::size_t index, unsigned) { EXPECT_EQ(asked, 20 * (static_cast<int>(index) + 1)); });
    done.set_value();
  });
  done.get_future().wait();
}

TEST(SlowLane, MoreThanItHoldsIsOverloadedAndTheEndSaysSoToWhoWaits) {
  Metrics metrics;
  std::promise<void> release, held;
  std::vector<bool> stopped;
  {
    SlowLane lane(1, 2, [] { return false; }, metrics);
    lane.submit([&](bool) {
      held.set_value();
      release.get_future().wait();
    });
    held.get_future().wait();
    lane.submit([&](bool is_stopped) { stopped.push_back(is_stopped); });
    EXPECT_THROW(lane.submit([](bool) {}), Problem);
    std::thread([&] {
      while (!lane.stopping()) std::this_thread::yield();
      release.set_value();
    }).detach();
  }
  EXPECT_EQ(stopped, std::vector<bool>{true});
}

}  // namespace
}  // namespace filbert::serve
