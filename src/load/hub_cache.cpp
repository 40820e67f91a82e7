#include "load/hub_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/file.h"
#include "load/hub_settings.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

// The first line is what the standard asks for: https://bford.info/cachedir/
constexpr std::string_view kCacheDirTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a cache of files of the Hugging Face Hub, which can be downloaded again.\n";

std::string folder_name(std::string_view repo_id) {
  std::string name(kModelFolderPrefix);
  for (const char letter : repo_id) name += letter == '/' ? std::string("--") : std::string(1, letter);
  return name;
}

[[noreturn]] void fail(const fs::path& path, std::string_view what, std::string_view why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot {}: {}", path.string(), what, why));
}

void make_directories(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) fail(directory, "create", error.message());
}

bool is_inside(const fs::path& path, const fs::path& directory) {
  const auto [outer, inner] = std::ranges::mismatch(directory, path);
  return outer == directory.end();
}

}  // namespace

FileLock::FileLock(const fs::path& path) {
  make_directories(path.parent_path());
  while (true) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (descriptor_ < 0) fail(path, "lock", std::strerror(errno));
    int failed = 0;
    do failed = ::flock(descriptor_, LOCK_EX);
    while (failed != 0 && errno == EINTR);
    struct stat held {}, there {};
    // A file system without locks is no reason to stop: what is written is checked before it counts.
    if (failed != 0 || ::fstat(descriptor_, &held) != 0) return;
    if (::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev) return;
    ::close(descriptor_);  // who had it has removed the file: another one may lock a new one
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

RepoCache::RepoCache(fs::path cache_dir, std::string_view repo_id)
    : cache_dir_(std::move(cache_dir)), folder_(cache_dir_ / folder_name(repo_id)) {}

std::optional<std::string> RepoCache::commit_of(std::string_view revision) const {
  if (is_commit_hash(revision)) return std::string(revision);
  const fs::path ref = folder_ / "refs" / revision;
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) return std::nullopt;
  const std::string commit = read_file(ref);
  if (!is_relative_path(commit) || commit.find('/') != commit.npos) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a commit hash, found \"{}\"", ref.string(), commit));
  }
  return commit;
}

void RepoCache::set_commit(std::string_view revision, std::string_view commit) const {
  if (revision == commit || commit_of(revision) == commit) return;
  const fs::path ref = folder_ / "refs" / revision;
  make_directories(ref.parent_path());
  write_file_atomic(ref, commit);
}

fs::path RepoCache::snapshot(std::string_view commit) const { return folder_ / "snapshots" / commit; }

std::optional<fs::path> RepoCache::find(std::string_view commit, std::string_view file) const {
  const fs::path path = snapshot(commit) / file;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const fs::path target = fs::canonical(path, error);
  if (!error && is_inside(target, fs::canonical(cache_dir_, error)) && !error) return path;
  throw Error(ErrorKind::corrupt, fmt::format("{}: expected a file of the cache {}, found a link to {}", path.string(), cache_dir_.string(),
                                              target.string()));
}

bool RepoCache::is_known_absent(std::string_view commit, std::string_view file) const {
  std::error_code ignored;
  return fs::is_regular_file(folder_ / ".no_exist" / commit / file, ignored);
}

void RepoCache::set_absent(std::string_view commit, std::string_view file) const {
  const fs::path mark = folder_ / ".no_exist" / commit / file;
  try {
    make_directories(mark.parent_path());
    write_file_atomic(mark, "");
  } catch (const Error&) {
  }
}

fs::path RepoCache::blob(std::string_view etag) const { return folder_ / "blobs" / etag; }

fs::path RepoCache::incomplete_blob(std::string_view etag) const { return blob(fmt::format("{}.incomplete", etag)); }

fs::path RepoCache::lock_path(std::string_view etag) const {
  return cache_dir_ / ".locks" / folder_.filename() / fmt::format("{}.lock", etag);
}

void RepoCache::create() const {
  make_directories(folder_ / "blobs");
  if (const fs::path tag = cache_dir_ / "CACHEDIR.TAG"; !fs::exists(tag)) write_file_atomic(tag, kCacheDirTag);
}

void RepoCache::link(std::string_view commit, std::string_view file, std::string_view etag, bool use_symlinks, bool new_blob) const {
  const fs::path from = blob(etag), to = snapshot(commit) / file;
  make_directories(to.parent_path());
  const fs::path temporary = temporary_beside(to);  // renamed at the end, so that nobody sees no file where there was one
  std::error_code error;
  if (use_symlinks) fs::create_symlink(from.lexically_relative(to.parent_path()), temporary, error);
  if (!use_symlinks || error) {  // a file system without links
    error.clear();
    if (new_blob) {
      fs::rename(from, temporary, error);
    } else {
      fs::copy_file(from, temporary, error);
    }
  }
  if (!error) fs::rename(temporary, to, error);
  if (error) fail(to, "create", error.message());
}

}  // namespace filbert
