#include "serve/exchange.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "serve/answering.h"
#include "serve/http_text.h"
#include "serve/routes.h"

namespace filbert::serve {
namespace {

// After its deadline an explanation has this to say so itself, and to answer with what it has; then its client is told that the time is up, since
// threads of low priority may have nothing at all.
constexpr auto kSlowGrace = std::chrono::milliseconds(500);

// A body up to which parsing and tokenizing hold up the other connections of a loop for less than the change of threads costs.
constexpr std::size_t kSmallBytes = 16'384;
constexpr std::size_t kSmallTokens = 2'048;  // the same of labels of tokens that become entities

HttpResponse in_words(const Problem& problem, ProblemWriter writer) {
  HttpResponse response = writer(problem);
  if (problem.retry_after_s) response.headers.emplace_back("retry-after", std::to_string(*problem.retry_after_s));
  if (problem.kind == ProblemKind::unauthorized) response.headers.emplace_back("www-authenticate", "Bearer");
  return response;
}

asio::awaitable<HttpResponse> answer_of(Exchange& exchange, Classifying classifying, Clock::time_point deadline) {
  ServerState& state = exchange.loop.state;
  const ClassifyPlan& plan = classifying.plan;
  exchange.record.model = plan.model->name;
  exchange.record.texts = classifying.problems.size();
  if (state.options.log_texts) {
    for (const ServedText& each : plan.texts) exchange.record.logged_texts.push_back(each.text);
  }
  if (BatchJob* job = classifying.job.get()) {
    job->deadline = deadline;
    job->urgency = plan.urgency.value_or(urgency_of(exchange.request.header("priority")));
    job->gone = exchange.gone;
    co_await resumed([&](const std::function<void()>& resume) {
      job->done = resume;
      state.batcher.submit(classifying.job);
    });
  }
  ClassifyResult result;
  const auto close = [&] { result = conclude(classifying, state.metrics); };
  if (plan.model->task() == Task::token_classification && classifying.job && classifying.job->inputs.total_tokens() > kSmallTokens) {
    co_await elsewhere(exchange.loop.heavy, close);
  } else {
    close();
  }
  result.timings.total_ms = milliseconds(Clock::now() - exchange.begin);
  state.metrics.stages(result.timings);
  AccessRecord& record = exchange.record;
  record.tokens = result.total_tokens;
  for (const Outcome& outcome : result.outcomes) record.truncated += outcome.classification.truncated || outcome.entities.truncated;
  record.tokenize_ms = result.timings.tokenize_ms;
  record.queue_ms = result.timings.queue_ms;
  record.infer_ms = result.timings.infer_ms;
  co_return plan.answer(plan, result);
}

// A plan in the slow lane, shared with its thread.
struct SlowTask {
  SlowPlan plan;
  ProblemWriter writer;
  std::function<bool()> gone;
  Clock::time_point deadline;
  EventQueue events = {};
  std::optional<HttpResponse> response = {};
  std::optional<Problem> problem = {};
};

void run(SlowTask& task, const SlowLane& lane, bool stopped) {
  const auto cancelled = [&] { return task.events.abandoned() || lane.stopping() || Clock::now() >= task.deadline || task.gone(); };
  try {
    if (stopped) throw Problem(ProblemKind::draining, "the server is about to end", 1);
    if (Clock::now() >= task.deadline) throw Problem(ProblemKind::timeout, "the time of this request passed before its turn came");
    if (cancelled()) throw Problem(ProblemKind::timeout, "the client is gone");
    SlowWork work{.cancelled = cancelled,
                  .send = [&](std::string_view event, std::string_view json) { if (task.plan.events) task.events.push(event_text(event, json)); },
                  .time_left = std::chrono::duration_cast<std::chrono::milliseconds>(task.deadline - Clock::now())};
    task.response = task.plan.run(work);
  } catch (const std::exception& error) {
    task.problem = to_problem(error);
  }
  std::string last;
  if (task.plan.events) {
    last = task.problem ? event_text("error", in_words(*task.problem, task.writer).body) : event_text("result", task.response->body);
  }
  task.events.finish(last);
}

Problem too_late() { return {ProblemKind::timeout, "the time of this request passed, and what explains has not come to an end"}; }

void expire(SlowTask& task) {
  task.events.expire(task.plan.events ? event_text("error", in_words(too_late(), task.writer).body) : std::string());
}

asio::awaitable<HttpResponse> explain(Exchange& exchange, SlowPlan plan, ProblemWriter writer) {
  ServerState& state = exchange.loop.state;
  if (plan.model) exchange.record.model = plan.model->name;
  exchange.record.texts = 1;
  const auto task = std::make_shared<SlowTask>();
  task->deadline = exchange.begin + time_of(exchange.request, plan.timeout, state.options.limits.explain_timeout);
  task->plan = std::move(plan);
  task->writer = writer;
  task->gone = exchange.gone;
  state.slow_lane.submit([task, &lane = state.slow_lane](bool stopped) { run(*task, lane, stopped); });
  exchange.loop.alarms.emplace_back(task->deadline + kSlowGrace, [weak = std::weak_ptr(task)] {
    if (const auto late = weak.lock()) expire(*late);
  });
  if (task->plan.events) {
    exchange.events = std::shared_ptr<EventQueue>(task, &task->events);
    co_return HttpResponse{.content_type = "text/event-stream", .headers = {{"cache-control", "no-store"}, {"x-accel-buffering", "no"}}};
  }
  while (co_await task->events.next()) continue;
  if (task->events.expired()) throw too_late();
  if (task->problem) throw *task->problem;
  co_return std::move(*task->response);
}

asio::awaitable<HttpResponse> follow(Exchange& exchange, const Route& route, std::string_view part) {
  ServerState& state = exchange.loop.state;
  if (route.needs_key) check_key(exchange.request, state.options.api_keys);
  if (route.method != "GET") {
    if (state.draining) throw Problem(ProblemKind::draining, "the server is about to end; another may take this", 1);
    exchange.in_flight.emplace(state);
  }
  const auto models = state.models();
  const ServeContext context{.models = *models, .limits = state.options.limits, .explain = state.options.explain, .ready = !state.draining,
                             .has_api_key = !state.options.api_keys.empty(), .metrics = &state.metrics,
                             .lost_log_lines = state.log.lost()};
  Plan plan;
  std::optional<Classifying> classifying;
  Clock::time_point deadline;
  const auto prepare = [&] {
    plan = route.handle(exchange.request, part, context);
    if (auto* classify_plan = std::get_if<ClassifyPlan>(&plan)) {
      deadline = exchange.begin + time_of(exchange.request, classify_plan->timeout, context.limits.timeout);
      state.batcher.check_room(deadline);
      classifying.emplace(tokenize(std::move(*classify_plan), context.limits));
    }
  };
  if (exchange.request.body.size() <= kSmallBytes) {
    prepare();
  } else {
    co_await elsewhere(exchange.loop.heavy, prepare);
  }
  if (classifying) co_return co_await answer_of(exchange, std::move(*classifying), deadline);
  if (auto* slow_plan = std::get_if<SlowPlan>(&plan)) co_return co_await explain(exchange, std::move(*slow_plan), route.problem);
  co_return std::move(std::get<HttpResponse>(plan));
}

// What failed inside is for the log, not for the client.
void log_failure(ServerState& state, const Exchange& exchange, const std::exception& error) {
  state.log.event(LogLevel::error, "a request failed", {{"request_id", exchange.record.request_id}, {"error", error.what()}});
}

}  // namespace

InFlight::InFlight(ServerState& state) : state_(state) {
  const std::size_t before = state.in_flight.fetch_add(1);
  if (before >= state.options.limits.max_concurrent_requests) {
    --state.in_flight;
    throw Problem(ProblemKind::overloaded, fmt::format("{} requests are being answered, at most {} may be", before,
                                                       state.options.limits.max_concurrent_requests), 1);
  }
  state.metrics.add_in_flight(1);
}

InFlight::~InFlight() {
  --state_.in_flight;
  state_.metrics.add_in_flight(-1);
}

void BodyBytes::release() {
  state_.body_bytes -= bytes_;
  state_.metrics.add_body_bytes(-static_cast<std::ptrdiff_t>(std::exchange(bytes_, 0)));
}

void BodyBytes::check_room(std::size_t bytes) const {
  const std::size_t held = state_.body_bytes, most = state_.options.limits.max_total_body_bytes;
  if (held + bytes <= most) return;
  throw Problem(ProblemKind::overloaded, fmt::format("the bodies of other requests hold {} bytes, at most {} may be held together", held, most), 1);
}

void BodyBytes::grow_to(std::size_t bytes) {
  const std::size_t more = bytes - bytes_, held = state_.body_bytes.fetch_add(more), most = state_.options.limits.max_total_body_bytes;
  if (held + more > most) {
    state_.body_bytes -= more;
    throw Problem(ProblemKind::overloaded, fmt::format("the bodies of all requests hold {} bytes, at most {} may be held together", held, most), 1);
  }
  bytes_ = bytes;
  state_.metrics.add_body_bytes(static_cast<std::ptrdiff_t>(more));
}

asio::awaitable<HttpResponse> answer(Exchange& exchange) {
  ServerState& state = exchange.loop.state;
  const HttpRequest& request = exchange.request;
  AccessRecord& record = exchange.record;
  record.request_id = request_id(request.header("x-request-id"));
  record.trace = trace_context(request.header("traceparent"));
  record.method = request.method;
  record.path = request.path.substr(0, 200);
  record.route = "none";
  exchange.fields = cors_fields(request, state.options.cors_origins);
  exchange.fields.emplace_back("x-request-id", record.request_id);
  if (!request.header("traceparent").empty()) exchange.fields.emplace_back("traceparent", record.trace.traceparent());
  if (is_preflight(request) && !state.options.cors_origins.empty()) co_return preflight(request, state.options.cors_origins);
  const RouteMatch match = find_route(request.method, request.path);
  std::optional<Problem> problem;
  try {
    if (match.route != nullptr) {
      record.route = match.route->path;
      co_return co_await follow(exchange, *match.route, match.part);
    }
    if (match.methods.empty()) problem.emplace(ProblemKind::not_found, fmt::format("there is no {} here; /openapi.json says what there is", record.path));
  } catch (const std::exception& error) {
    problem = to_problem(error);
    if (problem->kind == ProblemKind::failed) log_failure(state, exchange, error);
  }
  if (!problem) {
    const std::string methods = fmt::format("{}", fmt::join(match.methods, ", "));
    exchange.fields.emplace_back("allow", methods);
    problem.emplace(ProblemKind::method_not_allowed, fmt::format("{}: expected {}, found {}", record.path, methods, request.method));
  }
  exchange.problem = problem->kind;
  record.problem = problem->what();
  co_return in_words(*problem, match.problem);
}

void finish(Exchange& exchange, const HttpResponse& response, bool written, std::size_t bytes_in, std::size_t bytes_out) {
  ServerState& state = exchange.loop.state;
  AccessRecord& record = exchange.record;
  record.status = response.status;
  if (!written && record.problem.empty()) record.problem = "the client did not take the answer";
  record.bytes_in = bytes_in;
  record.bytes_out = bytes_out;
  record.total_ms = milliseconds(Clock::now() - exchange.begin);
  state.metrics.answered(record.route, record.method, response.status, record.total_ms / 1000);
  if (exchange.problem) state.metrics.refused(*exchange.problem);
  state.log.access(record);
}

std::string refusal(ServerState& state, const Problem& problem, const std::string& remote) {
  const HttpResponse response = in_words(problem, own_problem_writer());
  AccessRecord record;
  record.request_id = request_id({});
  record.remote = remote;
  record.route = "none";
  record.status = response.status;
  record.problem = problem.what();
  state.metrics.answered(record.route, "", response.status, 0);
  state.metrics.refused(problem.kind);
  state.log.access(record);
  return response_head(response, {{"x-request-id", record.request_id}}, {.goes_on = false}) + response.body;
}

}  // namespace filbert::serve
