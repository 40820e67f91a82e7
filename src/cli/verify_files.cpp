// Which files a checkpoint has, and whether they are those that were downloaded.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "base/file.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "cli/verify_checks.h"
#include "load/checkpoint_files.h"

namespace filbert::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLfsPointer = "version https://git-lfs";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;  // a link to nothing is an error, not absent
}

std::string megabytes(std::uintmax_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

// Adds `path`, and says what can be wrong with any file. How large it is.
std::uintmax_t take(Subject& subject, CheckResult& result, const fs::path& path) {
  std::error_code error;
  const std::string name = path.filename().string();
  if (!fs::is_regular_file(path, error)) {
    result.fail(ErrorKind::not_found, is_there(path) ? fmt::format("{}: expected a file, found a link to nothing, or no file", name)
                                                     : fmt::format("{}: expected this file, found none", name));
    return 0;
  }
  subject.files.push_back(path);
  const std::uintmax_t bytes = fs::file_size(path);
  if (bytes == 0) result.fail(ErrorKind::corrupt, fmt::format("{}: the file is empty", name));
  if (bytes < 1024 && read_file(path).starts_with(kLfsPointer)) {
    result.fail(ErrorKind::corrupt, fmt::format("{}: a pointer of Git LFS: the file itself was not downloaded", name));
  }
  return bytes;
}

void take_weights(Subject& subject, CheckResult& result) {
  const WeightFiles weights = find_weight_files(subject.directory);
  std::uintmax_t bytes = 0;
  for (const fs::path& path : weights.files) bytes += take(subject, result, path);
  subject.weight_files = subject.files.size();
  result.facts.push_back({"weight_bytes", static_cast<std::size_t>(bytes)});
  if (weights.files.size() == 1 && weights.main == weights.files.front()) {
    result.found = fmt::format("{} ({})", weights.main.filename().string(), megabytes(bytes));
    return;
  }
  take(subject, result, weights.main);
  result.found = fmt::format("{} and the {} files that it names ({})", weights.main.filename().string(), weights.files.size(), megabytes(bytes));
}

void take_tokenizer(Subject& subject, CheckResult& result) {
  const auto has = [&](const char* name) { return is_there(subject.directory / name); };
  for (const char* name : kTokenizerFiles) {
    if (has(name)) take(subject, result, subject.directory / name);
  }
  const bool has_vocabulary = std::ranges::any_of(kVocabularyFiles, has);
  if (!has("tokenizer.json")) {
    for (const char* name : kVocabularyFiles) {
      if (has(name)) take(subject, result, subject.directory / name);
    }
  }
  if (!has("tokenizer.json") && !has_vocabulary) {
    result.warn("no tokenizer.json, vocab.txt or other vocabulary: only texts that were tokenized elsewhere can be classified");
  }
}

// Files that look like weights and are not read.
std::vector<std::string> other_weights(const Subject& subject) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(subject.directory)) {
    const std::string name = entry.path().filename().string();
    const bool looks_so = name.ends_with(".safetensors") || (name.ends_with(".bin") && name.find("model") != name.npos);
    if (looks_so && std::ranges::find(subject.files, entry.path()) == subject.files.end()) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// The hash that the cache of the Hub files a blob under; empty for a file that is no link to one.
std::string etag_of(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  return !error && target.parent_path().filename() == "blobs" ? target.filename().string() : std::string();
}

bool is_hash(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

void check_files(Subject& subject, CheckResult& result) {
  try {
    take_weights(subject, result);
  } catch (const Error& error) {
    result.fail(error.kind(), error.what());
  }
  take(subject, result, subject.directory / "config.json");
  take_tokenizer(subject, result);
  for (std::size_t file = subject.weight_files; file < subject.files.size(); ++file) {
    const std::string name = subject.files[file].filename().string();
    if (!name.ends_with(".index.json")) result.found += fmt::format("{}{}", result.found.empty() ? "" : ", ", name);
  }
  const std::vector<std::string> ignored = other_weights(subject);
  if (!ignored.empty()) result.found += fmt::format("; not read: {}", fmt::join(ignored, ", "));
  if (is_there(subject.directory / "adapter_config.json")) {
    result.warn("adapter_config.json: an adapter lies beside the weights and is not applied; merge it into them first");
  }
}

void check_hashes(Subject& subject, CheckResult& result) {
  if (subject.files.empty()) throw Skip{"there are no files"};
  std::size_t compared = 0;
  for (std::size_t file = 0; file < subject.files.size(); ++file) {
    const fs::path& path = subject.files[file];
    const std::string etag = etag_of(path), name = path.filename().string();
    const bool is_sha256 = is_hash(etag, 64), is_git = is_hash(etag, 40);
    if (is_sha256 || file < subject.weight_files) {
      result.facts.push_back({name, subject.sha256[path] = sha256_of_file(path)});
    }
    if (!is_sha256 && !is_git) continue;
    ++compared;
    const std::string found = is_git ? git_sha1_of_file(path) : subject.sha256[path];
    if (found == etag) continue;
    result.fail(ErrorKind::corrupt, fmt::format("{}: expected the {} {} of the Hub, found {}: the file in the cache is damaged{}", name,
                                                is_git ? "git hash" : "sha256", etag, found,
                                                is_git ? ", or of a mirror that names files in another way" : ""));
  }
  if (compared != 0) {
    result.found = fmt::format("{} of {} files are those of the Hub", compared, subject.files.size());
  } else if (subject.weight_files != 0) {
    const fs::path& first = subject.files.front();
    result.found = fmt::format("{}: sha256 {}{}", first.filename().string(), subject.sha256[first],
                               subject.weight_files > 1 ? fmt::format(" (and {} more in --format json)", subject.weight_files - 1) : "");
  } else {
    throw Skip{"there are no weights"};
  }
}

}  // namespace filbert::cli
