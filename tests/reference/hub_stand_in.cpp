#include "reference/hub_stand_in.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/sha1.h"
#include "base/sha256.h"

namespace filbert::reference {
namespace {

constexpr std::string_view kRepo = "/org/tiny/resolve/";

}  // namespace

StandInAnswer file_answer(const StandInRequest& request, const std::string& body) {
  const std::string range = request.header("range");
  if (range.empty()) return {.headers = {}, .body = body};
  const std::size_t begin = std::strtoul(range.c_str() + std::string("bytes=").size(), nullptr, 10);
  if (begin >= body.size()) return {.status = 416};
  return {.status = 206, .headers = {{"Content-Range", fmt::format("bytes {}-{}/{}", begin, body.size() - 1, body.size())}}, .body = body.substr(begin)};
}

HubStandIn::HubStandIn()
    : hub_([this](const StandInRequest& request) { return answer_hub(request); }),
      other_([this](const StandInRequest& request) { return answer_other(request); }) {}

void HubStandIn::forget_requests() {
  hub_.forget_requests();
  other_.forget_requests();
}

std::string HubStandIn::etag(const std::string& file) const {
  return large.contains(file) ? sha256_of(files.at(file)) : git_sha1_of(files.at(file));
}

StandInAnswer HubStandIn::answer_hub(const StandInRequest& request) const {
  if (instead) {
    if (const auto made_up = instead(request)) return *made_up;
  }
  if (!request.path.starts_with(kRepo)) return {.status = 401, .headers = {{"X-Error-Code", "RepoNotFound"}}};
  if (!token.empty() && request.header("authorization") != "Bearer " + token) return {.status = 401, .headers = {{"X-Error-Code", "RepoNotFound"}}};
  const std::string rest = request.path.substr(kRepo.size());
  const std::string revision = rest.substr(0, rest.find('/')), file = rest.substr(rest.find('/') + 1);
  if (revision != "main" && revision != commit) return {.status = 404, .headers = {{"X-Error-Code", "RevisionNotFound"}}};
  if (!files.contains(file)) return {.status = 404, .headers = {{"X-Repo-Commit", commit}, {"X-Error-Code", "EntryNotFound"}}};
  const std::string etag = this->etag(file), &body = files.at(file);
  if (large.contains(file)) {
    return {.status = 302,
            .headers = {{"X-Repo-Commit", commit}, {"X-Linked-ETag", fmt::format("\"{}\"", etag)}, {"X-Linked-Size", std::to_string(body.size())},
                        {"ETag", "\"of the redirect\""}, {"Location", fmt::format("{}/{}?signature=1", other_.url(), file)}}};
  }
  StandInAnswer answer = file_answer(request, body);
  answer.headers.push_back({"X-Repo-Commit", commit});
  answer.headers.push_back({"ETag", fmt::format("\"{}\"", etag)});
  return answer;
}

StandInAnswer HubStandIn::answer_other(const StandInRequest& request) const {
  if (instead) {
    if (const auto made_up = instead(request)) return *made_up;
  }
  return file_answer(request, files.at(request.path.substr(1, request.path.find('?') - 1)));
}

}  // namespace filbert::reference
