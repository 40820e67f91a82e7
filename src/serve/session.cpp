// A connection: requests are read with Beast's parser and answered one after the other, in the order in which they came.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <type_traits>
#include <utility>

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "serve/exchange.h"
#include "serve/http_text.h"
#include "serve/loop.h"

namespace filbert::serve {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kReadBytes = 65'536;             // that are read ahead of the parser
constexpr auto kWriteTime = std::chrono::seconds(30);  // for a client to take an answer, and a second more for each 100 kB
constexpr auto kLingerTime = std::chrono::seconds(2);

void expect_within(Connection& connection, Clock::duration time) { connection.expires = Clock::now() + time; }
void expect_nothing(Connection& connection) { connection.expires = Clock::time_point::max(); }

// What has become of the other side of a connection.
enum class Peer { there, ended, reset };

Peer peer_of(int descriptor) {
  pollfd asked{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  if (poll(&asked, 1, 0) <= 0 || (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) return Peer::there;
  return (asked.revents & (POLLHUP | POLLERR)) != 0 ? Peer::reset : Peer::ended;
}

// Of a client that has ended its side: whether it did so right behind the last it sent. The end brings an acknowledgement and no data, and after it nothing
// comes any more before we send, so the times since the last of each tell how far the two lie apart.
bool ended_with_its_request(int descriptor) {
  constexpr unsigned kApart_ms = 20;  // one burst of a client; the kernel's times are of 4 ms
  tcp_info found{};
  socklen_t length = sizeof found;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &found, &length) != 0) return false;
  return found.tcpi_last_data_recv <= found.tcpi_last_ack_recv + kApart_ms;
}

// Whether nobody waits for the answer to the last request of a connection. TCP says the same of a client that has left and of one that has only ended its
// side, as `nc -N` does, and reads on, which HTTP does not forbid. The latter says so with its request; who leaves has waited in vain first, or is reset.
// In TLS the end of a side is the end of both. `may_have_ended`: nothing but a reset counts.
bool is_gone(int descriptor, bool in_clear, bool may_have_ended) {
  const Peer peer = peer_of(descriptor);
  return peer == Peer::reset || (peer == Peer::ended && !(in_clear && (may_have_ended || ended_with_its_request(descriptor))));
}

std::string address_of(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? std::string("gone") : endpoint.address().to_string(error);
}

// What is wrong with bytes that are no request of ours; nothing if the client just ended, or is gone.
std::optional<Problem> problem_of(const error_code& error, const Connection& connection, bool began, const ServeLimits& limits) {
  if (connection.expired) return began ? std::optional(Problem(ProblemKind::timeout, "the request did not come in time")) : std::nullopt;
  if (error == http::error::body_limit) {
    return Problem(ProblemKind::too_large, fmt::format("the body: expected at most {} bytes", limits.max_body_bytes));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Problem(ProblemKind::too_large, fmt::format("the header: expected at most {} bytes", limits.max_header_bytes));
  }
  const bool of_http = error.category() == http::make_error_code(http::error::bad_value).category();
  if (!of_http || error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  return Problem(ProblemKind::malformed, fmt::format("expected an HTTP request, found something else: {}", error.message()));
}

HttpRequest request_of(http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  set_target({message.target().data(), message.target().size()}, request);
  request.headers.reserve(8);
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

template <typename Stream>
asio::awaitable<bool> write_all(Connection& connection, Stream& stream, std::string_view text) {
  expect_within(connection, kWriteTime + std::chrono::seconds(text.size() / 100'000));
  error_code error;
  co_await asio::async_write(stream, asio::buffer(text.data(), text.size()), asio::redirect_error(asio::use_awaitable, error));
  expect_nothing(connection);
  co_return !error;
}

// The rest of what the client sends is read and dropped for a while: closing on it would take the answer away from it.
asio::awaitable<void> linger(Connection& connection) {
  error_code error;
  connection.socket.shutdown(tcp::socket::shutdown_send, error);
  expect_within(connection, kLingerTime);
  std::array<char, 8192> rest;
  while (!error && !connection.expired) {
    co_await connection.socket.async_read_some(asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
  }
}

// Events as they come, each a chunk of the body. True if all of it was written.
template <typename Stream>
asio::awaitable<bool> write_events(Connection& connection, Stream& stream, EventQueue& events, bool chunked) {
  bool well = true;
  while (const std::optional<std::string> text = co_await events.next()) {
    const std::string piece = chunked ? chunk(*text) : *text;
    if (well) well = co_await write_all(connection, stream, piece);
    if (!well) events.abandon();
  }
  if (well && chunked) well = co_await write_all(connection, stream, chunk(""));
  co_return well;
}

struct ReadRequest {
  bool came = false;
  std::optional<Problem> problem = {};  // why none came, if the client is to know
};

// What `held` throws is thrown on.
template <typename Stream>
asio::awaitable<error_code> receive_body(Connection& connection, Stream& stream, beast::flat_buffer& buffer, Parser& parser, const ServeLimits& limits,
                                      BodyBytes& held) {
  const auto length = parser.content_length();
  held.check_room(length ? static_cast<std::size_t>(*length) : 0);
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) co_await write_all(connection, stream, "HTTP/1.1 100 Continue\r\n\r\n");
  expect_within(connection, limits.read_timeout + std::chrono::seconds((length ? static_cast<std::size_t>(*length) : limits.max_body_bytes) / 100'000));
  parser.eager(true);
  error_code error;
  while (!error && !parser.is_done()) {
    co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    held.grow_to(parser.get().body().size());
  }
  co_return error;
}

template <typename Stream>
asio::awaitable<ReadRequest> read_request(Connection& connection, Stream& stream, beast::flat_buffer& buffer, Parser& parser, const ServeLimits& limits,
                                          BodyBytes& held) {
  parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
  parser.body_limit(limits.max_body_bytes);
  expect_within(connection, limits.read_timeout);
  error_code error;
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  connection.idle = false;
  try {
    if (!error && !parser.is_done()) error = co_await receive_body(connection, stream, buffer, parser, limits, held);
  } catch (const Problem& problem) {
    expect_nothing(connection);
    co_return ReadRequest{.problem = problem};
  }
  expect_nothing(connection);
  if (!error) co_return ReadRequest{.came = true};
  co_return ReadRequest{.problem = problem_of(error, connection, buffer.size() != 0 || parser.got_some(), limits)};
}

// True if the connection goes on. `is_next`: of the request the beginning came with the one before.
template <typename Stream>
asio::awaitable<bool> converse_once(Loop& loop, Connection& connection, Stream& stream, beast::flat_buffer& buffer, const std::string& remote, bool is_next) {
  ServerState& state = loop.state;
  BodyBytes held(state);
  Parser parser;
  const ReadRequest read = co_await read_request(connection, stream, buffer, parser, state.options.limits, held);
  if (!read.came) {
    std::string().swap(parser.get().body());  // others may have its memory while this client is told
    held.release();
    if (read.problem) {
      connection.expired = false;
      const std::string text = refusal(state, *read.problem, remote);
      co_await write_all(connection, stream, text);
      co_await linger(connection);
    }
    co_return false;
  }
  const bool is_http_10 = parser.get().version() < 11, wants_more = parser.keep_alive();
  const std::size_t bytes_in = parser.get().body().size();
  constexpr bool kInClear = std::is_same_v<Stream, tcp::socket>;
  const int descriptor = connection.socket.native_handle();
  // Of requests in a row, the last of which the client's end came with, the answers are acknowledged after it.
  const auto may_have_ended = std::make_shared<std::atomic<bool>>(is_next && peer_of(descriptor) == Peer::ended);
  Exchange exchange{.loop = loop, .request = request_of(parser.get()),
                    .gone = [descriptor, may_have_ended] { return is_gone(descriptor, kInClear, *may_have_ended); }};
  exchange.record.remote = remote;
  const HttpResponse response = co_await answer(exchange);
  if (exchange.events) *may_have_ended = true;  // so are events, and who has left resets the connection when they come
  const bool goes_on = wants_more && !state.draining && !(is_http_10 && exchange.events);
  const bool whole = !exchange.events;
  std::string text = response_head(response, exchange.fields, {.goes_on = goes_on, .is_http_10 = is_http_10, .chunked = !whole && !is_http_10});
  if (whole && exchange.request.method != "HEAD") text += response.body;
  bool well = co_await write_all(connection, stream, text);
  if (!well && exchange.events) exchange.events->abandon();
  if (exchange.events) well &= co_await write_events(connection, stream, *exchange.events, !is_http_10);
  finish(exchange, response, well, bytes_in, text.size());
  co_return well && goes_on;
}

// Until the first byte of a request is there. A connection in the clear holds no memory for it meanwhile.
asio::awaitable<bool> first_byte(tcp::socket& stream, beast::flat_buffer&) {
  error_code error;
  co_await stream.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}
asio::awaitable<bool> first_byte(asio::ssl::stream<tcp::socket&>& stream, beast::flat_buffer& buffer) {
  error_code error;
  const std::size_t bytes = co_await stream.async_read_some(buffer.prepare(4096), asio::redirect_error(asio::use_awaitable, error));
  buffer.commit(bytes);
  co_return !error;
}

template <typename Stream>
asio::awaitable<void> converse_on(Loop& loop, Connection& connection, Stream& stream) {
  const ServeLimits& limits = loop.state.options.limits;
  const std::string remote = address_of(connection.socket);
  bool goes_on = true;
  while (goes_on) {
    beast::flat_buffer buffer(limits.max_header_bytes + 2 * kReadBytes);
    connection.idle = true;
    expect_within(connection, loop.state.draining ? Clock::duration(kDrainLinger) : limits.idle_timeout);  // one that became idle since is drained too
    if (!co_await first_byte(stream, buffer)) co_return;
    goes_on = co_await converse_once(loop, connection, stream, buffer, remote, false);
    while (goes_on && buffer.size() != 0) goes_on = co_await converse_once(loop, connection, stream, buffer, remote, true);
  }
}

}  // namespace

asio::awaitable<void> converse(Loop& loop, Connection& connection) {
  connection.socket.set_option(tcp::no_delay(true));
  error_code error;
  if (loop.tls == nullptr) {
    co_await converse_on(loop, connection, connection.socket);
  } else {
    const auto tls = loop.tls;  // a reload may bring another for those that come later
    asio::ssl::stream<tcp::socket&> stream(connection.socket, *tls);
    expect_within(connection, loop.state.options.limits.read_timeout);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    co_await converse_on(loop, connection, stream);
    expect_within(connection, kLingerTime);
    co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  }
  connection.socket.shutdown(tcp::socket::shutdown_both, error);
}

}  // namespace filbert::serve
