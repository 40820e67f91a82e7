// A Hub for the tests: one model, "org/tiny", whose large files lie at another host, as those of huggingface.co do.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "reference/http_stand_in.h"

namespace filbert::reference {

class HubStandIn {
 public:
  HubStandIn();

  std::map<std::string, std::string> files;  // by their names; set them before the first request
  std::set<std::string> large;               // those of `files` that the other host keeps
  std::string commit = std::string(40, 'a');
  std::string token;                         // asked for unless it is empty
  // Asked first: a test's own answer, of the Hub or of the other host.
  std::function<std::optional<StandInAnswer>(const StandInRequest&)> instead;

  std::string url() const { return hub_.url(); }
  std::string other_url() const { return other_.url(); }
  std::vector<StandInRequest> requests() const { return hub_.requests(); }
  std::vector<StandInRequest> other_requests() const { return other_.requests(); }
  void forget_requests();

  // What identifies a file: 64 digits of a large one, else 40.
  std::string etag(const std::string& file) const;

 private:
  StandInAnswer answer_hub(const StandInRequest& request) const;
  StandInAnswer answer_other(const StandInRequest& request) const;

  HttpStandIn hub_, other_;
};

// `body`, or what "Range: bytes=N-" of the request leaves of it.
StandInAnswer file_answer(const StandInRequest& request, const std::string& body);

}  // namespace filbert::reference
