// A thread that reads and writes: its connections, and what cuts off those that are too slow. Everything of a connection happens in the thread of
// its loop, so that nothing of it is locked.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "serve/server_state.h"

namespace filbert::serve {

namespace asio = boost::asio;

// For a request that is on its way to an idle connection when the server ends.
constexpr auto kDrainLinger = std::chrono::milliseconds(500);

struct Connection {
  explicit Connection(asio::ip::tcp::socket socket_) : socket(std::move(socket_)) {}

  asio::ip::tcp::socket socket;
  Clock::time_point expires = Clock::time_point::max();  // when what is under way is cut off
  bool expired = false;    // it was
  bool idle = false;       // between two requests
};

struct Loop {
  Loop(ServerState& state_, asio::thread_pool& heavy_) : state(state_), heavy(heavy_) {}

  ServerState& state;
  asio::thread_pool& heavy;                      // parses and tokenizes what would hold up the others
  asio::io_context context{1};
  std::shared_ptr<asio::ssl::context> tls = {};  // of connections to come; null: in the clear
  std::list<Connection> connections = {};
  std::vector<std::pair<Clock::time_point, std::function<void()>>> alarms = {};  // what is to be called then, or a little later
  std::atomic<Clock::time_point> last_turn = Clock::now();  // a sign of life, which others may read; max() once it has ended
};

// All that is said on a connection, until one side ends it.
asio::awaitable<void> converse(Loop& loop, Connection& connection);

}  // namespace filbert::serve
