#include "base/at_fork.h"

#include <algorithm>
#include <mutex>
#include <pthread.h>
#include <utility>
#include <vector>

namespace filbert {

struct ForkListeners {
  std::mutex mutex;  // held across a fork, so that the list is whole in the child
  std::vector<AtFork*> all;

  // Never destroyed: a process may fork while it ends.
  static ForkListeners& instance() {
    static ForkListeners* const made = new ForkListeners;
    return *made;
  }
  static void before() {
    instance().mutex.lock();
    for (const AtFork* listener : instance().all) listener->before_();
  }
  static void in_parent() {
    for (const AtFork* listener : instance().all) listener->in_parent_();
    instance().mutex.unlock();
  }
  static void in_child() {
    for (const AtFork* listener : instance().all) listener->in_child_();
    instance().mutex.unlock();
  }
};

AtFork::AtFork(std::function<void()> before, std::function<void()> in_parent, std::function<void()> in_child)
    : before_(std::move(before)), in_parent_(std::move(in_parent)), in_child_(std::move(in_child)) {
  // It fails for want of memory alone, and then forks are as they were.
  [[maybe_unused]] static const int registered = pthread_atfork(ForkListeners::before, ForkListeners::in_parent, ForkListeners::in_child);
  ForkListeners& listeners = ForkListeners::instance();
  const std::lock_guard lock(listeners.mutex);
  listeners.all.push_back(this);
}

AtFork::~AtFork() {
  ForkListeners& listeners = ForkListeners::instance();
  const std::lock_guard lock(listeners.mutex);
  listeners.all.erase(std::find(listeners.all.begin(), listeners.all.end(), this));
}

}  // namespace filbert
