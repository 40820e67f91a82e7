// What /metrics says after something was counted. tests/cli/test_serve_metrics.py reads a running server's with Prometheus's own parser.
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include <filbert/version.h>

#include "reference/tiny_checkpoint.h"
#include "serve/metrics.h"
#include "serve/process_metrics.h"

namespace filbert::serve {
namespace {

// Sample by name with labels: "filbert_connections" or "filbert_refused_total{reason=\"timeout\"}".
std::map<std::string, double> samples(const Metrics& metrics, std::uint64_t lost_log_lines = 0) {
  std::map<std::string, double> all;
  std::istringstream text(metrics.text(lost_log_lines));
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    all[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return all;
}

Outcome answer(const std::string& label, float score) {
  Outcome outcome;
  outcome.classification.label = label;
  outcome.classification.score = score;
  return outcome;
}

TEST(ServeMetrics, RequestsAreCountedByRouteMethodAndCode) {
  Metrics metrics;
  metrics.answered("/predict", "POST", 200, 0.0007);
  metrics.answered("/predict", "POST", 200, 0.2);
  metrics.answered("/predict", "POST", 429, 0.00001);
  metrics.answered("none", "BREW", 405, 0.1);   // a client may say anything
  const auto all = samples(metrics);
  EXPECT_EQ(all.at(R"(filbert_requests_total{code="200",method="POST",route="/predict"})"), 2);
  EXPECT_EQ(all.at(R"(filbert_requests_total{code="429",method="POST",route="/predict"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_requests_total{code="405",method="other",route="none"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_request_duration_seconds_count{route="/predict"})"), 3);
  EXPECT_EQ(all.at(R"(filbert_request_duration_seconds_bucket{route="/predict",le="0.001"})"), 2);
  EXPECT_EQ(all.at(R"(filbert_request_duration_seconds_bucket{route="/predict",le="0.25"})"), 3);
  EXPECT_EQ(all.at(R"(filbert_request_duration_seconds_bucket{route="/predict",le="+Inf"})"), 3);
}

TEST(ServeMetrics, StagesAreInSeconds) {
  Metrics metrics;
  metrics.stages({.tokenize_ms = 1, .queue_ms = 20, .infer_ms = 300, .total_ms = 321});
  const auto all = samples(metrics);
  EXPECT_DOUBLE_EQ(all.at(R"(filbert_stage_duration_seconds_sum{stage="tokenize"})"), 0.001);
  EXPECT_DOUBLE_EQ(all.at(R"(filbert_stage_duration_seconds_sum{stage="queue"})"), 0.02);
  EXPECT_DOUBLE_EQ(all.at(R"(filbert_stage_duration_seconds_sum{stage="infer"})"), 0.3);
}

TEST(ServeMetrics, BatchesAndWhatWaits) {
  Metrics metrics;
  metrics.batch("stars-en", 3, 57, 0.002);
  metrics.set_queue(5, 90);
  metrics.add_in_flight(9);
  metrics.add_in_flight(-2);
  metrics.add_connections(12);
  metrics.add_connections(-1);
  metrics.add_body_bytes(223'456);
  metrics.add_body_bytes(-100'000);
  metrics.set_slow_lane(2);
  metrics.client_gone();
  metrics.reloaded(true);
  metrics.reloaded(false);
  metrics.refused(ProblemKind::overloaded);
  metrics.refused(ProblemKind::invalid);   // the client's error, not the server's
  const auto all = samples(metrics, 13);
  EXPECT_EQ(all.at(R"(filbert_batch_texts_sum{model="stars-en"})"), 3);
  EXPECT_EQ(all.at(R"(filbert_batch_tokens_bucket{model="stars-en",le="32"})"), 0);
  EXPECT_EQ(all.at(R"(filbert_batch_tokens_bucket{model="stars-en",le="64"})"), 1);
  EXPECT_DOUBLE_EQ(all.at(R"(filbert_batch_duration_seconds_sum{model="stars-en"})"), 0.002);
  EXPECT_EQ(all.at("filbert_batch_padding_tokens_total"), 0);
  EXPECT_EQ(all.at("filbert_queue_texts"), 5);
  EXPECT_EQ(all.at("filbert_queue_tokens"), 90);
  EXPECT_EQ(all.at("filbert_requests_in_flight"), 7);
  EXPECT_EQ(all.at("filbert_connections"), 11);
  EXPECT_EQ(all.at("filbert_body_bytes"), 123'456);
  EXPECT_EQ(all.at("filbert_slow_lane_requests"), 2);
  EXPECT_EQ(all.at("filbert_client_gone_total"), 1);
  EXPECT_EQ(all.at(R"(filbert_reloads_total{result="succeeded"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_reloads_total{result="failed"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_refused_total{reason="overloaded"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_refused_total{reason="draining"})"), 0);   // there before the first
  EXPECT_EQ(all.count(R"(filbert_refused_total{reason="invalid"})"), 0u);
  EXPECT_EQ(all.at("filbert_log_lines_lost_total"), 13);
  EXPECT_EQ(all.at("filbert_build_info{version=\"" FILBERT_VERSION "\"}"), 1);
}

TEST(ServeMetrics, TheModelsHealth) {
  Metrics metrics;
  metrics.outcome("m", answer("good", 0.97f), 1, 12);
  Outcome cut = answer("good", 0.5f);
  cut.classification.truncated = true;
  metrics.outcome("m", cut, 0, 512);
  Outcome rejected = answer("bad", 0.3f), answered = answer("bad", 0.8f);
  rejected.classification.rejected = true;
  answered.classification.rejected = false;
  metrics.outcome("m", rejected, 0, 1);
  metrics.outcome("m", answered, 0, 1);
  Outcome failed;
  failed.problem = Problem(ProblemKind::timeout, "too late");
  metrics.outcome("m", failed, 0, 8);
  const auto all = samples(metrics);
  EXPECT_EQ(all.at(R"(filbert_predictions_total{label="good",model="m"})"), 2);
  EXPECT_EQ(all.at(R"(filbert_confidence_bucket{model="m",le="0.5"})"), 2);
  EXPECT_EQ(all.at(R"(filbert_confidence_bucket{model="m",le="0.95"})"), 3);
  EXPECT_EQ(all.at(R"(filbert_confidence_bucket{model="m",le="0.99"})"), 4);
  EXPECT_EQ(all.at(R"(filbert_truncated_total{model="m"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_rejected_total{model="m"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_predictions_total{label="bad",model="m"})"), 2);
  EXPECT_EQ(all.at(R"(filbert_tokens_total{model="m"})"), 534);
  EXPECT_EQ(all.at(R"(filbert_unknown_tokens_total{model="m"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_text_problems_total{kind="timeout",model="m"})"), 1);
}

TEST(ServeMetrics, LabelsOfAnyModelAreEscaped) {
  Metrics metrics;
  metrics.outcome("a\xff", answer("\"quoted\" \\ and\nbroken", 1), 0, 1);
  EXPECT_EQ(samples(metrics).at("filbert_predictions_total{label=\"\\\"quoted\\\" \\\\ and\\nbroken\",model=\"a\xEF\xBF\xBD\"}"), 1);
}

TEST(ServeMetrics, AModelOfVeryManyLabelsMakesABoundedNumberOfSeries) {
  Metrics metrics;
  for (int label = 0; label < 1000; ++label) metrics.outcome("m", answer("LABEL_" + std::to_string(label), 0.1f), 0, 1);
  std::size_t series = 0;
  double texts = 0;
  for (const auto& [name, value] : samples(metrics)) {
    if (!name.starts_with("filbert_predictions_total")) continue;
    ++series;
    texts += value;
  }
  EXPECT_EQ(series, 257u);
  EXPECT_EQ(texts, 1000);
}

// The tiny model of the tests, served under a name.
std::shared_ptr<const ServedModel> served(const std::string& name, const std::string& revision) {
  const reference::TemporaryDirectory checkpoint = reference::write_checkpoint(reference::TinyCheckpoint{});
  return make_served_model(name, "org/" + name, revision, pipeline("text-classification", checkpoint.path()));
}

TEST(ServeMetrics, WhatIsServedIsThereBeforeTheFirstRequestAndInfoFollowsAReload) {
  Metrics metrics;
  const auto first = served("a", "r1"), kept = served("b", "r1"), second = served("a", "r2");
  metrics.set_models(ServedModels({first, kept}));
  auto all = samples(metrics);
  for (const auto& [id, label] : first->classifier().config().id2label) {
    EXPECT_EQ(all.at("filbert_predictions_total{label=\"" + label + "\",model=\"a\"}"), 0);
  }
  EXPECT_EQ(all.at(R"(filbert_model_info{model="a",model_id="org/a",revision="r1"})"), 1);
  metrics.set_models(ServedModels({second, kept}));
  all = samples(metrics);
  EXPECT_EQ(all.at(R"(filbert_model_info{model="a",model_id="org/a",revision="r2"})"), 1);
  EXPECT_EQ(all.at(R"(filbert_model_info{model="b",model_id="org/b",revision="r1"})"), 1);
  EXPECT_EQ(all.count(R"(filbert_model_info{model="a",model_id="org/a",revision="r1"})"), 0u);
}

TEST(ServeMetrics, EveryFamilySaysWhatItIs) {
  Metrics metrics;
  metrics.answered("/predict", "POST", 200, 0.001);
  std::istringstream text(metrics.text());
  std::string help, type;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string hash, what, name;
    words >> hash >> what >> name;
    if (what == "HELP") help = name;
    if (what == "TYPE") type = name;
    if (hash == "#") continue;
    EXPECT_EQ(help, type) << line;
    EXPECT_TRUE(line.starts_with(type)) << line;
  }
}

TEST(ServeMetrics, TheProcessIsMeasured) {
  const auto measured = [] {
    std::map<std::string, double> found;
    for (const ProcessMetric& metric : process_metrics()) found[metric.name] = metric.value;
    return found;
  };
  const auto all = measured();
  EXPECT_GT(all.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(all.at("process_virtual_memory_bytes"), all.at("process_resident_memory_bytes"));
  EXPECT_GE(all.at("process_cpu_seconds_total"), 0);
  EXPECT_GE(all.at("process_threads"), 1);
  EXPECT_GE(all.at("process_open_fds"), 3);
  EXPECT_GE(all.at("process_max_fds"), all.at("process_open_fds"));
  {
    const std::ifstream one("/dev/null"), another("/dev/null");
    EXPECT_EQ(measured().at("process_open_fds"), all.at("process_open_fds") + 2);
  }
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(all.at("process_start_time_seconds"), now, 3600);
}

TEST(ServeMetrics, ConcurrentCountsAreAllThere) {
  Metrics metrics;
  constexpr int kThreads = 4, kTimes = 1000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&metrics, thread] {
      for (int time = 0; time < kTimes; ++time) {
        metrics.answered("/predict", "POST", 200 + time % 7, 0.001);
        metrics.outcome(time % 2 ? "a" : "b", answer("LABEL_" + std::to_string((time + thread) % 5), 0.5f), 0, 3);
        metrics.refused(ProblemKind::timeout);
        metrics.set_queue(1, 1);
        metrics.add_in_flight(1);
        metrics.add_in_flight(time % 2 == 0 ? -1 : 0);
        if (time % 100 == 0) metrics.text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  double requests = 0, predictions = 0;
  const auto all = samples(metrics);
  for (const auto& [name, value] : all) {
    if (name.starts_with("filbert_requests_total")) requests += value;
    if (name.starts_with("filbert_predictions_total")) predictions += value;
  }
  EXPECT_EQ(requests, kThreads * kTimes);
  EXPECT_EQ(predictions, kThreads * kTimes);
  EXPECT_EQ(all.at("filbert_requests_in_flight"), kThreads * kTimes / 2);
  EXPECT_EQ(all.at(R"(filbert_refused_total{reason="timeout"})"), kThreads * kTimes);
  EXPECT_EQ(all.at(R"(filbert_tokens_total{model="a"})"), 3 * kThreads * kTimes / 2);
}

}  // namespace
}  // namespace filbert::serve
