// A byte that chooses a route, a part of its path NUL a header's value NUL a body: answered or refused, in the words of the dialect; nothing fails
// inside, and every answer in JSON is JSON.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "fuzz/parts.h"
#include "reference/served.h"

namespace {

using filbert::reference::Served;
using filbert::reference::ServedAnswer;

// The place of each in the table is the first byte of its inputs in the corpus.
constexpr std::size_t kAnyPost = 10, kAnyGet = 11;  // of the path that the first part is
constexpr std::string_view kPosts[] = {"/v1/classify", "/v1/tokenize", "/predict",  "/rerank",  "/tokenize",
                                       "/",            "/models/tiny", "/v2/models/tiny/infer", "/explain", "/attention",
                                       "",             "",             "/v1/entities", "/models/names", "/v2/models/names/infer"};

const Served& served() {
  static const Served made = [] {
    Served all({{"tiny", {.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}}, {"one", {.seed = 5, .labels = {"LABEL_0"}}},
                {"names", filbert::reference::tiny_finder()}});
    all.cancelled = true;  // an explanation is begun, and stops
    all.limits.max_client_batch_size = 8;
    return all;
  }();
  return made;
}

[[noreturn]] void fail(const char* what, const ServedAnswer& answer) {
  std::fprintf(stderr, "%s: %d %s\n", what, answer.status, answer.body.c_str());
  std::abort();
}

void check(const ServedAnswer& answer) {
  // At the begin: further behind it may be what the request itself says.
  const std::string_view begin = std::string_view(answer.body).substr(0, 40);
  if (answer.status == 500 || (answer.status != 200 && begin.find("\"the server failed") != std::string_view::npos)) fail("failed inside", answer);
  if (answer.status != 200 && answer.body.size() < 10) fail("no reason given", answer);
  std::string json = answer.body;
  if (answer.content_type == "application/octet-stream") json.resize(std::stoul(answer.header("inference-header-content-length")));
  simdjson::dom::parser parser;
  const bool is_json = answer.content_type == "application/json" || answer.content_type == "application/octet-stream";
  if (is_json && parser.parse(json).error() != simdjson::SUCCESS) fail("no JSON", answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto part = filbert::parts(data + 1, size - 1, 3);
  const std::size_t route = data[0] % std::size(kPosts);
  const std::string body(part[2]), value(part[1]);
  if (route != kAnyPost && route != kAnyGet) {
    std::string target(kPosts[route]);
    if (!part[0].empty()) target += "?model=" + std::string(part[0]);
    const bool infers = target.starts_with("/v2");
    check(served().post(target, body, {{infers && !value.empty() ? "inference-header-content-length" : "accept", value}}));
    return 0;
  }
  try {  // paths that are no route are not what this is about
    const std::string target(part[0]);
    check(route == kAnyPost ? served().post(target, body) : served().get(target));
  } catch (const std::runtime_error&) {
  }
  return 0;
}
