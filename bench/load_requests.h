// The requests of a load, and what the answers must say.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

namespace filbert::bench {

using Scores = std::vector<std::pair<std::string, float>>;  // of a text, in the order of id2label

struct LoadRequest {
  std::string wire;                 // the whole request as it goes over the socket
  std::vector<std::string> texts;   // what the library is asked in its place
  std::vector<Scores> expected;     // one a text; none: any answer with status 200 is right
  std::size_t tokens = 0;           // of all its texts
};

struct WireOptions {
  std::string host = "127.0.0.1:8080";
  std::vector<std::string> headers = {};   // "X-Priority: 1"
};

// A line a request: {"path": "/predict", "body": {"inputs": "a text"}, "expect": [[["1 star", 0.5], …]], "tokens": 7}. The texts are body's
// "inputs" or "input": a string, or a list of them. Throws Error(corrupt) that names line and field.
std::vector<LoadRequest> read_requests(const std::filesystem::path& path, const WireOptions& options);

std::string wire_of(std::string_view method, std::string_view path, std::string_view body, const WireOptions& options);

// Holds answers against what is expected, for the shapes [{"label", "score"}…], a list of those, and {"data": [{"probs": […]}…]}.
class AnswerCheck {
 public:
  // Scores may be `tolerance` away; 0: the same float, bit for bit.
  explicit AnswerCheck(float tolerance) : tolerance_(tolerance) {}

  // What is wrong with the answer, or nothing.
  std::optional<std::string> problem_of(const LoadRequest& request, const std::string& body);

 private:
  std::optional<std::string> problem_of_labels(const Scores& expected, simdjson::dom::element found) const;
  std::optional<std::string> problem_of_probs(const Scores& expected, simdjson::dom::element found) const;
  std::optional<std::string> problem_of_score(std::string_view label, float expected, double found) const;

  float tolerance_;
  simdjson::dom::parser parser_;
};

}  // namespace filbert::bench
