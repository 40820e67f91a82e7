// The load generator against a server of a few lines whose every answer is known: what it counts must be so.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "bench/load_requests.h"
#include "bench/load_run.h"
#include "reference/tiny_checkpoint.h"

namespace filbert::bench {
namespace {

const std::string kLine =
    R"({"path": "/predict", "body": {"inputs": "a book"}, "expect": [[["good", 0.75], ["bad", 0.25]]], "tokens": 4})"
    "\n";
const std::string kRight = R"([{"score":0.75,"label":"good"},{"score":0.25,"label":"bad"}])";
const std::string kWrong = R"([{"score":0.75000006,"label":"good"},{"score":0.25,"label":"bad"}])";

std::string answer_of(int status, const std::string& body, const std::string& headers = "") {
  return fmt::format("HTTP/1.1 {} Status\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body);
}

// Answers the requests of each connection in turn by what `reply` says for the number of the request; nothing: the connection ends.
class KeepAliveServer {
 public:
  explicit KeepAliveServer(std::function<std::string(std::size_t request)> reply)
      : reply_(std::move(reply)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 || ::getsockname(listener_, any, &size) != 0) {
      throw std::runtime_error("no socket on the loopback");
    }
    port = ntohs(address.sin_port);
    accepting_ = std::thread([this] {
      for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        answering_.emplace_back([this, connection] { serve(connection); });
      }
    });
  }
  ~KeepAliveServer() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : answering_) thread.join();
    ::close(listener_);
  }

  std::uint16_t port = 0;

 private:
  void serve(int connection) {
    std::string bytes;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(connection, buffer, sizeof buffer, 0)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(count));
      const std::size_t head = bytes.find("\r\n\r\n"), length = bytes.find("Content-Length: ");
      if (head == std::string::npos) continue;
      const std::size_t whole = head + 4 + (length < head ? std::stoul(bytes.substr(length + 16)) : 0);
      if (bytes.size() < whole) continue;
      bytes.erase(0, whole);
      const std::string reply = reply_(request_++);
      if (reply.empty()) break;
      ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
    ::close(connection);
  }

  std::function<std::string(std::size_t)> reply_;
  int listener_;
  std::atomic<std::size_t> request_ = 0;
  std::vector<std::thread> answering_;
  std::thread accepting_;
};

std::vector<LoadRequest> requests(const std::string& lines = kLine) {
  const reference::TemporaryDirectory directory;
  return read_requests(directory.write("requests.jsonl", lines), {.host = "there:1", .headers = {"X-Name: value"}});
}

LoadResult loaded(const KeepAliveServer& server, LoadOptions options = {}) {
  options.port = server.port;
  options.warmup_s = 0;
  options.seconds = 0.2;
  if (options.connections == LoadOptions{}.connections) options.connections = 4;
  return run_load(requests(), options);
}

TEST(ServeLoadRequests, LineBecomesARequestOnTheWire) {
  const auto read = requests();
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].wire, "POST /predict HTTP/1.1\r\nHost: there:1\r\nX-Name: value\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n"
                          R"({"inputs":"a book"})");
  EXPECT_EQ(read[0].texts, std::vector<std::string>{"a book"});
  EXPECT_EQ(read[0].expected, (std::vector<Scores>{{{"good", 0.75f}, {"bad", 0.25f}}}));
  EXPECT_EQ(read[0].tokens, 4u);
}

TEST(ServeLoadRequests, ExpectsAsManyAnswersAsTexts) {
  EXPECT_THROW(requests(R"({"path": "/predict", "body": {"inputs": ["a", "b"]}, "expect": [[["good", 1.0]]]})"), Error);
  EXPECT_THROW(requests("\n"), Error);
}

TEST(AnswerCheck, TakesEveryShapeInAnyOrder) {
  const auto request = requests()[0];
  AnswerCheck check(0);
  for (const char* body : {R"([{"label":"bad","score":0.25},{"label":"good","score":0.75}])",
                           R"([[{"label":"good","score":0.75},{"label":"bad","score":0.25}]])",
                           R"({"object":"list","data":[{"index":0,"label":"good","probs":[0.75,0.25]}]})"}) {
    EXPECT_EQ(check.problem_of(request, body), std::nullopt) << body;
  }
}

