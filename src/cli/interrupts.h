// Ctrl-C while a command is at work that keeps what it has.
#pragma once

#include <csignal>

namespace filbert::cli {

// While it lives, the first Ctrl-C is only noted; the second ends the program as ever. One at a time.
class Interrupts {
 public:
  Interrupts() {
    noted_ = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { noted_ = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_);
  }
  ~Interrupts() { sigaction(SIGINT, &before_, nullptr); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  static bool noted() { return noted_ != 0; }

 private:
  struct sigaction before_ {};
  static inline volatile std::sig_atomic_t noted_ = 0;
};

}  // namespace filbert::cli
