#include "load/hub_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/sha256.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRedirects = 10;
constexpr long kLongestWait_s = 60;

// Answers that may be another one soon.
bool may_pass(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool is_redirect(long status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

// "https://host:port" in lower case.
std::string origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  std::string origin(url.substr(0, scheme == url.npos ? 0 : url.find_first_of("/?#", scheme + 3)));
  for (char& letter : origin) letter = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
  return origin;
}

// As Python's quote(): everything but letters, digits and _.-~ and what is in `safe`.
std::string quote(std::string_view text, std::string_view safe) {
  std::string out;
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
    if (plain || std::string_view("_.-~").find(letter) != std::string_view::npos || safe.find(letter) != safe.npos) {
      out += letter;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return out;
}

// W/"abc" and "abc" → abc
std::string_view bare_etag(std::string_view etag) {
  while (etag.starts_with('W') || etag.starts_with('/')) etag.remove_prefix(1);
  while (etag.starts_with('"')) etag.remove_prefix(1);
  while (etag.ends_with('"')) etag.remove_suffix(1);
  return etag;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A 404 for a file that a known model does not have; else the model itself, or the server, is another than expected.
bool is_entry_missing(const HttpResponse& response) {
  const std::string_view code = response.header("x-error-code");
  return code == "EntryNotFound" || (code.empty() && !response.header("x-repo-commit").empty());
}

// What this answer says of the file. One that redirects within the Hub may say more than the last of them.
void read_headers(const HttpResponse& response, RemoteFile& found) {
  const bool is_last = !is_redirect(response.status);
  const std::string_view commit = response.header("x-repo-commit"), linked = response.header("x-linked-etag");
  if (!commit.empty()) found.commit_hash = commit;
  if (!linked.empty()) {
    found.etag = bare_etag(linked);
    found.file_bytes = number(response.header("x-linked-size"));
  } else if (is_last && found.etag.empty()) {
    found.etag = bare_etag(response.header("etag"));
    found.file_bytes = number(response.header("content-length"));
  }
}

// Throws Error(network) unless `value` can be the name of a file in the cache.
void check_name(std::string_view url, const char* header, std::string_view value) {
  if (is_relative_path(value) && value.find('/') == value.npos && value.size() < 200) return;
  throw Error(ErrorKind::network, fmt::format("{}: expected the header {} of a Hub, found \"{}\"; HF_ENDPOINT or a proxy may lead elsewhere",
                                              url, header, value));
}

// Whether the body of `head` is what follows the first `bytes` of the file.
bool continues_at(const HttpResponse& head, std::uint64_t bytes) {
  return bytes == 0 || (head.status == 206 && head.header("content-range").starts_with(fmt::format("bytes {}-", bytes)));
}

}  // namespace

// The part of a file that is here, open to be continued.
class Partial {
 public:
  explicit Partial(fs::path path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ab")) {
    if (!file_) fail("open");
    std::fseek(file_.get(), 0, SEEK_END);
    bytes_ = static_cast<std::uint64_t>(std::ftell(file_.get()));
  }

  std::uint64_t bytes() const { return bytes_; }

  void append(std::string_view piece) {
    if (std::fwrite(piece.data(), 1, piece.size(), file_.get()) != piece.size()) fail("write");
    bytes_ += piece.size();
  }

  void clear() {
    if (std::fflush(file_.get()) != 0 || ::ftruncate(::fileno(file_.get()), 0) != 0) fail("empty");
    bytes_ = 0;  // opened to append: the next byte is the first
  }

  void flush() {
    if (std::fflush(file_.get()) != 0) fail("write");
  }

  void sync() {
    flush();
    if (::fsync(::fileno(file_.get())) != 0) fail("sync");
  }

 private:
  [[noreturn]] void fail(std::string_view step) const {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot {}: {}", path_.string(), step, std::strerror(errno)));
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  fs::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t bytes_ = 0;
};

namespace {

void check_space(const fs::path& directory, std::string_view file, std::uint64_t needed) {
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  if (error || space.available >= needed) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {} bytes free on the disk for {}, found {}", directory.string(), needed,
                                                       file, space.available));
}

}  // namespace

bool HubClient::is_hub(std::string_view url) const {
  const std::string origin = origin_of(url), endpoint = origin_of(settings_.endpoint);
  return origin == endpoint || (endpoint.starts_with("http:") && origin == "https:" + endpoint.substr(5)) ||
         origin == "https://huggingface.co" || origin == "https://hf.co";
}

std::vector<std::string> HubClient::headers_for(std::string_view url) const {
  std::vector<std::string> headers = {"Accept-Encoding: identity"};  // so that lengths are those of the file
  if (is_hub(url) && !settings_.token.empty()) headers.push_back("Authorization: Bearer " + settings_.token);
  return headers;
}

HttpResponse HubClient::request(const HttpRequest& request, const HttpSink& sink, int tries) {
  for (long wait_ms = settings_.first_wait_ms;; wait_ms *= 2) {
    std::optional<Error> failure;
    HttpResponse response;
    try {
      response = http_(request, sink);
      if (!may_pass(response.status)) return response;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::network || sink) throw;  // with a sink, the next request is another one
      failure = error;
    }
    const long asked_s = response.retry_after_s.value_or(0);
    if (--tries <= 0 || asked_s > kLongestWait_s) {
      if (failure) throw *failure;
      return response;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max(wait_ms, asked_s * 1000)));
  }
}

