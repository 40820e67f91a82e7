// The log: what a line says, and what becomes of it where nobody reads.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"
#include "serve/log.h"
#include "serve/log_writer.h"

namespace filbert::serve {
namespace {

using Json = nlohmann::json;

bool comes_true(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

// Each line parsed: a line that is none throws.
std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream from(text);
  for (std::string line; std::getline(from, line);) lines.push_back(Json::parse(line));
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  return lines;
}

// Reads what is there until nobody writes any more.
std::string read_all(int descriptor) {
  std::string all;
  char buffer[65536];
  while (true) {
    const ssize_t bytes = read(descriptor, buffer, sizeof buffer);
    if (bytes <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(bytes));
  }
}

// Standard error is `descriptor` while this lives.
class StandardError {
 public:
  explicit StandardError(int descriptor) : before_(dup(STDERR_FILENO)) { dup2(descriptor, STDERR_FILENO); }
  ~StandardError() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }

 private:
  int before_;
};

AccessRecord sample() {
  AccessRecord record;
  record.request_id = "r1";
  record.trace = trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  record.remote = "127.0.0.1";
  record.method = "POST";
  record.path = "/predict";
  record.route = "/predict";
  record.status = 200;
  record.model = "stars-en";
  record.texts = 2;
  record.tokens = 17;
  record.bytes_in = 40;
  record.bytes_out = 120;
  record.total_ms = 1.23456789;
  return record;
}

TEST(ServeLog, ARequestIsALineOfJson) {
  const reference::TemporaryDirectory folder;
  {
    Log log(folder.path() / "log", LogLevel::info);
    AccessRecord record = sample();
    log.access(record);
    record.path = "/\"\n\xff" + std::string(300, 'x');
    record.texts = 0;
    record.model = "";
    record.problem = "too_large";
    log.access(record);
  }
  const auto lines = lines_of(content(folder.path() / "log"));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("level"), "info");
  EXPECT_EQ(lines[0].at("message"), "request");
  EXPECT_EQ(lines[0].at("request_id"), "r1");
  EXPECT_EQ(lines[0].at("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(lines[0].at("parent_id"), "00f067aa0ba902b7");
  EXPECT_EQ(lines[0].at("status"), 200);
  EXPECT_EQ(lines[0].at("tokens"), 17);
  EXPECT_EQ(lines[0].at("total_ms"), 1.235);
  EXPECT_FALSE(lines[0].contains("problem"));
  EXPECT_FALSE(lines[0].contains("logged_texts"));
  EXPECT_EQ(lines[1].at("path"), "/\"\n\xEF\xBF\xBD" + std::string(196, 'x'));   // 200 bytes, of which one was ill-formed
  EXPECT_EQ(lines[1].at("problem"), "too_large");
  EXPECT_FALSE(lines[1].contains("model"));
  EXPECT_FALSE(lines[1].contains("texts"));
  const std::string time = lines[0].at("time");   // 2026-01-31T23:59:59.123Z
  ASSERT_EQ(time.size(), 24u);
  EXPECT_EQ(time[10], 'T');
  EXPECT_EQ(time.back(), 'Z');
}

TEST(ServeLog, TextsStandInItOnlyWhereTheyWereGiven) {
  const reference::TemporaryDirectory folder;
  {
    Log log(folder.path() / "log", LogLevel::info);
    AccessRecord record = sample();
    record.logged_texts = {"I love it", "\xC3\xA9t\xC3\xA9"};
    log.access(record);
  }
  EXPECT_EQ(lines_of(content(folder.path() / "log")).at(0).at("logged_texts"), Json({"I love it", "\u00e9t\u00e9"}));
}

TEST(ServeLog, WhatIsBelowTheLevelIsNotWritten) {
  const reference::TemporaryDirectory folder;
  {
    Log log(folder.path() / "log", LogLevel::warning);
    log.access(sample());
    log.event(LogLevel::info, "listens");
    log.event(LogLevel::error, "fails", {{"why", "a \"reason\""}});
    log.event(LogLevel::off, "never");
    Log nothing(folder.path() / "none", LogLevel::off);
    nothing.event(LogLevel::error, "fails");
  }
  const auto lines = lines_of(content(folder.path() / "log"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("message"), "fails");
  EXPECT_EQ(lines[0].at("why"), "a \"reason\"");
  EXPECT_EQ(content(folder.path() / "none"), "");
}

TEST(ServeLog, LevelsHaveNames) {
  EXPECT_EQ(log_level_from_name("warning"), LogLevel::warning);
  reference::expect_error(ErrorKind::invalid_argument, {"log level: expected one of debug, info, warning, error, off", "found \"WARN\""},
                          [] { log_level_from_name("WARN"); });
}

TEST(ServeLog, AFileThatCannotBeWrittenIsAnErrorAtTheStart) {
  reference::expect_error(ErrorKind::invalid_argument, {"/nowhere/log", "No such file or directory"}, [] { Log("/nowhere/log", LogLevel::info); });
  const reference::TemporaryDirectory folder;
  ASSERT_EQ(mkfifo((folder.path() / "fifo").c_str(), 0600), 0);
  reference::expect_error(ErrorKind::invalid_argument, {"No such device or address"}, [&] { Log(folder.path() / "fifo", LogLevel::info); });
}

TEST(ServeLog, AfterARotationLinesGoToTheNewFile) {
  const reference::TemporaryDirectory folder;
  {
    Log log(folder.path() / "log", LogLevel::info);
    log.event(LogLevel::info, "before");
    std::filesystem::rename(folder.path() / "log", folder.path() / "log.1");
    log.event(LogLevel::info, "between");
    log.reopen();
    log.event(LogLevel::info, "after");
  }
  const auto old_lines = lines_of(content(folder.path() / "log.1")), new_lines = lines_of(content(folder.path() / "log"));
  ASSERT_EQ(old_lines.size(), 2u);
  EXPECT_EQ(old_lines[1].at("message"), "between");
  ASSERT_EQ(new_lines.size(), 1u);
  EXPECT_EQ(new_lines[0].at("message"), "after");
}

TEST(ServeLog, AFileThatCannotBeOpenedAgainKeepsTheOldOne) {
  const reference::TemporaryDirectory folder;
  std::filesystem::create_directory(folder.path() / "logs");
  const std::filesystem::path moved = folder.path() / "moved";
  {
    Log log(folder.path() / "logs" / "log", LogLevel::info);
    std::filesystem::rename(folder.path() / "logs", moved);
    log.reopen();
    log.event(LogLevel::info, "after");
  }
  const auto lines = lines_of(content(moved / "log"));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("message"), "the log file could not be opened again");
  EXPECT_EQ(lines[1].at("message"), "after");
}

TEST(ServeLog, AFullDiskLosesLinesAndCountsThem) {
  Log log("/dev/full", LogLevel::info);
  for (int line = 0; line < 100; ++line) log.access(sample());
  EXPECT_TRUE(comes_true([&] { return log.lost() == 100; })) << log.lost();
}

TEST(ServeLog, AClosedPipeLosesLinesUntilSomebodyReadsAgain) {
  const reference::TemporaryDirectory folder;
  const std::filesystem::path fifo = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  std::string text;
  {
    Log log(fifo, LogLevel::info);
    close(reader);
    for (int line = 0; line < 10; ++line) log.event(LogLevel::info, "nobody reads");
    ASSERT_TRUE(comes_true([&] { return log.lost() == 10; })) << log.lost();
    reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
    log.event(LogLevel::info, "somebody reads");
  }
  const auto lines = lines_of(read_all(reader));
  close(reader);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("message"), "somebody reads");
  EXPECT_EQ(lines[1].at("message"), "log lines were lost");
  EXPECT_EQ(lines[1].at("lines"), 10);
}

std::string lost_line(std::uint64_t lines) { return "{\"message\": \"log lines were lost\", \"lines\": " + std::to_string(lines) + "}\n"; }

// What is lost is lost whole, and what a reader that had stalled finds in the end is lines.
void expect_whole_lines(int reader, int target, LogTarget::Kind kind) {
  const std::string line = "{\"message\": \"request\", \"logged_texts\": [\"" + std::string(6000, 'x') + "\"]}\n";   // more than a pipe takes at once
  std::uint64_t written = 0, lost = 0;
  std::string text;
  std::thread reads;
  {
    LogWriter writer(LogTarget(target, kind), lost_line);
    for (; writer.lost() == 0 && written < 10'000; ++written) writer.write(line);   // returns, though nobody reads
    lost = writer.lost();
    reads = std::thread([&] { text = read_all(reader); });
  }
  reads.join();
  close(reader);
  std::uint64_t whole = 0, reported = 0;
  for (const Json& found : lines_of(text)) {
    if (found.at("message") == "request") ++whole;
    reported += found.value("lines", std::uint64_t{0});
  }
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(reported, lost);
  EXPECT_EQ(whole + lost, written);
}

TEST(ServeLog, AStalledReaderOfAPipeHoldsUpNobody) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  expect_whole_lines(ends[0], ends[1], LogTarget::Kind::waiting);
}

TEST(ServeLog, AStalledReaderOfAPipeThatDoesNotWaitHoldsUpNobody) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  expect_whole_lines(ends[0], ends[1], LogTarget::Kind::refusing);
}

