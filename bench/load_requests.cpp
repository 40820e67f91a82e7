#include "bench/load_requests.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"

namespace filbert::bench {
namespace {

namespace dom = simdjson::dom;

std::vector<std::string> texts_of(const JsonValue& body) {
  std::vector<std::string> texts;
  auto inputs = body.find("inputs");
  if (!inputs) inputs = body.find("input");
  if (!inputs) return texts;
  if (inputs->is_string()) return {std::string(inputs->as_string())};
  inputs->for_each_element([&texts](const JsonValue& text) { texts.emplace_back(text.as_string()); });
  return texts;
}

Scores scores_of(const JsonValue& labels) {
  Scores scores;
  labels.for_each_element([&scores](const JsonValue& pair) {
    std::string label;
    pair.for_each_element([&scores, &label](const JsonValue& part) {
      if (part.is_string()) label = part.as_string();
      else scores.emplace_back(label, static_cast<float>(part.as_double()));
    });
  });
  return scores;
}

LoadRequest read_request(std::string_view line, const std::string& where, const WireOptions& options) {
  const JsonDocument document(line, where);
  const JsonValue root = document.root();
  LoadRequest request;
  const JsonValue body = root.at("body");
  request.wire = wire_of("POST", root.at("path").as_string(), simdjson::minify(body.raw()), options);
  request.texts = texts_of(body);
  if (const auto expect = root.find("expect")) {
    expect->for_each_element([&request](const JsonValue& labels) { request.expected.push_back(scores_of(labels)); });
    if (request.expected.size() != request.texts.size()) {
      expect->fail(fmt::format("the scores of {} texts", request.texts.size()));
    }
  }
  if (const auto tokens = root.find("tokens")) request.tokens = static_cast<std::size_t>(tokens->as_int());
  return request;
}

}  // namespace

std::string wire_of(std::string_view method, std::string_view path, std::string_view body, const WireOptions& options) {
  std::string wire = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, path, options.host);
  for (const std::string& header : options.headers) wire += header + "\r\n";
  if (!body.empty()) wire += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return wire.append("\r\n").append(body);
}

std::vector<LoadRequest> read_requests(const std::filesystem::path& path, const WireOptions& options) {
  const std::string content = read_file(path);
  std::vector<LoadRequest> requests;
  std::string_view rest = content;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.empty()) requests.push_back(read_request(line, fmt::format("{}: line {}", path.string(), number), options));
  }
  if (requests.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected requests, found none", path.string()));
  return requests;
}

std::optional<std::string> AnswerCheck::problem_of(const LoadRequest& request, const std::string& body) {
  if (request.expected.empty()) return {};
  dom::element root;
  if (parser_.parse(body).get(root) != simdjson::SUCCESS) return "no JSON: " + body.substr(0, 200);
  dom::element found = root;
  bool has_probs = false;
  if (root.is_object()) {
    if (root["data"].get(found) != simdjson::SUCCESS) return "neither a list nor data: " + body.substr(0, 200);
    has_probs = true;
  }
  dom::array texts;
  if (found.get(texts) != simdjson::SUCCESS) return "no list of answers: " + body.substr(0, 200);
  // The answer to one text may be its list of labels itself.
  const bool flat = !has_probs && texts.size() > 0 && texts.at(0).is_object();
  if (flat && request.expected.size() == 1) return problem_of_labels(request.expected.front(), found);
  if (texts.size() != request.expected.size()) return fmt::format("expected {} answers, found {}", request.expected.size(), texts.size());
  std::size_t text = 0;
  for (const dom::element each : texts) {
    const Scores& expected = request.expected[text++];
    if (auto problem = has_probs ? problem_of_probs(expected, each) : problem_of_labels(expected, each)) return problem;
  }
  return {};
}

std::optional<std::string> AnswerCheck::problem_of_labels(const Scores& expected, dom::element found) const {
  dom::array labels;
  if (found.get(labels) != simdjson::SUCCESS || labels.size() != expected.size()) return fmt::format("expected {} labels", expected.size());
  for (const auto& [label, score] : expected) {
    bool there = false;
    for (const dom::element entry : labels) {
      std::string_view name;
      double number = 0;
      if (entry["label"].get(name) != simdjson::SUCCESS || entry["score"].get(number) != simdjson::SUCCESS) return "an entry without label and score";
      if (name != label) continue;
      there = true;
      if (auto problem = problem_of_score(label, score, number)) return problem;
    }
    if (!there) return fmt::format("expected a score of \"{}\", found none", label);
  }
  return {};
}

std::optional<std::string> AnswerCheck::problem_of_probs(const Scores& expected, dom::element found) const {
  dom::array probs;
  if (found["probs"].get(probs) != simdjson::SUCCESS || probs.size() != expected.size()) return fmt::format("expected {} probs", expected.size());
  std::size_t id = 0;
  for (const dom::element each : probs) {
    double number = 0;
    if (each.get(number) != simdjson::SUCCESS) return "probs: expected numbers";
    const auto& [label, score] = expected[id++];
    if (auto problem = problem_of_score(label, score, number)) return problem;
  }
  return {};
}

std::optional<std::string> AnswerCheck::problem_of_score(std::string_view label, float expected, double found) const {
  const float score = static_cast<float>(found);
  const bool right = tolerance_ > 0 ? std::abs(score - expected) <= tolerance_
                                    : std::bit_cast<std::uint32_t>(score) == std::bit_cast<std::uint32_t>(expected);
  if (right) return {};
  return fmt::format("\"{}\": expected {}, found {}", label, expected, score);
}

}  // namespace filbert::bench
