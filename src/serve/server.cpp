#include "serve/server.h"

#include <algorithm>
#include <csignal>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <filbert/error.h>

#include "serve/loop.h"
#include "serve/notify.h"

namespace filbert::serve {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kSweepEvery = std::chrono::milliseconds(200);   // what is too slow is cut off that late at most
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

std::shared_ptr<asio::ssl::context> tls_context(const ServeOptions& options) {
  if (!options.tls_certificate) return nullptr;
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  error_code error;
  context->use_certificate_chain_file(options.tls_certificate->string(), error);
  if (error) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a certificate in PEM form: {}", options.tls_certificate->string(), error.message()));
  context->use_private_key_file(options.tls_key->string(), asio::ssl::context::pem, error);
  if (error) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected the private key of {} in PEM form: {}", options.tls_key->string(),
                                                         options.tls_certificate->string(), error.message()));
  }
  return context;
}

tcp::endpoint endpoint_of(const ServeOptions& options) {
  asio::io_context context;
  error_code error;
  const auto found = tcp::resolver(context).resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("--host: expected an address of this machine, found \"{}\": {}", options.host, error.message()));
  return found.begin()->endpoint();
}

tcp::acceptor listening(asio::io_context& context, const tcp::endpoint& endpoint, bool shared) {
  tcp::acceptor acceptor(context);
  try {
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    if (shared) acceptor.set_option(ReusePort(true));
    acceptor.bind(endpoint);
    acceptor.listen(4096);
  } catch (const boost::system::system_error& error) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}:{}: expected an address to listen on: {}", endpoint.address().to_string(), endpoint.port(),
                                                         error.code().message()));
  }
  return acceptor;
}

asio::awaitable<void> pause(asio::steady_timer& timer, Clock::duration time) {
  error_code error;
  timer.expires_after(time);
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

}  // namespace

struct Server::Impl {
  Impl(ServeOptions options, std::function<ServedModels()> load_, Log& log) : load(std::move(load_)), state(std::move(options), load(), log) {
    tcp::endpoint endpoint = endpoint_of(state.options);
    const unsigned count = std::max(1U, state.options.io_threads);
    for (unsigned thread = 0; thread < count; ++thread) {
      Loop& loop = loops.emplace_back(state, heavy);
      loop.tls = tls_context(state.options);
      acceptors.push_back(listening(loop.context, endpoint, count > 1));
      port = acceptors.front().local_endpoint().port();
      endpoint.port(port);
    }
  }
  ~Impl() {
    if (reloading.joinable()) reloading.join();
    heavy.join();
  }

  asio::awaitable<void> accept(Loop& loop, tcp::acceptor& acceptor);
  asio::awaitable<void> sweep(Loop& loop, tcp::acceptor& acceptor);
  asio::awaitable<void> listen_to_signals(asio::signal_set& signals);
  asio::awaitable<void> keep_saying_alive();
  std::string_view what_hangs(Clock::duration patience) const;
  void welcome(Loop& loop, tcp::socket socket);
  void stop();
  void drain(Loop& loop, tcp::acceptor& acceptor);
  void reload();
  bool goes_on_reloading();
  bool load_anew();

  const ServiceManager manager;
  std::function<ServedModels()> load;
  ServerState state;
  asio::thread_pool heavy{1};
  std::atomic<Clock::time_point> heavy_came = Clock::now();  // by when it had done what it was given to show that it gets on
  std::deque<Loop> loops;
  std::deque<tcp::acceptor> acceptors;  // one for each loop
  unsigned short port = 0;              // known when they are closed, too
  std::mutex mutex;                     // guards the next three
  std::thread reloading;
  bool is_reloading = false;
  bool reload_wanted = false;
};

void Server::Impl::welcome(Loop& loop, tcp::socket socket) {
  const std::size_t before = state.connections.fetch_add(1);
  if (before >= state.options.limits.max_connections) {
    --state.connections;
    state.metrics.refused(ProblemKind::overloaded);
    return;  // and the socket closes
  }
  state.metrics.add_connections(1);
  loop.connections.emplace_back(std::move(socket));
  const auto place = std::prev(loop.connections.end());
  asio::co_spawn(loop.context, converse(loop, *place), [this, &loop, place](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      state.log.event(LogLevel::error, "a connection failed", {{"error", error.what()}});
    }
    loop.connections.erase(place);
    --state.connections;
    state.metrics.add_connections(-1);
  });
}

asio::awaitable<void> Server::Impl::accept(Loop& loop, tcp::acceptor& acceptor) {
  asio::steady_timer timer(loop.context);
  while (acceptor.is_open()) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      welcome(loop, std::move(socket));
    } else if (acceptor.is_open() && error != asio::error::connection_aborted) {
      state.log.event(LogLevel::warning, "no connection can be taken", {{"error", error.message()}});  // out of descriptors, say
      co_await pause(timer, std::chrono::milliseconds(100));
    }
  }
}

// What is too slow is cut off; once the server drains, the loop ends with its last connection.
asio::awaitable<void> Server::Impl::sweep(Loop& loop, tcp::acceptor& acceptor) {
  asio::steady_timer timer(loop.context);
  while (acceptor.is_open() || !loop.connections.empty()) {
    co_await pause(timer, acceptor.is_open() ? kSweepEvery : std::chrono::milliseconds(20));
    const Clock::time_point now = Clock::now();
    loop.last_turn = now;
    std::erase_if(loop.alarms, [&](const auto& alarm) {
      if (alarm.first > now) return false;
      alarm.second();
      return true;
    });
    for (Connection& connection : loop.connections) {
      if (connection.expires > now) continue;
      connection.expired = true;
      connection.expires = Clock::time_point::max();
      error_code error;
      connection.socket.cancel(error);
    }
  }
  loop.last_turn = Clock::time_point::max();
  if (&loop == &loops.front()) loop.context.stop();  // the signals are still waited for
}

