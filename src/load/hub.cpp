// A model of the Hub by its name: which commit it is, which of its files are wanted, and bringing them into the cache.
#include <filbert/hub.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/decision.h>
#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "load/checkpoint_files.h"
#include "load/hub_cache.h"
#include "load/hub_client.h"
#include "load/hub_settings.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesAtOnce = 4;

// One call of find_checkpoint() for a model of the Hub.
class Download {
 public:
  Download(std::string repo_id, const HubOptions& options)
      : repo_id_(std::move(repo_id)), options_(options), settings_(hub_settings(options)), cache_(settings_.cache_dir, repo_id_) {
    if (options.on_progress) {
      options_.on_progress = [this, &options](const DownloadProgress& progress) {
        const std::lock_guard lock(progress_mutex_);
        options.on_progress(progress);
      };
    }
  }

  fs::path operator()(CheckpointParts parts);

 private:
  std::string full_name(std::string_view file) const {
    return options_.subfolder.empty() ? std::string(file) : fmt::format("{}/{}", options_.subfolder, file);
  }
  bool is_cached(std::string_view file) const { return cache_.find(commit_, full_name(file)).has_value(); }
  // Whether the network has to be asked about the file.
  bool is_open(std::string_view file) const {
    return options_.force_download || (!is_cached(file) && !cache_.is_known_absent(commit_, full_name(file)));
  }
  void choose_commit();
  void fetch(const std::vector<std::string>& files);
  void fetch_one(const std::string& file, HubClient& client);
  void keep(const RemoteFile& remote, const std::string& file, HubClient& client);
  void fetch_weights();
  std::vector<std::string> shards_of(const std::string& index) const;

  std::string repo_id_;
  HubOptions options_;
  HubSettings settings_;
  RepoCache cache_;
  std::string commit_;
  bool has_network_ = true;  // false: asked not to use it, or it does not work
  std::mutex progress_mutex_;
  std::atomic<bool> stop_ = false;
};

// Sets commit_: what the Hub says the revision is now, or what the cache remembers.
void Download::choose_commit() {
  const std::optional<std::string> cached = cache_.commit_of(options_.revision);
  const bool is_usable = cached && fs::is_directory(cache_.snapshot(*cached));
  if (settings_.offline) {
    has_network_ = false;
    if (!is_usable) {
      throw Error(ErrorKind::not_found, fmt::format("expected its revision {} in the cache {}, found none, and the network is not to be "
                                                    "used", options_.revision, settings_.cache_dir.string()));
    }
  } else if (!is_commit_hash(options_.revision)) {
    try {
      const RemoteFile config = HubClient(settings_, repo_id_).head(full_name("config.json"), options_.revision,
                                                                    is_usable && !options_.force_download ? 1 : kHeadTries);
      commit_ = config.commit_hash;
      if (commit_.empty()) throw Error(ErrorKind::not_found, fmt::format("{}: {} has no config.json of it", repo_id_, settings_.endpoint));
      try {
        cache_.set_commit(options_.revision, commit_);
      } catch (const Error&) {
        if (!fs::is_directory(cache_.snapshot(commit_))) throw;  // else a cache that can only be read
      }
      return;
    } catch (const Error& error) {
      const bool is_about_network = error.kind() == ErrorKind::network || error.kind() == ErrorKind::unsupported;
      if (!is_about_network || !is_usable || options_.force_download) throw;
      has_network_ = false;
      if (options_.on_warning) options_.on_warning(fmt::format("{}; {} is taken from the cache as it was", error.what(), repo_id_));
    }
  }
  commit_ = cached.value_or(options_.revision);
}

void Download::keep(const RemoteFile& remote, const std::string& file, HubClient& client) {
  cache_.create();
  const bool is_new = client.download(remote, file, cache_, options_, stop_);
  if (options_.force_download || !cache_.find(commit_, file)) cache_.link(commit_, file, remote.etag, settings_.use_symlinks, is_new);
}

