#include "bench/load_run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "bench/http_answer.h"

namespace filbert::bench {
namespace {

constexpr std::size_t kPortsOfAnAddress = 16'384;  // of the ephemeral ports, after which the next of 127.0.0.0/8 is used
constexpr std::size_t kShownProblems = 5;
constexpr int kEvents = 256;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr double kReconnectPause_s = 0.1;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// Connected, or about to be if it does not block; get() is negative if that failed at once.
Socket connect_to(const LoadOptions& options, std::size_t number, bool blocking) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0));
  if (socket.get() < 0) throw Error(ErrorKind::network, fmt::format("socket {}: {}", number, std::strerror(errno)));
  const int one = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (number >= kPortsOfAnAddress) {
    setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(number / kPortsOfAnAddress));
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return {};
  }
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(options.port);
  inet_pton(AF_INET, options.address.c_str(), &server.sin_addr);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 && errno != EINPROGRESS) return {};
  return socket;
}

struct Connection {
  Socket socket;
  AnswerParser answer;
  const LoadRequest* request = nullptr;  // that is in flight, or waits for the connection to be made
  std::size_t written = 0;               // of its bytes
  double planned = 0;                    // when it should have been sent
  bool connected = false;
};

class Load {
 public:
  Load(const std::vector<LoadRequest>& requests, const LoadOptions& options)
      : requests_(requests), options_(options), check_(options.tolerance), random_(options.seed), order_(requests.size()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)), connections_(options.connections), buffer_(kReadBytes) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    position_ = order_.size();
    for (std::size_t index = connections_.size(); index > 0; --index) free_.push_back(index - 1);
  }

  LoadResult run() {
    const double cpu_before = cpu_s();
    start_ = now_s();
    count_from_ = start_ + options_.warmup_s;
    end_ = count_from_ + options_.seconds;
    next_arrival_ = start_;
    next_sweep_ = start_ + 1;
    result_.seconds = options_.seconds;
    result_.windows.resize(static_cast<std::size_t>(std::ceil(options_.seconds / options_.window_s)));
    for (double now = start_; now < end_ || in_flight_ > 0; now = now_s()) {
      if (now < end_) start_requests(now);
      wait(now);
      if (now >= next_sweep_) sweep(now);
    }
    result_.cpu_s = cpu_s() - cpu_before;
    return std::move(result_);
  }

 private:
  // A closed loop keeps every connection busy; an open one sends what is due, however many are under way.
  void start_requests(double now) {
    if (now < pause_until_) return;
    if (options_.rate <= 0) {
      while (!free_.empty() && now >= pause_until_) send_next(now, now);
      return;
    }
    std::exponential_distribution<double> gap(options_.rate);
    for (; next_arrival_ <= now; next_arrival_ += gap(random_)) due_.push_back(next_arrival_);
    while (!due_.empty() && !free_.empty() && now >= pause_until_) {
      const double planned = due_.front();
      due_.pop_front();
      send_next(planned, now);
    }
  }

  const LoadRequest& next_request() {
    if (position_ == order_.size()) {
      std::shuffle(order_.begin(), order_.end(), random_);
      position_ = 0;
    }
    return requests_[order_[position_++]];
  }

  void send_next(double planned, double now) {
    const std::size_t index = free_.back();
    Connection& connection = connections_[index];
    if (connection.socket.get() < 0 && !open(connection, index)) {
      ++result_.not_connected;
      pause_until_ = now + kReconnectPause_s;
      return;
    }
    free_.pop_back();
    connection.request = &next_request();
    connection.written = 0;
    connection.planned = planned;
    ++in_flight_;
    ++result_.sent;
    if (options_.rate > 0) result_.late_ms.push_back(1e3 * (now_s() - planned));
    if (connection.connected) write(connection);
  }

  bool open(Connection& connection, std::size_t index) {
    connection.socket = connect_to(options_, index, false);
    if (connection.socket.get() < 0) return false;
    connection.connected = false;
    connection.answer.reset();
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = index;
    return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) == 0;
  }

  void write(Connection& connection) {
    const std::string& wire = connection.request->wire;
    while (connection.written < wire.size()) {
      const ssize_t sent = ::send(connection.socket.get(), wire.data() + connection.written, wire.size() - connection.written, MSG_NOSIGNAL);
      if (sent < 0) return;  // EAGAIN: an event follows; any other error is one that the read sees
      connection.written += static_cast<std::size_t>(sent);
    }
  }

  void wait(double now) {
    double until = now < end_ ? std::min(end_, next_sweep_) : next_sweep_;
    if (now < end_ && options_.rate > 0) until = std::min(until, next_arrival_);
    if (now < pause_until_) until = std::min(until, pause_until_);
    const double pause = std::max(0.0, until - now);
    timespec timeout{};
    timeout.tv_sec = static_cast<time_t>(pause);
    timeout.tv_nsec = static_cast<long>((pause - std::floor(pause)) * 1e9);
    epoll_event events[kEvents];
    const int count = epoll_pwait2(epoll_.get(), events, kEvents, &timeout, nullptr);
    for (int each = 0; each < count; ++each) handle(events[each].data.u64, events[each].events);
  }

  void handle(std::size_t index, std::uint32_t events) {
    Connection& connection = connections_[index];
    if (connection.socket.get() < 0) return;
    if ((events & EPOLLOUT) != 0 && (events & (EPOLLERR | EPOLLHUP)) == 0) {
      connection.connected = true;
      if (connection.request != nullptr) write(connection);
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) read(connection, index);
    // The server said that it ends with an answer that did not: nothing more may be sent.
    if ((events & EPOLLRDHUP) != 0 && connection.request == nullptr) close(connection);
  }

  void read(Connection& connection, std::size_t index) {
    while (true) {
      const ssize_t count = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EAGAIN) return;
      if (count < 0) return ended(connection, index, std::strerror(errno));
      try {
        if (count == 0) {
          if (connection.request == nullptr) return close(connection);
          connection.answer.end_of_connection();
        } else {
          take(connection, {buffer_.data(), static_cast<std::size_t>(count)});
        }
      } catch (const std::runtime_error& error) {
        return ended(connection, index, error.what());
      }
      if (connection.answer.whole()) return answered(connection, index);
      if (static_cast<std::size_t>(count) < buffer_.size()) return;  // edge-triggered, yet all is read: the next bytes are a new edge
    }
  }

  void take(Connection& connection, std::string_view bytes) {
    if (connection.request == nullptr) throw std::runtime_error("bytes that nobody asked for: " + std::string(bytes.substr(0, 80)));
    const std::size_t taken = connection.answer.feed(bytes);
    if (taken < bytes.size()) throw std::runtime_error("bytes after the answer: " + std::string(bytes.substr(taken, 80)));
  }

  void answered(Connection& connection, std::size_t index) {
    const double now = now_s();
    const AnswerParser& answer = connection.answer;
    const LoadRequest& request = *connection.request;
    ++result_.answered;
    if (answer.status() == 200) {
      if (const auto problem = check_.problem_of(request, answer.body())) {
        ++result_.wrong;
        note(*problem);
      }
    } else if (answer.status() == 429) {
      result_.without_retry_after += !answer.has_retry_after();
    }
    if (now >= count_from_ && now < end_) count(request, answer.status(), now, connection.planned);
    finish(connection, index);
    if (!connection.answer.keep_alive()) close(connection);
    connection.answer.reset();
  }

  void count(const LoadRequest& request, int status, double now, double planned) {
    result_.latency_ms[status].push_back(1e3 * (now - planned));
    const auto at = static_cast<std::size_t>((now - count_from_) / options_.window_s);
    Window& window = result_.windows[std::min(at, result_.windows.size() - 1)];
    ++(status == 200 ? window.answered : window.refused);
    if (status != 200) return;
    const std::size_t texts = request.expected.empty() ? 1 : request.expected.size();
    window.texts += texts;
    window.tokens += request.tokens;
    result_.completions.push_back({now - count_from_, texts, request.tokens});
  }

  void finish(Connection& connection, std::size_t index) {
    connection.request = nullptr;
    --in_flight_;
    free_.push_back(index);
  }

  // Without an answer. If there was never a connection, the request is lost all the same.
  void ended(Connection& connection, std::size_t index, const std::string& reason) {
    if (connection.request != nullptr) {
      ++result_.lost;
      note("lost: " + reason);
      if (!connection.connected) {
        ++result_.not_connected;
        pause_until_ = now_s() + kReconnectPause_s;
      }
      finish(connection, index);
    }
    close(connection);
  }

  void close(Connection& connection) {
    connection.socket = Socket();
    connection.connected = false;
    connection.answer.reset();
  }

  void sweep(double now) {
    next_sweep_ = now + 1;
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      Connection& connection = connections_[index];
      if (connection.request != nullptr && now - connection.planned > options_.timeout_s) ended(connection, index, "no answer in time");
    }
  }

  void note(const std::string& problem) {
    if (result_.problems.size() < kShownProblems) result_.problems.push_back(problem);
  }

  const std::vector<LoadRequest>& requests_;
  const LoadOptions& options_;
  AnswerCheck check_;
  std::mt19937_64 random_;
  std::vector<std::size_t> order_;
  std::size_t position_ = 0;
  Socket epoll_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  std::vector<std::size_t> free_;   // connections without a request, the last used last
  std::deque<double> due_;          // planned moments whose requests wait for a connection
  std::size_t in_flight_ = 0;
  double start_ = 0, count_from_ = 0, end_ = 0, next_arrival_ = 0, next_sweep_ = 0, pause_until_ = 0;
  LoadResult result_;
};

