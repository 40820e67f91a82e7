#include "cli/download_bar.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"
#include "load/hub_settings.h"

namespace filbert::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings{100};

bool is_welcome() {
  return isatty(STDERR_FILENO) != 0 && !is_true(process_environment("HF_HUB_DISABLE_PROGRESS_BARS").value_or(""));
}

}  // namespace

DownloadBar::DownloadBar(std::string name) : name_(std::move(name)), is_shown_(is_welcome()) {}

DownloadBar::~DownloadBar() {
  if (is_shown_ && !files_.empty()) std::fputs(kClearLine, stderr);
}

void DownloadBar::operator()(const DownloadProgress& progress) {
  if (!is_shown_) return;
  File& file = files_.try_emplace(std::string(progress.file), File{progress.bytes, 0, 0}).first->second;
  file.first_bytes = std::min(file.first_bytes, progress.bytes);
  file.bytes = progress.bytes;
  file.total_bytes = std::max(progress.total_bytes, progress.bytes);
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  std::fputs((kClearLine + line()).c_str(), stderr);
}

std::string DownloadBar::line() const {
  std::uint64_t fresh = 0, here = 0, total = 0;
  for (const auto& [name, file] : files_) {
    fresh += file.bytes - file.first_bytes;
    here += file.bytes;
    total += file.total_bytes;
  }
  const double seconds = std::chrono::duration<double>(drawn_ - begun_).count();
  const double percent = total == 0 ? 0 : 100 * static_cast<double>(here) / static_cast<double>(total);
  std::string line = fmt::format("{:3.0f} % of {:.1f} MB, {:.1f} MB/s", percent, static_cast<double>(total) / 1e6,
                                 seconds > 0 ? static_cast<double>(fresh) / 1e6 / seconds : 0.0);
  constexpr std::size_t kColumns = 79;
  const std::size_t room = kColumns - std::min(kColumns, line.size() + 2);
  return fmt::format("{}: {}", name_.size() > room ? name_.substr(name_.size() - room) : name_, line);
}

}  // namespace filbert::cli
