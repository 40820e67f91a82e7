// What a slow thread says to a coroutine: in order, to its end, and to an end of others' making where it has none.
#include "serve/event_queue.h"

#include <optional>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace filbert::serve {
namespace {

asio::awaitable<void> read_all(EventQueue& events, std::string& read, bool& ended) {
  while (const std::optional<std::string> text = co_await events.next()) read += *text;
  ended = true;
}

struct Reader {
  explicit Reader(EventQueue& events) { asio::co_spawn(context, read_all(events, read, ended), asio::detached); }
  void run() {
    context.restart();
    context.poll();
  }
  asio::io_context context;
  std::string read;
  bool ended = false;
};

TEST(EventQueue, IsReadToItsEnd) {
  EventQueue events;
  Reader reader(events);
  events.push("a");
  reader.run();
  EXPECT_EQ(reader.read, "a");
  events.push("b");
  events.push("c");
  reader.run();
  EXPECT_EQ(reader.read, "abc");
  EXPECT_FALSE(reader.ended);
  events.finish("d");
  reader.run();
  EXPECT_EQ(reader.read, "abcd");
  EXPECT_TRUE(reader.ended);
  EXPECT_FALSE(events.expired());
}

TEST(EventQueue, ThatExpiresEndsWithoutItsThread) {
  EventQueue events;
  Reader reader(events);
  events.push("a");
  events.expire("late");
  EXPECT_TRUE(events.expired());
  EXPECT_TRUE(events.abandoned());
  events.push("lost");
  reader.run();
  EXPECT_EQ(reader.read, "alate");
  EXPECT_TRUE(reader.ended);
  events.finish();
}

TEST(EventQueue, ThatHasFinishedDoesNotExpire) {
  EventQueue events;
  Reader reader(events);
  events.push("a");
  events.finish();
  events.expire("late");
  EXPECT_FALSE(events.expired());
  reader.run();
  EXPECT_EQ(reader.read, "a");
  EXPECT_TRUE(reader.ended);
}

TEST(EventQueue, WakesAReaderThatWaitsInAnotherThread) {
  EventQueue events;
  std::string read;
  bool ended = false;
  asio::io_context context;
  const auto work = asio::make_work_guard(context);
  asio::co_spawn(context, read_all(events, read, ended), [&](const std::exception_ptr&) { context.stop(); });
  std::thread thread([&context] { context.run(); });
  for (int number = 0; number < 1000; ++number) events.push("x");
  events.expire("y");
  thread.join();
  EXPECT_EQ(read, std::string(1000, 'x') + "y");
}

}  // namespace
}  // namespace filbert::serve