TEST(ServeLog, AStalledReaderOfASocketHoldsUpNobody) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  expect_whole_lines(ends[0], ends[1], LogTarget::Kind::socket);
}

TEST(ServeLog, AReaderThatStaysAwayDelaysTheEndByASecondAtMost) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const auto begin = std::chrono::steady_clock::now();
  {
    LogWriter writer(LogTarget(ends[1], LogTarget::Kind::waiting), lost_line);
    for (int line = 0; line < 100; ++line) writer.write(std::string(5000, 'x') + "\n");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));   // a second, on a machine that has other things to do
  close(ends[0]);
}

TEST(ServeLog, StandardErrorIsAPipeASocketOrAFileAndStaysAsItWas) {
  const reference::TemporaryDirectory folder;
  int ends[2], sockets[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const int file = open((folder.path() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (const int target : {ends[1], sockets[1], file}) {
    const StandardError standard_error(target);
    const int flags = fcntl(target, F_GETFL);
    Log log(std::nullopt, LogLevel::info);
    log.event(LogLevel::info, "hello");
    log.reopen();   // of which standard error knows nothing
    EXPECT_EQ(fcntl(target, F_GETFL), flags);
  }
  for (const int target : {ends[1], sockets[1]}) close(target);
  EXPECT_EQ(lines_of(read_all(ends[0])).at(0).at("message"), "hello");
  EXPECT_EQ(lines_of(read_all(sockets[0])).at(0).at("message"), "hello");
  EXPECT_EQ(lines_of(content(folder.path() / "file")).at(0).at("message"), "hello");
  for (const int open_end : {ends[0], sockets[0], file}) close(open_end);
}

// Files of this process may have at most so many bytes while this lives: a disk that is full after them.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(ServeLog, ALineThatADiskTookInHalfIsFinishedOnceThereIsRoom) {
  const reference::TemporaryDirectory folder;
  {
    Log log(folder.path() / "log", LogLevel::info);
    {
      const SmallDisk disk(1000);
      for (int line = 0; line < 20; ++line) log.event(LogLevel::info, "a line of about a hundred bytes: " + std::to_string(line));
      ASSERT_TRUE(comes_true([&] { return log.lost() > 0; }));
    }
    log.event(LogLevel::info, "room again");
  }
  const auto lines = lines_of(content(folder.path() / "log"));
  ASSERT_GT(lines.size(), 5u);
  ASSERT_LT(lines.size(), 20u);
  EXPECT_EQ(lines[lines.size() - 2].at("message"), "room again");
  EXPECT_EQ(lines.back().at("message"), "log lines were lost");
  EXPECT_EQ(lines.back().at("lines").get<std::size_t>() + lines.size() - 2, 20u);
}

TEST(ServeLog, ConcurrentLinesStayWholeOverRotations) {
  const reference::TemporaryDirectory folder;
  constexpr int kThreads = 4, kLines = 500, kRotations = 20;
  {
    Log log(folder.path() / "log", LogLevel::info);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int line = 0; line < kLines; ++line) log.access(sample());
      });
    }
    for (int rotation = 0; rotation < kRotations; ++rotation) {
      std::filesystem::rename(folder.path() / "log", folder.path() / ("log." + std::to_string(rotation)));
      log.reopen();
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(log.lost(), 0u);
  }
  std::size_t lines = lines_of(content(folder.path() / "log")).size();
  for (int rotation = 0; rotation < kRotations; ++rotation) {
    lines += lines_of(content(folder.path() / ("log." + std::to_string(rotation)))).size();
  }
  EXPECT_EQ(lines, std::size_t{kThreads} * kLines);
}

}  // namespace
}  // namespace filbert::serve
