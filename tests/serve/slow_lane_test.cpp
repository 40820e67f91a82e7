// The lane of what takes long: in order, limited, and with threads that give way.
#include "serve/slow_lane.h"

#include <future>
#include <sched.h>
#include <vector>

#include <gtest/gtest.h>

namespace filbert::serve {
namespace {

TEST(SlowLane, ConcurrentJobsRunInTheirOrderWithThreadsThatGiveWay) {
  Metrics metrics;
  std::vector<int> order;
  int policy = -1, inner_policy = -1;
  {
    SlowLane lane(2, 8, metrics);
    std::promise<void> last;
    ThreadPool models(2);
    for (int number = 0; number < 4; ++number) {
      lane.submit([&, number](bool stopped) {
        EXPECT_FALSE(stopped);
        order.push_back(number);
        policy = sched_getscheduler(0);
        models.parallel_for(2, [&](std::size_t index, unsigned) {
          if (index == 1) inner_policy = sched_getscheduler(0);
        });
        if (number == 3) last.set_value();
      });
    }
    last.get_future().wait();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(policy, SCHED_IDLE);
  EXPECT_EQ(inner_policy, SCHED_IDLE) << "a loop of the lane ran on a model's own threads";
}

TEST(SlowLane, MoreThanItHoldsIsOverloadedAndTheEndSaysSoToWhoWaits) {
  Metrics metrics;
  std::promise<void> release, held;
  std::vector<bool> stopped;
  {
    SlowLane lane(1, 2, metrics);
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
