#include "serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <utility>
#include <vector>

#include <filbert/version.h>

#include "base/text.h"
#include "postprocess/entities.h"
#include "serve/process_metrics.h"

namespace filbert::serve {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

// A server in one process answers in a millisecond, an overloaded one in seconds, and stages take from a tenth of that.
const Buckets kRequestSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const Buckets kStageSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
const Buckets kBatchTexts = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
const Buckets kBatchTokens = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
const Buckets kConfidence = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1};

// Most models have a handful of labels. One with thousands would make as many series, which Prometheus pays for.
constexpr std::size_t kMaxLabels = 256;
constexpr std::string_view kOther = "other";

// A server that is asked too much answers by these, and each is there before the first.
constexpr std::array kRefusals = {ProblemKind::overloaded, ProblemKind::timeout, ProblemKind::draining, ProblemKind::too_large,
                                  ProblemKind::unauthorized};

// A client may send any word as its method.
std::string_view known_method(std::string_view method) {
  constexpr std::array<std::string_view, 8> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end() ? kOther : method;
}

// Children by what their labels say, made when they are first asked for. They stay where they are, so that counting needs no lock.
template <typename Key, typename Child, typename Less = std::less<>>
class Children {
 public:
  template <typename View, typename Make>
  Child& at(const View& view, const Make& make) {
    {
      const std::shared_lock lock(mutex_);
      const auto found = children_.find(view);
      if (found != children_.end()) return found->second;
    }
    const std::unique_lock lock(mutex_);
    const auto found = children_.find(view);
    return found != children_.end() ? found->second : children_.try_emplace(Key(view), make(children_.size())).first->second;
  }

 private:
  std::shared_mutex mutex_;
  std::map<Key, Child, Less> children_;
};

using RequestKey = std::tuple<std::string, std::string, int>;             // route, method, code
using RequestView = std::tuple<std::string_view, std::string_view, int>;

struct LessRequest {
  using is_transparent = void;
  static RequestView view(const auto& key) { return {std::get<0>(key), std::get<1>(key), std::get<2>(key)}; }
  bool operator()(const auto& left, const auto& right) const { return view(left) < view(right); }
};

struct RequestMetrics {
  prometheus::Counter* count;
  prometheus::Histogram* duration;
};

// Families, in the order of docs/serve_metrics.md.
struct Families {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;
  using Histograms = prometheus::Family<prometheus::Histogram>;

  Counters& counters(const char* name, const char* help) { return prometheus::BuildCounter().Name(name).Help(help).Register(registry); }
  Gauges& gauges(const char* name, const char* help) { return prometheus::BuildGauge().Name(name).Help(help).Register(registry); }
  Histograms& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Registry registry;

  Counters& requests = counters("filbert_requests_total", "Requests that were answered");
  Histograms& request_duration = histograms("filbert_request_duration_seconds", "From the last byte of a request to its answer");
  Histograms& stage_duration = histograms("filbert_stage_duration_seconds", "What a classified request spent where, of its slowest text");
  Gauges& in_flight = gauges("filbert_requests_in_flight", "Requests that are being answered");
  Gauges& connections = gauges("filbert_connections", "Connections that are open");
  Gauges& body_bytes = gauges("filbert_body_bytes", "Bytes of the bodies of requests that are being read or answered");

  Histograms& batch_texts = histograms("filbert_batch_texts", "Texts that went through the model at once");
  Histograms& batch_tokens = histograms("filbert_batch_tokens", "Tokens that went through the model at once");
  Histograms& batch_duration = histograms("filbert_batch_duration_seconds", "What a batch took in the model");
  Counters& padding = counters("filbert_batch_padding_tokens_total", "Padding that was computed: always 0, since rows lie end to end");
  Gauges& queue_texts = gauges("filbert_queue_texts", "Texts that wait for the model");
  Gauges& queue_tokens = gauges("filbert_queue_tokens", "Tokens that wait for the model");

  Counters& refused = counters("filbert_refused_total", "Requests that were shed");
  Counters& client_gone = counters("filbert_client_gone_total", "Requests whose work was dropped because their client was gone");
  Gauges& slow_lane = gauges("filbert_slow_lane_requests", "Explanations that wait or run");

  Counters& predictions = counters("filbert_predictions_total", "Texts by the label of their highest score");
  Counters& entities = counters("filbert_entities_total", "Entities that were found, by their type");
  Histograms& confidence = histograms("filbert_confidence", "The highest score of a text, or the score of an entity");
  Counters& tokens = counters("filbert_tokens_total", "Tokens of texts, special ones included");
  Counters& unknown_tokens = counters("filbert_unknown_tokens_total", "Tokens that the vocabulary lacks: [UNK] or its like");
  Counters& truncated = counters("filbert_truncated_total", "Texts that were too long and lost tokens");
  Counters& rejected = counters("filbert_rejected_total", "Texts whose answer a decision rejects");
  Counters& problems = counters("filbert_text_problems_total", "Texts that got no answer");