void HubClient::refuse(const HttpResponse& response, std::string_view url, std::string_view revision) const {
  const std::string_view code = response.header("x-error-code"), message = response.header("x-error-message");
  const std::string with_token = settings_.token.empty() ? "none was given: set HF_TOKEN" : "the one that was given does not do";
  if (code == "RevisionNotFound") {
    throw Error(ErrorKind::not_found, fmt::format("{}: {} knows no revision \"{}\" of it", repo_id_, settings_.endpoint, revision));
  }
  if (code == "GatedRepo") {
    throw Error(ErrorKind::not_found, fmt::format("{}: is gated: its terms must be accepted at {}/{}, and a token is needed; {}", repo_id_,
                                                  settings_.endpoint, repo_id_, with_token));
  }
  if (code == "RepoNotFound" || response.status == 401 || response.status == 404) {
    throw Error(ErrorKind::not_found, fmt::format("{}: {} has no such model, or it is private and needs a token; {} (HTTP {})", repo_id_,
                                                  settings_.endpoint, with_token, response.status));
  }
  if (response.status == 403) {
    throw Error(ErrorKind::not_found, fmt::format("{}: {} refuses access{}{} (HTTP 403)", repo_id_, settings_.endpoint,
                                                  message.empty() ? "" : ": ", message));
  }
  throw Error(ErrorKind::network, fmt::format("{}: expected the file, found HTTP {}{}{}{}", url, response.status, message.empty() ? "" : ": ",
                                              message, response.retry_after_s ? fmt::format("; try again in {} s", *response.retry_after_s) : ""));
}

RemoteFile HubClient::head(std::string_view file, std::string_view revision, int tries) {
  std::string url = fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, repo_id_, quote(revision, ""), quote(file, "/"));
  RemoteFile found;
  for (int redirects = 0; redirects < kMostRedirects; ++redirects) {
    const HttpResponse response =
        request({.url = url, .head = true, .headers = headers_for(url), .timeout_s = settings_.etag_timeout_s}, {}, tries);
    read_headers(response, found);
    if (is_redirect(response.status) && !response.redirect_url.empty()) {
      url = response.redirect_url;
      if (is_hub(url)) continue;
    } else if (response.status == 404 && is_entry_missing(response)) {
      return {.exists = false, .commit_hash = found.commit_hash};
    } else if (response.status != 200) {
      refuse(response, url, revision);
    }
    check_name(url, "X-Repo-Commit", found.commit_hash);
    check_name(url, "ETag", found.etag);
    found.exists = true;
    found.url = url;
    return found;
  }
  throw Error(ErrorKind::network, fmt::format("{}: expected a file, found more than {} redirects", url, kMostRedirects));
}

