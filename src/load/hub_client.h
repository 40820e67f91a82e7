// What the Hub answers: where a file is and what identifies it, and its bytes. Behaviour: get_hf_file_metadata() and http_get() of
// huggingface_hub's file_download.py.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.h"
#include "load/hub_cache.h"
#include "load/hub_settings.h"

namespace filbert {

// A file of a model at a commit, as a HEAD request finds it.
struct RemoteFile {
  bool exists = false;
  std::string commit_hash = {};             // may be empty where the file does not exist
  std::string etag = {};                    // the sha256 of a large file, the git hash of a small one
  std::string url = {};                     // where its bytes are: on the Hub, or signed, at another host
  std::optional<std::uint64_t> file_bytes = {};
};

class Partial;

// How often what may pass is tried before it is an error: a question, and a download that gets no byte further.
inline constexpr int kHeadTries = 3, kDownloadTries = 6;

// One thread at a time; its connections are kept.
class HubClient {
 public:
  HubClient(const HubSettings& settings, std::string repo_id) : settings_(settings), repo_id_(std::move(repo_id)) {}

  // Follows redirects within the Hub; one that leads elsewhere is where the bytes are. `tries` of failures that may pass. Throws Error:
  // not_found (no such model or revision, a private or gated one), network.
  RemoteFile head(std::string_view file, std::string_view revision, int tries);

  // Brings `remote` to cache.blob(remote.etag) unless it is there, under its lock; returns whether it came now. What an earlier try left goes on. Throws
  // Error: network, corrupt (another length or hash than the Hub names), invalid_argument (the disk), and stops with Error(network)
  // soon after `stop` is set.
  bool download(const RemoteFile& remote, std::string_view file, const RepoCache& cache, const HubOptions& options,
                const std::atomic<bool>& stop);

 private:
  // The endpoint, or huggingface.co by https.
  bool is_hub(std::string_view url) const;
  // With the token, if `url` is_hub().
  std::vector<std::string> headers_for(std::string_view url) const;
  HttpResponse request(const HttpRequest& request, const HttpSink& sink, int tries);
  // Appends to `partial` what it lacks, or what there is, from the beginning, where the server cannot go on.
  void get(const RemoteFile& remote, Partial& partial, const std::function<void()>& on_piece);
  [[noreturn]] void refuse(const HttpResponse& response, std::string_view url, std::string_view revision) const;

  const HubSettings& settings_;
  std::string repo_id_;
  HttpClient http_;
};

}  // namespace filbert