  Counters& reloads = counters("filbert_reloads_total", "Reloads of the models");
  Gauges& model_info = gauges("filbert_model_info", "1 for each model that is served");
  Gauges& build_info = gauges("filbert_build_info", "1, with what this server is");
};

// What is counted of a model. None of it goes when a reload leaves the model out: counters never fall.
struct ModelMetrics {
  ModelMetrics(Families& families, std::string_view name)
      : labels{{"model", replace_invalid_utf8(name)}},
        batch_texts(families.batch_texts.Add(labels, kBatchTexts)),
        batch_tokens(families.batch_tokens.Add(labels, kBatchTokens)),
        batch_duration(families.batch_duration.Add(labels, kStageSeconds)),
        confidence(families.confidence.Add(labels, kConfidence)),
        tokens(families.tokens.Add(labels)),
        unknown_tokens(families.unknown_tokens.Add(labels)),
        truncated(families.truncated.Add(labels)),
        rejected(families.rejected.Add(labels)) {}

  prometheus::Labels with(const char* name, std::string_view value) const {
    prometheus::Labels all = labels;
    all.emplace(name, value);
    return all;
  }

  prometheus::Labels labels;
  prometheus::Histogram& batch_texts;
  prometheus::Histogram& batch_tokens;
  prometheus::Histogram& batch_duration;
  prometheus::Histogram& confidence;
  prometheus::Counter& tokens;
  prometheus::Counter& unknown_tokens;
  prometheus::Counter& truncated;
  prometheus::Counter& rejected;
  Children<std::string, prometheus::Counter*> predictions;   // by label
  Children<std::string, prometheus::Counter*> entities;      // by type
  Children<std::string, prometheus::Counter*> problems;      // by kind
};

prometheus::MetricFamily family_of(const ProcessMetric& of) {
  prometheus::MetricFamily family{of.name, of.help, of.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {}};
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  (of.counter ? metric.counter.value : metric.gauge.value) = of.value;
  return family;
}

}  // namespace

struct Metrics::Impl {
  Families families;

  // What has no labels, or labels of which all are known.
  prometheus::Histogram& tokenize = families.stage_duration.Add({{"stage", "tokenize"}}, kStageSeconds);
  prometheus::Histogram& queue = families.stage_duration.Add({{"stage", "queue"}}, kStageSeconds);
  prometheus::Histogram& infer = families.stage_duration.Add({{"stage", "infer"}}, kStageSeconds);
  prometheus::Gauge& in_flight = families.in_flight.Add({});
  prometheus::Gauge& connections = families.connections.Add({});
  prometheus::Gauge& body_bytes = families.body_bytes.Add({});
  prometheus::Gauge& queue_texts = families.queue_texts.Add({});
  prometheus::Gauge& queue_tokens = families.queue_tokens.Add({});
  prometheus::Gauge& slow_lane = families.slow_lane.Add({});
  prometheus::Counter& client_gone = families.client_gone.Add({});
  prometheus::Counter& reload_succeeded = families.reloads.Add({{"result", "succeeded"}});
  prometheus::Counter& reload_failed = families.reloads.Add({{"result", "failed"}});

  Children<RequestKey, RequestMetrics, LessRequest> by_request;
  Children<std::string, std::unique_ptr<ModelMetrics>> by_model;
  std::array<prometheus::Counter*, kRefusals.size()> refused{};   // in the order of kRefusals
  std::mutex served_mutex;
  std::vector<prometheus::Gauge*> served;   // of model_info

  Impl() {
    families.padding.Add({});
    families.build_info.Add({{"version", FILBERT_VERSION}}).Set(1);
    std::transform(kRefusals.begin(), kRefusals.end(), refused.begin(),
                   [&](ProblemKind kind) { return &families.refused.Add({{"reason", std::string(info(kind).name)}}); });
  }

  RequestMetrics& request(std::string_view route, std::string_view method, int status) {
    return by_request.at(RequestView(route, known_method(method), status), [&](std::size_t) {
      const std::string path(route);
      const std::string name(known_method(method));
      return RequestMetrics{&families.requests.Add({{"route", path}, {"method", name}, {"code", std::to_string(status)}}),
                            &families.request_duration.Add({{"route", path}}, kRequestSeconds)};
    });
  }

  ModelMetrics& model(std::string_view name) {
    return *by_model.at(name, [&](std::size_t) { return std::make_unique<ModelMetrics>(families, name); });
  }

  prometheus::Counter& found(ModelMetrics& of, std::string_view type) {
    return *of.entities.at(type, [&](std::size_t types) { return &families.entities.Add(of.with("type", types < kMaxLabels ? type : kOther)); });
  }

