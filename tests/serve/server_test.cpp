// The server over real sockets: many clients at once, reload and drain without a lost answer, clients that are slow or break off.
#include "serve/server.h"

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <map>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "serve/served_tiny.h"

namespace filbert::serve {
namespace {

using namespace std::chrono_literals;

// A blocking client of one connection.
class Client {
 public:
  explicit Client(unsigned short port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) { (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  void end_sending() { shutdown(socket_, SHUT_WR); }
  // The last of it goes with the end, however long this thread is held up between the two.
  void send_last(std::string_view text) {
    (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_MORE);
    end_sending();
  }

  struct Answer {
    int status = 0;      // 0: the connection ended before one came
    std::string head, body;
  };
  Answer answer() {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!more()) return {};
    }
    Answer answer;
    answer.head = buffer_.substr(0, buffer_.find("\r\n\r\n") + 2);
    buffer_.erase(0, answer.head.size() + 2);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::size_t at = answer.head.find("content-length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(answer.head.substr(at + 16));
    while (buffer_.size() < length) {
      if (!more()) return {};
    }
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return answer;
  }
  // Everything until the server closes.
  std::string rest() {
    while (more()) continue;
    return buffer_;
  }

 private:
  bool more() {
    char bytes[4096];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
    if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n" + std::string(more) +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string text_of(int number) {
  std::string text = "I love";
  for (int word = 0; word < number % 9; ++word) text += word % 2 == 0 ? " book" : " this";
  return text;
}

class ServerTest : public testing::Test {
 protected:
  static std::shared_ptr<const ServedModel> tiny() {
    static const auto model = reference::served_tiny();
    return model;
  }
  void start(ServeOptions options = {}) {
    options.port = 0;
    server_ = std::make_unique<Server>(std::move(options), [] { return ServedModels({tiny()}); }, log_);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }
  unsigned short port() const { return server_->port(); }
  // The answer's best label must be the library's.
  static std::string expected(int number) {
    return "\"label\": \"" + tiny()->classifier()(text_of(number)).label + "\"";
  }

  Log log_{std::nullopt, LogLevel::off};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(ServerTest, ConcurrentClientsGetTheLibrarysAnswersWhileModelsAreReloaded) {
  start();
  constexpr int kClients = 6, kRequests = 30;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      Client connection(port());
      for (int request = 0; request < kRequests; ++request) {
        const int number = client * kRequests + request;
        connection.send(post("/v1/classify", "{\"input\": \"" + text_of(number) + "\"}"));
        const auto answer = connection.answer();
        right += answer.status == 200 && answer.body.find(expected(number)) != std::string::npos;
      }
    });
  }
  for (int times = 0; times < 5; ++times) {
    server_->reload();
    std::this_thread::sleep_for(5ms);
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, kClients * kRequests);
}

TEST_F(ServerTest, ConcurrentRequestsThatWereTakenAreAnsweredWhenItStops) {
  start();
  constexpr int kClients = 8;
  std::atomic<int> answered = 0, refused = 0, cut = 0;
  std::atomic<bool> go_on = true;
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      Client connection(port());
      while (go_on && connection.connected()) {   // or it came too late to be taken
        connection.send(post("/v1/classify", "{\"input\": [\"" + text_of(client) + "\", \"a book\"]}"));
        const auto answer = connection.answer();
        ++(answer.status == 200 ? answered : answer.status == 503 ? refused : cut);
        if (answer.status != 200) break;
        if (answer.head.find("connection: close") != std::string::npos) break;
      }
    });
  }
  while (answered < 50) std::this_thread::sleep_for(1ms);
  server_->stop();
  thread_.join();
  go_on = false;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(cut, 0) << "of " << answered << " answered and " << refused << " refused";
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  start();
  Client client(port());
  std::string all;
  for (int number = 0; number < 20; ++number) all += post("/v1/classify", "{\"input\": \"" + text_of(number) + "\"}", "x-request-id: n" + std::to_string(number) + "\r\n");
  client.send(all);
  for (int number = 0; number < 20; ++number) {
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.head.find("x-request-id: n" + std::to_string(number) + "\r\n"), std::string::npos);
    EXPECT_NE(answer.body.find(expected(number)), std::string::npos);
  }
}

TEST_F(ServerTest, WhatIsNoRequestIsSaidAndTheConnectionEnds) {
  ServeOptions options;
  options.limits.max_body_bytes = 1000;
  options.limits.max_header_bytes = 2000;
  options.limits.read_timeout = 300ms;
  start(options);
  const std::map<std::string, int> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
      {"POST /v1/classify HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n", 400},
      {"POST /v1/classify HTTP/1.1\r\ncontent-length: 100000000\r\n\r\n", 413},
      {"POST /v1/classify HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + std::string("3e9\r\n") + std::string(1001, 'x'), 413},
      {"GET / HTTP/1.1\r\nx: " + std::string(5000, 'y') + "\r\n\r\n", 413},
      {"GET / HTTP/1.1\r\nhost:", 408},
      {"POST /v1/classify HTTP/1.1\r\ncontent-length: 10\r\n\r\n{", 408},
  };
  for (const auto& [text, status] : cases) {
    Client client(port());
    client.send(text);
    EXPECT_EQ(client.answer().status, status) << text.substr(0, 80);
    client.end_sending();
    client.rest();
  }
}