// One request and its answer's status on a socket that blocks; 0 if there is none.
int ask(const Socket& socket, const std::string& wire) {
  if (::send(socket.get(), wire.data(), wire.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(wire.size())) return 0;
  AnswerParser answer;
  char buffer[4096];
  while (!answer.whole()) {
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return 0;
    answer.feed({buffer, static_cast<std::size_t>(count)});
  }
  return answer.keep_alive() ? answer.status() : 0;
}

}  // namespace

LoadResult run_load(const std::vector<LoadRequest>& requests, const LoadOptions& options) {
  LoadResult result = Load(requests, options).run();
  if (result.answered == 0) {
    throw Error(ErrorKind::network, fmt::format("{}:{}: expected answers, found none of {} requests: {}", options.address, options.port, result.sent,
                                                result.problems.empty() ? "no connection" : result.problems.front()));
  }
  return result;
}

std::size_t hold_connections(const std::string& path, const LoadOptions& options, void (*held)(std::size_t connections)) {
  const std::string wire = wire_of("GET", path, {}, {.host = fmt::format("{}:{}", options.address, options.port)});
  std::vector<Socket> sockets;
  for (std::size_t number = 0; number < options.connections; ++number) {
    Socket socket = connect_to(options, number, true);
    if (socket.get() >= 0 && ask(socket, wire) == 200) sockets.push_back(std::move(socket));
  }
  held(sockets.size());
  return static_cast<std::size_t>(std::count_if(sockets.begin(), sockets.end(), [&](const Socket& socket) { return ask(socket, wire) == 200; }));
}

}  // namespace filbert::bench
