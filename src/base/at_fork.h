// What has to be put in order around fork(): locks that another thread holds at that moment stay locked in the child for ever, and threads are not
// there. Python's multiprocessing, and servers that load a model and then fork, live by it. Tested by tests/base/at_fork_test.cpp.
#pragma once

#include <functional>

namespace filbert {

// The three are called by the thread that forks: before it, and after it in the parent and in the child, which has this thread alone. To be the last
// member of what they put in order, so that it is the first to go.
class AtFork {
 public:
  AtFork(std::function<void()> before, std::function<void()> in_parent, std::function<void()> in_child);
  ~AtFork();
  AtFork(const AtFork&) = delete;
  AtFork& operator=(const AtFork&) = delete;

 private:
  friend struct ForkListeners;
  const std::function<void()> before_, in_parent_, in_child_;
};

}  // namespace filbert
