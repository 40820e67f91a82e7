#include "base/bounded_queue.h"

#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

TEST(BoundedQueue, ThreadsSeeEveryValueInItsOrder) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  std::thread writer([&] {
    for (int value = 0; value < 1000; ++value) queue.push(std::make_unique<int>(value));
    queue.close();
  });
  std::vector<int> found, expected(1000);
  while (auto value = queue.pop()) found.push_back(**value);
  writer.join();
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(found, expected);
}

TEST(BoundedQueue, ClosedItGivesWhatItHasAndTakesNothing) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.push(1));
  queue.close();
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, ClosingWakesTheThreadThatWaitsForRoom) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.push(1));
  std::thread writer([&] { EXPECT_FALSE(queue.push(2)); });
  queue.close();
  writer.join();
}

}  // namespace
}  // namespace filbert
