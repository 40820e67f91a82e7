// What knows nothing of BERT: UTF-8, JSON, files, the number of threads, the pool.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/error.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha1.h"
#include "base/text.h"
#include "base/thread_pool.h"

namespace filbert {
namespace {

class Base : public testing::Test {
 protected:
  Base() {
    std::string name = (std::filesystem::temp_directory_path() / "filbert-base-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~Base() override { std::filesystem::remove_all(directory); }

  void write(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::create_directories((directory / path).parent_path());
    std::ofstream(directory / path) << content;
  }
  std::filesystem::path directory;
};

// What `call` throws, or a failed test.
template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error";
  return {ErrorKind::invalid_argument, ""};
}

TEST(Utf8, IllFormedBytesAreReplacedAsPythonReplacesThem) {
  // Left: input. Right: bytes.decode("utf-8", "replace") of CPython 3.11, encoded again.
  const std::pair<std::string, std::string> cases[] = {
      {"plain", "plain"},
      {"\xC3\xA9", "\xC3\xA9"},
      {"\xFF", "\xEF\xBF\xBD"},
      {"a\x80z", "a\xEF\xBF\xBDz"},
      {"\xE2\x82", "\xEF\xBF\xBD"},                              // cut short: one for the maximal subpart
      {"\xE2\x82z", "\xEF\xBF\xBDz"},
      {"\xF0\x9F\x98", "\xEF\xBF\xBD"},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                  // overlong
      {"\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // a surrogate
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // past U+10FFFF
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
  };
  for (const auto& [input, expected] : cases) {
    EXPECT_EQ(replace_invalid_utf8(input), expected);
    EXPECT_EQ(count_invalid_utf8(input) == 0, input == expected);
  }
}

TEST(Json, ErrorsNameFileAndField) {
  const JsonDocument document(R"({"a": {"b": "x", "c": [1, "two"]}})", "some.json");
  const JsonValue a = document.root().at("a");
  EXPECT_EQ(a.at("b").as_string(), "x");
  EXPECT_FALSE(a.find("none"));
  EXPECT_STREQ(error_of([&] { a.at("b").as_int(); }).what(), "some.json: a: b: expected an integer, found a string (\"x\")");
  EXPECT_STREQ(error_of([&] { a.at("none"); }).what(), "some.json: a: expected a field \"none\", found none");
  EXPECT_STREQ(error_of([&] { a.at("c").for_each_element([](const JsonValue& v) { v.as_int(); }); }).what(),
               "some.json: a: c[1]: expected an integer, found a string (\"two\")");
  EXPECT_EQ(error_of([] { JsonDocument("{", "some.json"); }).kind(), ErrorKind::corrupt);
}

TEST(Json, LoneSurrogateIsNamed) {
  const auto message_of = [](const char* json) { return std::string(error_of([&] { JsonDocument(json, "some.json"); }).what()); };
  EXPECT_EQ(message_of(R"({"a": "x \ud83d\ude00 \\ud800 \uD83D y"})"), "some.json: expected JSON, found the lone surrogate \\uD83D in a string");
  EXPECT_EQ(message_of(R"(["\ude00\ud83d"])"), "some.json: expected JSON, found the lone surrogate \\ude00 in a string");
  EXPECT_EQ(message_of(R"(["\ud83d\ud83d\ude00"])"), "some.json: expected JSON, found the lone surrogate \\ud83d in a string");
  EXPECT_EQ(message_of(R"(["\uZZZZ"])").find("surrogate"), std::string::npos);
  EXPECT_EQ(JsonDocument(R"(["\ud83d\ude00"])", "some.json").root().raw().at(0).get_string().value(), "\U0001F600");
}

TEST_F(Base, FilesAreReadWhole) {
  write("file", std::string("a\0b", 3));
  EXPECT_EQ(read_file(directory / "file"), std::string("a\0b", 3));
  EXPECT_EQ(MappedFile(directory / "file").bytes().size(), 3u);
  write("empty", "");
  EXPECT_EQ(MappedFile(directory / "empty").bytes().size(), 0u);
  EXPECT_EQ(error_of([&] { read_file(directory / "none"); }).kind(), ErrorKind::not_found);
  EXPECT_EQ(error_of([&] { read_file(directory); }).kind(), ErrorKind::corrupt);
}

TEST_F(Base, WrittenFileIsWholeOrNotThere) {
  write_file_atomic(directory / "file", "first");
  write_file_atomic(directory / "file", "second");
  EXPECT_EQ(read_file(directory / "file"), "second");
  EXPECT_EQ(error_of([&] { write_file_atomic(directory / "none" / "file", "x"); }).kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);  // no temporary left behind
}

TEST_F(Base, AFileThatIsNotFinishedLeavesNothing) {
  write("file", "before");
  {
    AtomicFile file(directory / "file");
    file.write(std::as_bytes(std::span(std::string_view("after"))));
  }
  EXPECT_EQ(read_file(directory / "file"), "before");
  AtomicFile file(directory / "file");
  for (const std::string_view part : {"in ", "", "parts"}) file.write(std::as_bytes(std::span(part)));
  file.finish();
  EXPECT_EQ(read_file(directory / "file"), "in parts");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
}

TEST_F(Base, ReleasingBytesOfAFileOrOfSomewhereElseChangesNone) {
  const std::string content(100'000, 'x');
  write("file", content);
  const MappedFile file(directory / "file");
  file.release(file.bytes());
  const std::vector<std::byte> elsewhere(100'000, std::byte{'x'});
  file.release(elsewhere);
  for (const std::span<const std::byte> bytes : {file.bytes(), std::span<const std::byte>(elsewhere)}) {
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), content);
  }
}

// `git hash-object` of git 2.39.
TEST_F(Base, GitHashIsThatOfGit) {
  write("file", "hello\n");
  write("empty", "");
  EXPECT_EQ(git_sha1_of_file(directory / "file"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(git_sha1_of_file(directory / "empty"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_sha1_of("hello\n"), git_sha1_of_file(directory / "file"));
  EXPECT_EQ(error_of([&] { git_sha1_of_file(directory / "none"); }).kind(), ErrorKind::not_found);
}

TEST_F(Base, CgroupV2QuotaIsTheTightestOfThePath) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  write("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(directory), 1.5);
  write("sys/fs/cgroup/outer/inner/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(directory), 0.5);
}

TEST_F(Base, CgroupV1QuotaIsRead) {
  write("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/x\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "200000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(directory), 2.0);
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_cpu_quota(directory), std::nullopt);
}

TEST(ThreadPool, EveryIndexRunsOnce) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<int> seen(count);
      pool.parallel_for(count, [&](std::size_t index, unsigned thread) {
        ASSERT_LT(thread, threads);
        ++seen[index];
      });
      EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), static_cast<int>(count));
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(count));
    }
  }
}

TEST(ThreadPool, WhatABodyThrowsReachesTheCallerAndThePoolGoesOn) {
  ThreadPool pool(3);
  for (int round = 0; round < 50; ++round) {
    EXPECT_THROW(pool.parallel_for(100, [](std::size_t index, unsigned) {
      if (index % 10 == 3) throw std::bad_alloc();
    }), std::bad_alloc);
    std::atomic<int> total = 0;
    pool.parallel_for(100, [&](std::size_t, unsigned) { ++total; });
    EXPECT_EQ(total, 100);
  }
}

TEST(ThreadPool, ManyCallersAtOnceEachGetTheirWholeLoop) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> total = 0;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int loop = 0; loop < 200; ++loop) pool.parallel_for(10, [&](std::size_t, unsigned) { ++total; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 200 * 10);
}

}  // namespace
}  // namespace filbert