TEST(AnswerCheck, NamesWhatIsWrong) {
  const auto request = requests()[0];
  AnswerCheck check(0);
  EXPECT_EQ(check.problem_of(request, kWrong), "\"good\": expected 0.75, found 0.75000006");
  EXPECT_EQ(check.problem_of(request, R"([{"label":"good","score":0.75},{"label":"ugly","score":0.25}])"), "expected a score of \"bad\", found none");
  for (const char* body : {"", "{}", "[]", "[[],[]]", R"([{"label":"good","score":0.75}])", R"([[{"label":"good","score":0.75}]])", R"({"data":[]})",
                           R"({"data":[{"probs":[0.25,0.75]}]})", R"({"data":[{"probs":[0.75]}]})", R"([{"name":1},{"name":2}])", R"("text")"}) {
    EXPECT_NE(check.problem_of(request, body), std::nullopt) << body;
  }
}

TEST(AnswerCheck, ToleranceIsForServersOfAnotherLibrary) {
  const auto request = requests()[0];
  EXPECT_EQ(AnswerCheck(1e-4f).problem_of(request, kWrong), std::nullopt);
  EXPECT_NE(AnswerCheck(1e-8f).problem_of(request, kWrong), std::nullopt);
}

TEST(ServeLoad, ClosedLoopCountsEveryAnswer) {
  std::atomic<std::size_t> served = 0;
  const KeepAliveServer server([&](std::size_t) {
    ++served;
    return answer_of(200, kRight);
  });
  const LoadResult result = loaded(server);
  EXPECT_GT(result.answered, 4u);
  EXPECT_EQ(result.answered, served);
  EXPECT_EQ(result.sent, served);
  EXPECT_EQ(result.wrong + result.lost + result.not_connected, 0u);
  std::size_t tokens = 0;
  for (const Window& window : result.windows) tokens += window.tokens;
  EXPECT_EQ(tokens, 4 * result.latency_ms.at(200).size());
}

TEST(ServeLoad, OneWrongAnswerIsSeen) {
  const KeepAliveServer server([](std::size_t request) { return answer_of(200, request == 2 ? kWrong : kRight); });
  const LoadResult result = loaded(server);
  EXPECT_EQ(result.wrong, 1u);
  EXPECT_EQ(result.problems, std::vector<std::string>{"\"good\": expected 0.75, found 0.75000006"});
}

TEST(ServeLoad, AConnectionThatEndsLosesItsRequest) {
  const KeepAliveServer server([](std::size_t request) { return request == 3 ? std::string() : answer_of(200, kRight); });
  const LoadResult result = loaded(server);
  EXPECT_EQ(result.lost, 1u);
  EXPECT_EQ(result.sent, result.answered + 1);
  EXPECT_EQ(result.wrong, 0u);
}

TEST(ServeLoad, AnAnswerCutOffIsLost) {
  const KeepAliveServer server([](std::size_t request) { return request == 1 ? answer_of(200, kRight) + "surplus" : answer_of(200, kRight); });
  EXPECT_EQ(loaded(server).lost, 1u);
}

TEST(ServeLoad, RefusalsAreCountedApart) {
  const KeepAliveServer server([](std::size_t request) {
    if (request == 4) return answer_of(429, "{}");
    return request % 2 == 1 ? answer_of(429, "{}", "Retry-After: 1\r\n") : answer_of(200, kRight, "Connection: close\r\n");
  });
  const LoadResult result = loaded(server);
  EXPECT_EQ(result.without_retry_after, 1u);
  EXPECT_EQ(result.lost + result.wrong, 0u);
  EXPECT_GT(result.latency_ms.at(429).size(), 1u);
  EXPECT_GT(result.latency_ms.at(200).size(), 1u);
}

TEST(ServeLoad, AnswerThatNeverComesIsLost) {
  const KeepAliveServer server([](std::size_t request) { return request == 5 ? std::string("HTTP/1.1 200 OK\r\n") : answer_of(200, kRight); });
  const LoadResult result = loaded(server, {.timeout_s = 0.5});
  EXPECT_EQ(result.lost, 1u);
  EXPECT_EQ(result.problems, std::vector<std::string>{"lost: no answer in time"});
}

