// The dialects of the server without a server: a request goes through its route's handler, and the plan is carried out at once.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reference/tiny_checkpoint.h"
#include "serve/plan.h"

namespace filbert::reference {

struct ServedAnswer {
  int status = 0;
  std::string content_type;
  serve::HttpFields headers;
  std::string body;
  std::vector<std::pair<std::string, nlohmann::json>> events;  // that were sent before it

  std::string header(std::string_view name) const;  // or empty
  nlohmann::json json() const { return nlohmann::json::parse(body); }
};

// {"error": MESSAGE} and nothing else, with `part` in the message.
void expect_error_in_words(const ServedAnswer& answer, int status, std::string_view part);
// A report of an explanation without what differs from one run, or one place of the same model, to another.
nlohmann::json without_circumstances(nlohmann::json report);

// A checkpoint, or several by their names, behind all routes of the dialects.
class Served {
 public:
  explicit Served(const TinyCheckpoint& checkpoint) : Served({{"tiny", checkpoint}}) {}
  explicit Served(const std::vector<std::pair<std::string, TinyCheckpoint>>& checkpoints);
  // One that is there already, with an index or without.
  explicit Served(const std::filesystem::path& checkpoint, std::shared_ptr<const ContextIndex> index = {});

  ServedAnswer post(std::string_view target, const std::string& body, serve::HttpFields headers = {}) const;
  ServedAnswer get(std::string_view target) const { return ask("GET", target, "", {}); }
  // What post() would carry out. Throws what the handler throws.
  serve::Plan plan(std::string_view target, const std::string& body, serve::HttpFields headers = {}) const;

  const TextClassificationPipeline& classifier(std::size_t model = 0) const { return models_.all()[model]->classifier(); }

  serve::ServeLimits limits;
  bool explain = true, ready = true;
  bool cancelled = false;  // what the slow lane is told

 private:
  ServedAnswer ask(std::string_view method, std::string_view target, const std::string& body, serve::HttpFields headers) const;
  serve::ServeContext context() const;

  std::vector<TemporaryDirectory> directories_;
  serve::ServedModels models_;
};

}  // namespace filbert::reference