TEST_F(ServerTest, BodiesOfAllRequestsTogetherAreBounded) {
  ServeOptions options;
  options.limits.max_body_bytes = 100'000;
  options.limits.max_total_body_bytes = 150'000;
  start(options);
  const std::string body = "{\"input\": \"a book\"}" + std::string(99'000, ' ');
  const std::string request = post("/v1/classify", body);
  const auto wait_for_bytes = [&](std::size_t bytes) {
    for (int times = 0; times < 2000 && server_->state().body_bytes != bytes; ++times) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server_->state().body_bytes, bytes);
  };
  Client first(port());
  first.send(std::string_view(request).substr(0, request.size() - 1000));
  wait_for_bytes(body.size() - 1000);
  {  // what says how long it is is refused before it is read
    Client second(port());
    second.send(std::string_view(request).substr(0, request.size() - body.size()));
    const auto answer = second.answer();
    EXPECT_EQ(answer.status, 429);
    EXPECT_NE(answer.head.find("retry-after: "), std::string::npos) << answer.head;
    EXPECT_NE(answer.body.find("at most 150000 may be held together"), std::string::npos) << answer.body;
  }
  {  // what does not say it, when there is no more room
    Client second(port());
    second.send("POST /v1/classify HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + std::string("ea60\r\n") + std::string(60'000, 'x') + "\r\n");
    EXPECT_EQ(second.answer().status, 429);
    wait_for_bytes(body.size() - 1000);  // and holds nothing any more, though its connection is still there
  }
  Client small(port());
  small.send(post("/v1/classify", "{\"input\": \"a book\"}"));
  EXPECT_EQ(small.answer().status, 200);
  first.send(std::string_view(request).substr(request.size() - 1000));
  EXPECT_EQ(first.answer().status, 200);
  wait_for_bytes(0);
  small.send(request);
  EXPECT_EQ(small.answer().status, 200);
  {
    Client leaves(port());
    leaves.send(std::string_view(request).substr(0, request.size() - 1));
    wait_for_bytes(body.size() - 1);
  }
  wait_for_bytes(0);
}

TEST_F(ServerTest, AClientThatLeavesIsNotWaitedFor) {
  start();
  for (int times = 0; times < 20; ++times) {
    Client client(port());
    client.send(post("/v1/classify", "{\"input\": \"" + text_of(times) + "\"}"));
  }
  Client client(port());
  client.send(post("/v1/classify", "{\"input\": \"a book\"}"));
  EXPECT_EQ(client.answer().status, 200);
  for (int times = 0; times < 200 && server_->state().connections > 1; ++times) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server_->state().connections, 1u);
  EXPECT_EQ(server_->state().in_flight, 0u);
}

TEST_F(ServerTest, IdleConnectionsEndAfterTheirTime) {
  ServeOptions options;
  options.limits.idle_timeout = 200ms;
  start(options);
  Client client(port());
  client.send(post("/v1/classify", "{\"input\": \"a book\"}"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.rest(), "");
}

TEST_F(ServerTest, EventsComeAsChunksAndEndWithTheResult) {
  start();
  Client client(port());
  client.send(post("/explain", "{\"text\": \"I love this book\"}", "accept: text/event-stream\r\nconnection: close\r\n"));
  const std::string all = client.rest();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n")) << all.substr(0, 200);
  EXPECT_NE(all.find("\r\ntransfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(all.find("event: result\ndata: {"), std::string::npos);
  EXPECT_TRUE(all.ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, WhoEndsItsSideWithTheRequestIsExplainedTo) {
  start();
  const std::string body = "{\"text\": \"I love this book\"}";
  Client client(port());
  client.send_last(post("/explain", body));
  const auto answer = client.answer();
  EXPECT_EQ(answer.status, 200) << answer.body;
  Client listener(port());
  listener.send_last(post("/explain", body, "accept: text/event-stream\r\n"));
  const std::string all = listener.rest();
  EXPECT_NE(all.find("event: result\ndata: {"), std::string::npos) << all;
}

TEST_F(ServerTest, AnAddressInUseIsAnErrorThatNamesIt) {
  start();
  ServeOptions options;
  options.port = port();
  try {
    const Server second(options, [] { return ServedModels({tiny()}); }, log_);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:" + std::to_string(port())), std::string::npos) << error.what();
  }
}

TEST(ServerTls, FilesThatAreNoneAreNamed) {
  Log log(std::nullopt, LogLevel::off);
  ServeOptions options;
  options.port = 0;
  options.tls_certificate = "/nonexistent/certificate.pem";
  options.tls_key = "/nonexistent/key.pem";
  EXPECT_THROW(Server(options, [] { return ServedModels({reference::served_tiny()}); }, log), Error);
}

}  // namespace
}  // namespace filbert::serve
