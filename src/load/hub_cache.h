// The cache of a model on the disk, as huggingface_hub lays it out:
//   models--org--name/refs/main                    the commit hash that main was, last time
//   models--org--name/blobs/ETAG                   a file's bytes; ETAG.incomplete while they come
//   models--org--name/snapshots/COMMIT/FILE        a link to ../../blobs/ETAG
//   models--org--name/.no_exist/COMMIT/FILE        an empty file: the commit has no such file
//   .locks/models--org--name/ETAG.lock             held by who downloads
// Nothing here knows of the network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace filbert {

inline constexpr std::string_view kModelFolderPrefix = "models--";

// flock(2) on a lock file, as Python's filelock takes it; free again when it goes out of scope.
class FileLock {
 public:
  // Waits until no other process or object has it. Throws Error(invalid_argument) if the file cannot be made.
  explicit FileLock(const std::filesystem::path& path);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

// Where one model's files are. Names given to it must have passed is_relative_path() and the like.
class RepoCache {
 public:
  RepoCache(std::filesystem::path cache_dir, std::string_view repo_id);

  // The commit that `revision` (a branch, a tag, or a commit hash itself) is, as far as the cache knows.
  std::optional<std::string> commit_of(std::string_view revision) const;
  void set_commit(std::string_view revision, std::string_view commit) const;  // Throws Error(invalid_argument)

  std::filesystem::path snapshot(std::string_view commit) const;
  // The file in the snapshot, or nothing. Throws Error(corrupt) if it is a link that leads out of the cache.
  std::optional<std::filesystem::path> find(std::string_view commit, std::string_view file) const;

  bool is_known_absent(std::string_view commit, std::string_view file) const;
  void set_absent(std::string_view commit, std::string_view file) const;  // as well as it can: only time is lost without

  std::filesystem::path blob(std::string_view etag) const;
  std::filesystem::path incomplete_blob(std::string_view etag) const;
  std::filesystem::path lock_path(std::string_view etag) const;

  // Makes the directories of blobs, and the mark that tells backups to leave the cache out. Throws Error(invalid_argument).
  void create() const;
  // Makes blob(etag), which is there, the snapshot's file. Without symlinks, a blob that is `new_blob` moves there, any other is copied.
  // Throws Error(invalid_argument).
  void link(std::string_view commit, std::string_view file, std::string_view etag, bool use_symlinks, bool new_blob) const;

 private:
  std::filesystem::path cache_dir_, folder_;
};

}  // namespace filbert