void Download::fetch_one(const std::string& file, HubClient& client) {
  const RemoteFile remote = client.head(file, commit_, kHeadTries);
  if (remote.exists) {
    keep(remote, file, client);
  } else {
    cache_.set_absent(commit_, file);
  }
}

// Brings those of `files` that the model has and the cache lacks, a few at once; the first failure stops the others.
void Download::fetch(const std::vector<std::string>& files) {
  std::vector<std::string> open;
  for (const std::string& file : files) {
    if (has_network_ && is_open(file)) open.push_back(full_name(file));
  }
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      HubClient client(settings_, repo_id_);  // for all files of a thread: connections are kept
      for (std::size_t at = next++; at < open.size() && !stop_; at = next++) fetch_one(open[at], client);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      stop_ = true;
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t count = std::min(kFilesAtOnce, open.size()); count > 1; --count) threads.emplace_back(run);
  if (!open.empty()) run();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

std::vector<std::string> Download::shards_of(const std::string& index) const {
  const fs::path path = *cache_.find(commit_, full_name(index));
  const JsonDocument document(read_file(path), path.string());
  std::set<std::string> files;
  document.root().at("weight_map").for_each_field([&](std::string_view, const JsonValue& file) {
    if (!is_relative_path(file.as_string())) file.fail("the name of a file beside the index");
    files.emplace(file.as_string());
  });
  return {files.begin(), files.end()};
}

void Download::fetch_weights() {
  std::vector<std::string_view> names;
  for (const WeightFileName& file : kWeightFiles) {
    fetch({file.name});
    names.push_back(file.name);
    if (!is_cached(file.name)) continue;
    if (file.is_index) fetch(shards_of(file.name));
    return;
  }
  throw Error(ErrorKind::not_found, fmt::format("{}: expected {}, found none of them {}", repo_id_, fmt::join(names, ", "),
                                                has_network_ ? "on the Hub" : "in the cache"));
}

fs::path Download::operator()(CheckpointParts parts) {
  choose_commit();
  std::vector<std::string> files = {"config.json"};
  if (parts.tokenizer) files.insert(files.end(), kTokenizerFiles.begin(), kTokenizerFiles.end());
  if (parts.tokenizer && parts.weights) files.emplace_back(kDecisionFile);
  fetch(files);
  if (parts.tokenizer && !is_cached("tokenizer.json")) fetch({kVocabularyFiles.begin(), kVocabularyFiles.end()});
  if (parts.weights) fetch_weights();
  return options_.subfolder.empty() ? cache_.snapshot(commit_) : cache_.snapshot(commit_) / options_.subfolder;
}

void check(const HubOptions& options) {
  const auto refuse = [](const char* field, std::string_view expected, std::string_view found) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {}, found \"{}\"", field, expected, found));
  };
  if (!is_relative_path(options.revision)) refuse("revision", "a branch, a tag or a commit hash", options.revision);
  if (!options.subfolder.empty() && !is_relative_path(options.subfolder)) refuse("subfolder", "a folder of the model", options.subfolder);
  if (options.force_download && hub_settings(options).offline) refuse("force_download", "a network", "local_files_only or HF_HUB_OFFLINE");
}

}  // namespace

fs::path find_checkpoint(const fs::path& name, const HubOptions& options, CheckpointParts parts) {
  std::error_code error;
  if (fs::exists(name, error)) return options.subfolder.empty() ? name : name / options.subfolder;
  if (!is_repo_id(name.native())) {
    throw Error(ErrorKind::not_found, fmt::format("{}: expected a directory, or a model of the Hub such as org/name, found neither",
                                                  name.string()));
  }
  check(options);
  try {
    return Download(name.native(), options)(parts);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::network && failure.kind() != ErrorKind::not_found) throw;
    throw Error(failure.kind(), fmt::format("{} is not a directory; as a model of the Hub: {}", name.string(), failure.what()));
  }
}

}  // namespace filbert
