// The line on a terminal that says how far a download is.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include <filbert/hub.h>

namespace filbert::cli {

// Writes to standard error, and only if that is a terminal and HF_HUB_DISABLE_PROGRESS_BARS does not ask for silence. The line is gone when
// this object is.
class DownloadBar {
 public:
  explicit DownloadBar(std::string name);
  DownloadBar(const DownloadBar&) = delete;
  DownloadBar& operator=(const DownloadBar&) = delete;
  ~DownloadBar();

  // HubOptions::on_progress.
  void operator()(const DownloadProgress& progress);

 private:
  struct File {
    std::uint64_t first_bytes, bytes, total_bytes;  // when it began, now, in all
  };
  std::string line() const;

  std::string name_;
  bool is_shown_;
  std::map<std::string, File, std::less<>> files_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), drawn_ = {};
};

}  // namespace filbert::cli
