// Stage 0, where a checkpoint is not a directory yet: models of the Hugging Face Hub by their name, kept in the cache that every
// Hugging Face tool shares. Behaviour: huggingface_hub 2.4 (file_download.py, constants.py), whose cache layout and environment
// variables these are: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE,
// HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_DISABLE_SYMLINKS, HF_HUB_DISABLE_IMPLICIT_TOKEN, and the proxies' http_proxy, https_proxy,
// no_proxy. SSL_CERT_FILE names other certificates to trust.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

// What is known of one file while it comes.
struct DownloadProgress {
  std::string_view file;          // its name in the model: "model.safetensors"
  std::uint64_t bytes = 0;        // that are here, those of an earlier try included
  std::uint64_t total_bytes = 0;  // 0: the server does not say
};

struct HubOptions {
  std::string revision = "main";             // a branch, a tag or a commit hash of 40 digits
  std::optional<std::string> token = {};     // absent: HF_TOKEN, else the file that `hf auth login` writes; empty: none is sent
  std::filesystem::path cache_dir = {};      // empty: HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub
  bool local_files_only = false;             // no network: what the cache holds, or an error
  bool force_download = false;               // again, even what the cache holds
  std::string subfolder = {};                // of the model, or of the directory, where the checkpoint lies
  std::function<void(const DownloadProgress&)> on_progress = {};   // called by one thread at a time
  std::function<void(std::string_view)> on_warning = {};           // a sentence: the Hub is out of reach, the cached copy is used
};

// What of a checkpoint is wanted beside its config.json.
struct CheckpointParts {
  bool tokenizer = true;
  bool weights = true;
};

// The directory of a checkpoint. `name` is one already ("path/to/checkpoint"), or the name of a model on the Hub ("org/name"):
// then the directory of its snapshot in the cache, the files that Filbert reads of it downloaded where they are missing, four at a time.
// With a branch or tag one request asks whether it moved; with a commit hash whose files are there, none is made. Where the
// Hub cannot be reached, what the cache holds is used, and on_warning says so. A download that was cut goes on where it ended; two
// processes that want the same file wait for each other.
// Throws Error: invalid_argument (a name, revision or token that cannot be one, force_download without a network, a full disk),
// not_found (no such directory, model, revision; a private or gated model; not in the cache and no network allowed), network (the Hub cannot be
// reached, or breaks off again and again), corrupt (not the bytes or the length that the Hub names, a link that leads out of the cache).
std::filesystem::path find_checkpoint(const std::filesystem::path& name, const HubOptions& options = {},
                                      CheckpointParts parts = {});

// A revision of a model in the cache.
struct CachedRevision {
  std::string commit_hash;
  std::vector<std::string> refs = {};    // the branches and tags that pointed there when last asked
  std::filesystem::path directory;  // of its snapshot
  std::vector<std::string> files = {};   // in order of their names
  std::uintmax_t file_bytes = 0;    // those that other revisions share included
};
struct CachedModel {
  std::string repo_id;
  std::uintmax_t file_bytes = 0;    // on the disk, each file once, what is not whole included
  std::vector<CachedRevision> revisions = {};
};
// The models of a cache, in order of their names; none if there is no such directory. An empty `cache_dir` is that of HubOptions.
// Throws Error(corrupt) if a directory cannot be read.
std::vector<CachedModel> scan_cache_dir(const std::filesystem::path& cache_dir = {});

}  // namespace filbert
