// /metrics, for Prometheus.
#include "serve/metrics.h"
#include "serve/plan.h"

namespace filbert::serve {
namespace {

HttpResponse metrics_problem(const Problem& problem) {
  return {.status = info(problem.kind).status, .content_type = "text/plain; charset=utf-8", .body = std::string(problem.what()) + '\n'};
}

Plan metrics(const HttpRequest&, std::string_view, const ServeContext& context) {
  return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = context.metrics->text(context.lost_log_lines)};
}

constexpr Route kMetricsRoutes[] = {{"GET", "/metrics", false, metrics_problem, metrics}};

}  // namespace

std::span<const Route> metrics_routes() { return kMetricsRoutes; }

}  // namespace filbert::serve
