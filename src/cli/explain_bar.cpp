#include "cli/explain_bar.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"

namespace filbert::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenBars{200};

std::string duration(double seconds) {
  if (!(seconds < 1e7)) return "a long time";
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h {:02.0f} min", static_cast<double>(static_cast<long>(seconds / 3600)),
                     static_cast<double>(static_cast<long>(seconds / 60) % 60));
}

}  // namespace

std::string progress_line(std::string_view doing, double share, std::size_t texts, double texts_per_second, double seconds_left) {
  return fmt::format("{}: {:3.0f} %, {} texts, {:.1f} texts/s, {} left", doing, 100 * share, texts, texts_per_second, duration(seconds_left));
}

ExplainBar::ExplainBar(std::string doing) : doing_(std::move(doing)), is_shown_(isatty(STDERR_FILENO) != 0) {}

ExplainBar::~ExplainBar() { clear(); }

void ExplainBar::clear() {
  if (std::exchange(is_drawn_, false)) std::fputs(kClearLine, stderr);
}

void ExplainBar::operator()(double share, std::size_t texts, bool is_new, const std::function<std::string()>& more) {
  const auto now = Clock::now();
  if (!is_new || !has_begun_) {  // what counts begins behind the first batch, which is slow
    has_begun_ = is_new;
    begun_ = now;
    first_share_ = share;
    first_texts_ = texts;
  }
  if (!is_shown_ || now - drawn_ < kBetweenBars) return;
  drawn_ = now;
  is_drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  const double fresh = share - first_share_;
  const double speed = seconds > 0 ? static_cast<double>(texts - first_texts_) / seconds : 0;
  const std::string line = fresh > 0 ? progress_line(doing_, share, texts, speed, seconds * (1 - share) / fresh)
                                     : fmt::format("{}: {:3.0f} %, {} texts", doing_, 100 * share, texts);
  std::fputs((kClearLine + line + (more ? more() : std::string())).c_str(), stderr);
}

}  // namespace filbert::cli