TEST(ServeLoad, OpenLoopCountsLatencyFromThePlannedMoment) {
  const KeepAliveServer server([](std::size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return answer_of(200, kRight);
  });
  LoadResult result = loaded(server, {.connections = 1, .rate = 200});  // one connection carries 50 a second: the rest waits
  EXPECT_GT(result.sent, 5u);
  EXPECT_EQ(result.sent, result.answered);
  EXPECT_GT(percentile(result.latency_ms.at(200), 1), 60.0);
}

TEST(ServeLoad, NobodyThereIsAnError) {
  std::uint16_t port = 0;
  {
    const KeepAliveServer server([](std::size_t) { return answer_of(200, kRight); });
    port = server.port;
  }
  EXPECT_THROW(run_load(requests(), {.port = port, .connections = 1, .warmup_s = 0, .seconds = 0.2}), Error);
}

TEST(ServeLoad, HoldsConnectionsAndAsksAgain) {
  const KeepAliveServer server([](std::size_t request) { return request == 7 ? std::string() : answer_of(200, "{}"); });
  static std::size_t held = 0;
  const LoadOptions options{.port = server.port, .connections = 5};
  const std::size_t answered = hold_connections("/health", options, [](std::size_t connections) { held = connections; });
  EXPECT_EQ(held, 5u);
  EXPECT_EQ(answered, 4u);  // the third of the second time ended
}

TEST(ServeLoadJson, HasWhatTheGoalsAreMadeOf) {
  LoadResult result;
  result.seconds = 2;
  result.windows = {{.answered = 3, .refused = 1, .texts = 3, .tokens = 30}, {.answered = 1, .refused = 0, .texts = 1, .tokens = 10}};
  result.latency_ms = {{200, {4, 1, 3, 2}}, {429, {0.5}}};
  const auto json = nlohmann::json::parse(to_json(result, {.rate = 5}));
  EXPECT_EQ(json["mode"], "open");
  EXPECT_EQ(json["texts_per_s"], 2);
  EXPECT_EQ(json["tokens_per_s"], 20);
  EXPECT_EQ(json["latency_ms"]["200"]["p50"], 2);
  EXPECT_EQ(json["latency_ms"]["200"]["p99"], 4);
  EXPECT_EQ(json["latency_ms"]["429"]["count"], 1);
  EXPECT_EQ(json["windows"][0]["refused"], 1);
}

TEST(Throughput, IsFromBatchToBatch) {
  std::vector<Completion> completions;
  for (int batch = 0; batch < 3; ++batch) {
    for (int text = 0; text < 32; ++text) completions.push_back({.at_s = 1.5 + 4 * batch + 0.001 * text, .texts = 1, .tokens = 10});
  }
  EXPECT_NEAR(throughput(completions, 64).texts_per_s, 8, 1e-9);   // 64 in 8 s, whatever the time before the first
  EXPECT_NEAR(throughput(completions, 64).tokens_per_s, 80, 1e-9);
}

TEST(Throughput, OfAStreamIsAllOfIt) {
  std::vector<Completion> completions;
  for (int text = 0; text < 1000; ++text) completions.push_back({.at_s = 0.001 * text, .texts = 1, .tokens = 2});
  EXPECT_NEAR(throughput(completions, 4).texts_per_s, 1000, 1e-9);
  EXPECT_EQ(throughput({}, 4).texts_per_s, 0);
  EXPECT_EQ(throughput({{.at_s = 1, .texts = 1, .tokens = 1}}, 4).texts_per_s, 0);
}

TEST(Percentile, IsTheValueOfThatRank) {
  std::vector<double> values;
  EXPECT_EQ(percentile(values, 0.5), 0);
  for (int value = 100; value >= 1; --value) values.push_back(value);
  EXPECT_EQ(percentile(values, 0.5), 50);
  EXPECT_EQ(percentile(values, 0.99), 99);
  EXPECT_EQ(percentile(values, 0.999), 100);
  EXPECT_EQ(percentile(values, 1), 100);
}

}  // namespace
}  // namespace filbert::bench