void HubClient::get(const RemoteFile& remote, Partial& partial, const std::function<void()>& on_piece) {
  std::string url = remote.url;
  for (int redirects = 0; redirects < kMostRedirects; ++redirects) {
    HttpRequest get{.url = url, .headers = headers_for(url), .timeout_s = settings_.download_timeout_s};
    if (partial.bytes() > 0) get.headers.push_back(fmt::format("Range: bytes={}-", partial.bytes()));
    bool begun = false;
    const HttpResponse response = request(get, [&](const HttpResponse& head, std::string_view piece) {
      if (head.status != 200 && head.status != 206) return;  // the page of an error
      if (!std::exchange(begun, true) && !continues_at(head, partial.bytes())) partial.clear();
      partial.append(piece);
      on_piece();
    }, kDownloadTries);
    if (is_redirect(response.status) && !response.redirect_url.empty()) {
      url = response.redirect_url;
      continue;
    }
    if (response.status == 416 && partial.bytes() > 0) {  // what is here is no part of the file: again, from its beginning
      partial.clear();
      continue;
    }
    if (may_pass(response.status)) {
      throw Error(ErrorKind::network, fmt::format("{}: expected the file, found HTTP {}", url, response.status));
    }
    if (response.status != 200 && response.status != 206) refuse(response, url, remote.commit_hash);
    if (!begun && response.status == 200) partial.clear();  // an empty file
    return;
  }
  throw Error(ErrorKind::network, fmt::format("{}: expected a file, found more than {} redirects", url, kMostRedirects));
}

bool HubClient::download(const RemoteFile& remote, std::string_view file, const RepoCache& cache, const HubOptions& options,
                         const std::atomic<bool>& stop) {
  const FileLock lock(cache.lock_path(remote.etag));
  const fs::path blob = cache.blob(remote.etag), incomplete = cache.incomplete_blob(remote.etag);
  if (!options.force_download && fs::exists(blob)) return false;
  std::error_code ignored;
  if (options.force_download) fs::remove(incomplete, ignored);

  bool may_be_stale = fs::exists(incomplete);  // what an earlier try left may be of something else
  for (int failures = 0;;) {
    Partial partial(incomplete);
    const std::uint64_t before = partial.bytes(), wanted = remote.file_bytes.value_or(0);
    try {
      if (remote.file_bytes && before > wanted) partial.clear();
      if (wanted > partial.bytes()) check_space(incomplete.parent_path(), file, wanted - partial.bytes());
      const auto on_piece = [&] {
        if (stop) throw Error(ErrorKind::network, fmt::format("{}: stopped", file));
        if (options.on_progress) options.on_progress({file, partial.bytes(), wanted});
      };
      if (!remote.file_bytes || partial.bytes() < wanted) get(remote, partial, on_piece);
    } catch (const Error& error) {
      partial.flush();
      failures = partial.bytes() > before ? 1 : failures + 1;
      if (error.kind() != ErrorKind::network || stop || failures == kDownloadTries) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(settings_.first_wait_ms << (failures - 1)));
      continue;
    }
    if (remote.file_bytes && partial.bytes() != wanted) {
      fs::remove(incomplete, ignored);
      throw Error(ErrorKind::network, fmt::format("{}: expected {} bytes, found {}", remote.url, wanted, partial.bytes()));
    }
    partial.sync();
    if (const std::string found = is_sha256(remote.etag) ? sha256_of_file(incomplete) : remote.etag; found != remote.etag) {
      fs::remove(incomplete, ignored);
      if (std::exchange(may_be_stale, false)) continue;
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected bytes of sha256 {}, found {}", remote.url, remote.etag, found));
    }
    fs::rename(incomplete, blob);
    return true;
  }
}

}  // namespace filbert
