#include "reference/served.h"

#include <algorithm>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "infer/architecture.h"
#include "serve/batcher.h"
#include "serve/routes.h"

namespace filbert::reference {
namespace {

using namespace serve;

RouteMatch find(const HttpRequest& request) {
  RouteMatch found = find_route(request.method, request.path);
  if (!found.route) throw std::runtime_error(fmt::format("no route for {} {}", request.method, request.path));
  return found;
}

HttpRequest request_of(std::string_view method, std::string_view target, const std::string& body, HttpFields headers) {
  HttpRequest request{.method = std::string(method), .path = {}, .query = {}, .headers = std::move(headers), .body = body};
  set_target(target, request);
  return request;
}

BatchEncoding row_alone(const BatchEncoding& rows, std::size_t row) {
  BatchEncoding alone;
  copy_row(rows, row, alone);
  return alone;
}

// Each text by itself, as the pipeline answers it.
ClassifyResult carry_out(const ClassifyPlan& plan) {
  ClassifyResult result;
  const bool of_tokens = plan.model->task() == Task::token_classification;
  const auto add = [&](auto work) {
    Outcome outcome;
    outcome.of_tokens = of_tokens;
    try {
      work(outcome);
      const std::size_t used = outcome.classification.tokens_used + outcome.entities.tokens_used;  // one of the two
      result.total_tokens += used;
      if (plan.refuse_truncation && (outcome.classification.truncated || outcome.entities.truncated)) {
        outcome.problem = Problem(ProblemKind::invalid, fmt::format("inputs: expected at most {} tokens, found {}", used,
                                                                    outcome.classification.tokens_total + outcome.entities.tokens_total));
      }
    } catch (const std::exception& error) {
      outcome.problem = to_problem(error);
    }
    result.outcomes.push_back(std::move(outcome));
  };
  for (const ServedText& text : plan.texts) {
    add([&](Outcome& outcome) {
      const TextInput input{text.text, text.text_pair};
      if (!of_tokens) {
        outcome.classification = plan.model->classifier()(std::span(&input, 1), plan.options).front();
        return;
      }
      outcome.entities = plan.model->finder()(text.text, plan.entities);
      const std::string_view view = text.text;
      if (plan.wants_token_logits) outcome.token_logits = plan.model->logits(plan.model->finder().tokenize(std::span(&view, 1), plan.entities)).data;
    });
  }
  for (std::size_t row = 0; row < plan.rows.batch_size(); ++row) {
    add([&](Outcome& outcome) {
      const BatchEncoding alone = row_alone(plan.rows, row);
      if (of_tokens) {
        outcome.token_logits = plan.model->logits(alone).data;
      } else {
        outcome.classification = plan.model->classifier()(alone, plan.options).front();
      }
    });
  }
  result.timings = {.tokenize_ms = 1.5, .queue_ms = 2.5, .infer_ms = 3.5, .total_ms = 8.5};
  return result;
}

std::variant<TextClassificationPipeline, TokenClassificationPipeline> load(const std::filesystem::path& directory) {
  if (task_of(Config::from_pretrained(directory)) == Task::token_classification) {
    return pipeline<TokenClassificationPipeline>("token-classification", directory, {}, {.num_threads = 1});
  }
  return pipeline("text-classification", directory, {.num_threads = 1});
}

std::vector<std::shared_ptr<const ServedModel>> load(const std::vector<std::pair<std::string, std::filesystem::path>>& checkpoints,
                                                     const std::shared_ptr<const ContextIndex>& index = {}) {
  std::vector<std::shared_ptr<const ServedModel>> models;
  for (const auto& [name, directory] : checkpoints) {
    models.push_back(make_served_model(name, directory.string(), "revision-of-" + name, load(directory), index));
  }
  return models;
}

std::vector<std::pair<std::string, std::filesystem::path>> places(const std::vector<std::pair<std::string, TinyCheckpoint>>& checkpoints,
                                                                  const std::vector<TemporaryDirectory>& directories) {
  std::vector<std::pair<std::string, std::filesystem::path>> all;
  for (std::size_t at = 0; at < checkpoints.size(); ++at) all.emplace_back(checkpoints[at].first, directories[at].path());
  return all;
}

std::vector<TemporaryDirectory> written(const std::vector<std::pair<std::string, TinyCheckpoint>>& checkpoints) {
  std::vector<TemporaryDirectory> directories;
  for (const auto& [name, checkpoint] : checkpoints) directories.push_back(write_checkpoint(checkpoint));
  return directories;
}

}  // namespace

std::string ServedAnswer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& field) { return field.first == name; });
  return found == headers.end() ? "" : found->second;
}

Served::Served(const std::vector<std::pair<std::string, TinyCheckpoint>>& checkpoints)
    : directories_(written(checkpoints)), models_(load(places(checkpoints, directories_))) {}

Served::Served(const std::filesystem::path& checkpoint, std::shared_ptr<const ContextIndex> index)
    : models_(load({{checkpoint.filename().string(), checkpoint}}, index)) {}

ServeContext Served::context() const { return {.models = models_, .limits = limits, .explain = explain, .ready = ready}; }

Plan Served::plan(std::string_view target, const std::string& body, HttpFields headers) const {
  const HttpRequest request = request_of("POST", target, body, std::move(headers));
  const RouteMatch found = find(request);
  return found.route->handle(request, found.part, context());
}

ServedAnswer Served::post(std::string_view target, const std::string& body, HttpFields headers) const {
  return ask("POST", target, body, std::move(headers));
}

ServedAnswer Served::ask(std::string_view method, std::string_view target, const std::string& body, HttpFields headers) const {
  const HttpRequest request = request_of(method, target, body, std::move(headers));
  const RouteMatch found = find(request);
  ServedAnswer answer;
  HttpResponse response;
  try {
    Plan plan = found.route->handle(request, found.part, context());
    if (auto* at_once = std::get_if<HttpResponse>(&plan)) {
      response = *at_once;
    } else if (auto* classify = std::get_if<ClassifyPlan>(&plan)) {
      response = classify->answer(*classify, carry_out(*classify));
    } else {
      SlowWork work{.cancelled = [this] { return cancelled; },
                    .send = [&](std::string_view event, std::string_view json) { answer.events.emplace_back(event, nlohmann::json::parse(json)); },
                    .time_left = limits.explain_timeout};
      response = std::get<SlowPlan>(plan).run(work);
    }
  } catch (const std::exception& error) {
    response = found.route->problem(to_problem(error));
  }
  answer.status = response.status;
  answer.content_type = response.content_type;
  answer.headers = response.headers;
  answer.body = response.body;
  return answer;
}

void expect_error_in_words(const ServedAnswer& answer, int status, std::string_view part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const nlohmann::json error = answer.json();
  EXPECT_EQ(error.size(), 1u);
  EXPECT_NE(error["error"].get<std::string>().find(part), std::string::npos) << answer.body;
}

nlohmann::json without_circumstances(nlohmann::json report) {
  for (const char* key : {"milliseconds", "command", "model", "model_sha256", "tokenizer_sha256"}) report.erase(key);
  return report;
}

}  // namespace filbert::reference