asio::awaitable<void> Server::Impl::listen_to_signals(asio::signal_set& signals) {
  while (true) {
    const int number = co_await signals.async_wait(asio::use_awaitable);
    state.log.event(LogLevel::info, "signal", {{"name", sigabbrev_np(number)}});
    if (number != SIGHUP && state.draining) {  // a second time: at once, as it would without us
      std::signal(number, SIG_DFL);
      std::raise(number);
    }
    number == SIGHUP ? reload() : stop();
  }
}

// The threads that a prediction needs; nothing if all get on. Explanations may have to wait for as long as others are busy.
std::string_view Server::Impl::what_hangs(Clock::duration patience) const {
  const Clock::time_point since = Clock::now() - patience;
  if (!state.batcher.gets_on(patience)) return "what runs the model";
  if (heavy_came.load() < since) return "what reads long bodies";
  return std::ranges::all_of(loops, [&](const Loop& loop) { return loop.last_turn.load() >= since; }) ? "" : "a thread that reads and writes";
}

// The service manager ends a server that hangs, and starts another.
asio::awaitable<void> Server::Impl::keep_saying_alive() {
  asio::steady_timer timer(loops.front().context);
  while (manager.watchdog()) {
    const std::string_view hangs = what_hangs(*manager.watchdog() + kSweepEvery);
    if (hangs.empty()) {
      manager.alive();
    } else {
      state.log.event(LogLevel::error, "hangs; the service manager is not told that this server is alive", {{"what", std::string(hangs)}});
    }
    asio::post(heavy, [this] { heavy_came = Clock::now(); });
    co_await pause(timer, *manager.watchdog() / 2);
  }
}

void Server::Impl::stop() {
  if (state.draining.exchange(true)) return;
  manager.stopping("answers what it has");
  state.log.event(LogLevel::info, "draining", {{"requests_in_flight", std::to_string(state.in_flight.load())}});
  for (std::size_t at = 0; at < loops.size(); ++at) {
    asio::post(loops[at].context, [this, &loop = loops[at], &acceptor = acceptors[at]] { drain(loop, acceptor); });
  }
}

// Those who are in the queue of the listening socket have been told that they are connected: they are taken before it closes.
void Server::Impl::drain(Loop& loop, tcp::acceptor& acceptor) {
  error_code error;
  acceptor.non_blocking(true, error);
  while (!error) {
    tcp::socket socket = acceptor.accept(error);
    if (!error) welcome(loop, std::move(socket));
  }
  acceptor.close(error);
  for (Connection& connection : loop.connections) {
    if (connection.idle) connection.expires = Clock::now() + kDrainLinger;
  }
}

void Server::Impl::reload() {
  state.log.reopen();
  const std::lock_guard lock(mutex);
  reload_wanted = true;   // also of one that is under way: it may have read already what has changed since
  if (is_reloading) return;
  if (reloading.joinable()) reloading.join();
  is_reloading = true;
  manager.reloading();
  reloading = std::thread([this] {
    bool succeeded = true;
    while (goes_on_reloading()) {
      succeeded = load_anew();
      state.metrics.reloaded(succeeded);
    }
    if (!state.draining) manager.ready(succeeded ? "answers, with models loaded anew" : "answers; the last reload failed");
  });
}

bool Server::Impl::goes_on_reloading() {
  const std::lock_guard lock(mutex);
  is_reloading = std::exchange(reload_wanted, false) && !state.draining;
  return is_reloading;
}

// All of it or nothing.
bool Server::Impl::load_anew() {
  try {
    std::vector<std::shared_ptr<asio::ssl::context>> contexts;
    for (std::size_t loop = 0; loop < loops.size(); ++loop) contexts.push_back(tls_context(state.options));
    state.set_models(load());
    for (std::size_t at = 0; at < loops.size(); ++at) {
      asio::post(loops[at].context, [&loop = loops[at], tls = contexts[at]] { loop.tls = tls; });
    }
    state.log.event(LogLevel::info, "reloaded");
    return true;
  } catch (const std::exception& error) {
    state.log.event(LogLevel::error, "the reload failed; what was loaded stays", {{"error", error.what()}});
    return false;
  }
}

bool is_loopback(const std::string& host) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  return error ? host == "localhost" : address.is_loopback();
}

Server::Server(ServeOptions options, std::function<ServedModels()> load, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(load), log)) {}
Server::~Server() = default;

unsigned short Server::port() const { return impl_->port; }
const ServerState& Server::state() const { return impl_->state; }
void Server::stop() { impl_->stop(); }
void Server::reload() { impl_->reload(); }

void Server::run(const std::function<void()>& ready) {
  std::signal(SIGPIPE, SIG_IGN);
  asio::signal_set signals(impl_->loops.front().context, SIGTERM, SIGINT, SIGHUP);
  asio::co_spawn(impl_->loops.front().context, impl_->listen_to_signals(signals), [](const std::exception_ptr&) {});
  std::vector<std::thread> threads;
  for (std::size_t at = 0; at < impl_->loops.size(); ++at) {
    Loop& loop = impl_->loops[at];
    asio::co_spawn(loop.context, impl_->accept(loop, impl_->acceptors[at]), asio::detached);
    asio::co_spawn(loop.context, impl_->sweep(loop, impl_->acceptors[at]), asio::detached);
    if (at != 0) threads.emplace_back([&loop] { loop.context.run(); });
  }
  asio::co_spawn(impl_->loops.front().context, impl_->keep_saying_alive(), asio::detached);
  if (ready) ready();
  impl_->manager.ready("answers");
  impl_->loops.front().context.run();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace filbert::serve