  prometheus::Counter& predicted(ModelMetrics& of, std::string_view label) {
    return *of.predictions.at(label, [&](std::size_t labels) {
      return &families.predictions.Add(of.with("label", labels < kMaxLabels ? label : kOther));
    });
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::set_models(const ServedModels& models) {
  const std::lock_guard lock(impl_->served_mutex);
  std::vector<prometheus::Gauge*> served;
  for (const auto& model : models.all()) {
    ModelMetrics& of = impl_->model(model->name);
    if (model->task() == Task::token_classification) {
      for (const std::string& type : entity_names(model->config().id2label, AggregationStrategy::simple)) impl_->found(of, type);
    } else {
      for (const auto& [id, label] : model->id2label()) impl_->predicted(of, label);
    }
    served.push_back(&impl_->families.model_info.Add(
        {{"model", replace_invalid_utf8(model->name)}, {"model_id", replace_invalid_utf8(model->model_id)}, {"revision", model->revision}}));
    served.back()->Set(1);
  }
  for (prometheus::Gauge* before : impl_->served) {
    if (std::find(served.begin(), served.end(), before) == served.end()) impl_->families.model_info.Remove(before);
  }
  impl_->served = std::move(served);
}

void Metrics::answered(std::string_view route, std::string_view method, int status, double seconds) {
  const RequestMetrics& request = impl_->request(route, method, status);
  request.count->Increment();
  request.duration->Observe(seconds);
}

void Metrics::stages(const Timings& timings) {
  impl_->tokenize.Observe(timings.tokenize_ms / 1e3);
  impl_->queue.Observe(timings.queue_ms / 1e3);
  impl_->infer.Observe(timings.infer_ms / 1e3);
}

void Metrics::batch(std::string_view model, std::size_t texts, std::size_t tokens, double seconds) {
  ModelMetrics& of = impl_->model(model);
  of.batch_texts.Observe(static_cast<double>(texts));
  of.batch_tokens.Observe(static_cast<double>(tokens));
  of.batch_duration.Observe(seconds);
}

void Metrics::outcome(std::string_view model, const Outcome& outcome, std::size_t unknown_tokens, std::size_t tokens) {
  ModelMetrics& of = impl_->model(model);
  of.tokens.Increment(static_cast<double>(tokens));
  of.unknown_tokens.Increment(static_cast<double>(unknown_tokens));
  if (outcome.problem) {
    const std::string_view kind = info(outcome.problem->kind).name;
    of.problems.at(kind, [&](std::size_t) { return &impl_->families.problems.Add(of.with("kind", kind)); })->Increment();
    return;
  }
  if (outcome.classification.truncated || outcome.entities.truncated) of.truncated.Increment();
  if (outcome.of_tokens) return;
  impl_->predicted(of, outcome.classification.label).Increment();
  of.confidence.Observe(static_cast<double>(outcome.classification.score));
  if (outcome.classification.rejected.value_or(false)) of.rejected.Increment();
}

void Metrics::entities(std::string_view model, std::span<const Entity> entities) {
  ModelMetrics& of = impl_->model(model);
  for (const Entity& entity : entities) {
    impl_->found(of, entity.entity).Increment();
    of.confidence.Observe(static_cast<double>(entity.score));
  }
}

void Metrics::set_queue(std::size_t texts, std::size_t tokens) {
  impl_->queue_texts.Set(static_cast<double>(texts));
  impl_->queue_tokens.Set(static_cast<double>(tokens));
}

void Metrics::add_in_flight(int requests) { impl_->in_flight.Increment(requests); }
void Metrics::add_connections(int connections) { impl_->connections.Increment(connections); }
void Metrics::add_body_bytes(std::ptrdiff_t bytes) { impl_->body_bytes.Increment(static_cast<double>(bytes)); }
void Metrics::set_slow_lane(std::size_t requests) { impl_->slow_lane.Set(static_cast<double>(requests)); }
void Metrics::client_gone() { impl_->client_gone.Increment(); }
void Metrics::reloaded(bool succeeded) { (succeeded ? impl_->reload_succeeded : impl_->reload_failed).Increment(); }

void Metrics::refused(ProblemKind kind) {
  const auto* const found = std::find(kRefusals.begin(), kRefusals.end(), kind);
  if (found != kRefusals.end()) impl_->refused[static_cast<std::size_t>(found - kRefusals.begin())]->Increment();
}

std::string Metrics::text(std::uint64_t lost_log_lines) const {
  std::vector<prometheus::MetricFamily> families = impl_->families.registry.Collect();   // copies of the numbers: nobody waits for the rest
  families.push_back(family_of({"filbert_log_lines_lost_total", "Lines that the log could not take", true, static_cast<double>(lost_log_lines)}));
  for (const ProcessMetric& metric : process_metrics()) families.push_back(family_of(metric));
  std::sort(families.begin(), families.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
  for (prometheus::MetricFamily& family : families) {
    std::sort(family.metric.begin(), family.metric.end(), [](const auto& left, const auto& right) { return left.label < right.label; });
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace filbert::serve
