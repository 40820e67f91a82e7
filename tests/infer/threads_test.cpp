// Threads that cannot be had are an error, not the end of the process.
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filbert/error.h>

#include "base/thread_pool.h"

namespace filbert {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Leaves room for a few stacks, and asks for a thousand.
[[noreturn]] void start_a_thousand_threads_in_little_memory() {
  const rlimit limit{256u << 20, 256u << 20};
  ::setrlimit(RLIMIT_AS, &limit);
  try {
    const ThreadPool pool(1000);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(error.kind() == ErrorKind::overloaded ? 0 : 1);
  }
  std::exit(2);
}

TEST(ThreadPoolDeathTest, ThreadsThatTheSystemDoesNotGiveAreAnError) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs more memory than the limit of this test leaves";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(start_a_thousand_threads_in_little_memory(), testing::ExitedWithCode(0), "num_threads.*1000");
}

}  // namespace
}  // namespace filbert
