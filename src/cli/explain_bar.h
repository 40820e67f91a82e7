// The line on a terminal that says how far the work on many texts is.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace filbert::cli {

// Writes to standard error, and only if that is a terminal. The line is gone when this object is.
class ExplainBar {
 public:
  // `doing` is what it says that the program is at.
  explicit ExplainBar(std::string doing = "explaining");
  ExplainBar(const ExplainBar&) = delete;
  ExplainBar& operator=(const ExplainBar&) = delete;
  ~ExplainBar();

  // `share` of the work is done, `texts` in all; `is_new`: by this run and not by one before. `more` stands behind all that, if it is asked for.
  void operator()(double share, std::size_t texts, bool is_new, const std::function<std::string()>& more = {});
  // Makes room for a message; the line comes again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string doing_;
  bool is_shown_;
  bool is_drawn_ = false;
  bool has_begun_ = false;            // the first text of this run
  double first_share_ = 0;
  std::size_t first_texts_ = 0;
  Clock::time_point begun_ = Clock::now(), drawn_ = {};
};

// "12.3 texts/s, 4 min left" and what stands before it.
std::string progress_line(std::string_view doing, double share, std::size_t texts, double texts_per_second, double seconds_left);

}  // namespace filbert::cli
