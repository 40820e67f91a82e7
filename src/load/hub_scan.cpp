// What the cache of the Hub holds.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/hub.h>

#include "base/file.h"
#include "load/hub_cache.h"
#include "load/hub_settings.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

// "models--org--name" → "org/name"; nothing for another directory.
std::string repo_id_of(std::string_view folder) {
  if (!folder.starts_with(kModelFolderPrefix)) return {};
  std::string id(folder.substr(kModelFolderPrefix.size()));
  if (const auto separator = id.find("--"); separator != id.npos) id.replace(separator, 2, "/");
  return is_repo_id(id) ? id : std::string();
}

std::map<std::string, std::vector<std::string>> refs_by_commit(const fs::path& refs) {
  std::map<std::string, std::vector<std::string>> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(refs, error), end; entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error)) found[read_file(entry->path())].push_back(entry->path().lexically_relative(refs).string());
  }
  return found;
}

// Every file once, by its place on the disk, links not followed.
std::uintmax_t bytes_on_disk(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
    if (!entry->is_symlink(error) && entry->is_regular_file(error)) bytes += entry->file_size(error);
  }
  return bytes;
}

CachedRevision read_snapshot(const fs::path& directory) {
  CachedRevision revision{.commit_hash = directory.filename().string(), .directory = directory};
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; entry != end; entry.increment(error)) {
    if (!entry->is_regular_file(error)) continue;
    revision.files.push_back(entry->path().lexically_relative(directory).string());
    revision.file_bytes += entry->file_size(error);
  }
  std::ranges::sort(revision.files);
  return revision;
}

CachedModel read_model(const fs::path& folder, std::string repo_id) {
  CachedModel model{.repo_id = std::move(repo_id), .file_bytes = bytes_on_disk(folder)};
  auto refs = refs_by_commit(folder / "refs");
  std::error_code error;
  for (fs::directory_iterator entry(folder / "snapshots", error), end; entry != end; entry.increment(error)) {
    if (!entry->is_directory(error)) continue;
    CachedRevision revision = read_snapshot(entry->path());
    revision.refs = std::move(refs[revision.commit_hash]);
    std::ranges::sort(revision.refs);
    model.revisions.push_back(std::move(revision));
  }
  std::ranges::sort(model.revisions, {}, &CachedRevision::commit_hash);
  return model;
}

}  // namespace

std::vector<CachedModel> scan_cache_dir(const fs::path& cache_dir) {
  const fs::path directory = hub_settings({.token = "", .cache_dir = cache_dir}).cache_dir;
  std::vector<CachedModel> models;
  std::error_code error;
  if (!fs::exists(directory, error)) return models;
  for (fs::directory_iterator entry(directory, error), end; entry != end; entry.increment(error)) {
    if (std::string repo_id = repo_id_of(entry->path().filename().string()); !repo_id.empty() && entry->is_directory(error)) {
      models.push_back(read_model(entry->path(), std::move(repo_id)));
    }
  }
  if (error) throw Error(ErrorKind::corrupt, fmt::format("{}: cannot be read: {}", directory.string(), error.message()));
  std::ranges::sort(models, {}, &CachedModel::repo_id);
  return models;
}

}  // namespace filbert
