// A report: every part that is asked for, one after the other over the same explainer, each with its share of the time.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/explain.h>
#include <filbert/version.h>

#include "base/names.h"

namespace filbert {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::string_view, 3> kMaskingMethods = {"shap", "lime", "occlusion"};
constexpr auto kTimeOfAPart = std::chrono::milliseconds(2000);
constexpr auto kTimeOfALabel = std::chrono::milliseconds(500);
constexpr std::size_t kMaxUnitsForPairs = 32;  // 528 texts

// Says how far a report is, to whoever wants to know.
class Progress {
 public:
  Progress(const std::function<void(const ReportProgress&)>& tell, const ExplainReport& report) : tell_(tell), report_(report) {}

  void expect(std::size_t parts) { now_.total = parts; }
  void begin(std::string_view part) {
    end();
    now_.part = part;
    say(nullptr);
  }
  void seen(std::size_t texts) {
    now_.texts = texts;
    if (!now_.part.empty()) say(nullptr);
  }
  void end() {
    if (now_.part.empty()) return;
    now_.done = std::min(now_.done + 1, now_.total);
    say(&report_);
    now_.part = {};
  }

 private:
  void say(const ExplainReport* so_far) {
    now_.so_far = so_far;
    if (tell_) tell_(now_);
  }

  const std::function<void(const ReportProgress&)>& tell_;
  const ExplainReport& report_;
  ReportProgress now_;
};

// Divides what is left of the budget among the parts to come.
class Shares {
 public:
  Shares(Explainer& explainer, Progress& progress, const ReportOptions& options, Clock::time_point start, std::size_t parts)
      : explainer_(explainer), progress_(progress), parts_(parts) {
    if (options.explain.budget) deadline_ = start + *options.explain.budget;
    progress_.expect(parts + std::size_t{options.attention});
  }

  // The time of the next part, `usual` where there is no budget; the explainer is told.
  std::optional<std::chrono::milliseconds> next(std::string_view part, std::optional<std::chrono::milliseconds> usual) {
    progress_.begin(part);
    const std::size_t parts = std::max<std::size_t>(parts_, 1);
    if (parts_ > 0) --parts_;
    if (deadline_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - Clock::now());
      usual = std::max(left, std::chrono::milliseconds(0)) / parts;
    }
    explainer_.set_budget(usual);
    return usual;
  }

 private:
  Explainer& explainer_;
  Progress& progress_;
  std::optional<Clock::time_point> deadline_;
  std::size_t parts_;
};

bool has(const ReportOptions& options, std::string_view method) {
  return std::find(options.methods.begin(), options.methods.end(), method) != options.methods.end();
}

void check(const ReportOptions& options) {
  if (options.methods.empty()) throw Error(ErrorKind::invalid_argument, "method: expected at least one, found none");
  std::vector<std::string_view> known(kMaskingMethods.begin(), kMaskingMethods.end());
  for (const std::string_view method : gradient_methods()) known.push_back(method);
  for (const std::string& method : options.methods) {
    if (std::find(known.begin(), known.end(), method) == known.end()) {
      throw Error(ErrorKind::invalid_argument, fmt::format("method: expected one of {}, found \"{}\"", fmt::join(known, ", "), method));
    }
  }
}

// Labels other than the explained one, the likeliest first.
std::vector<std::string> other_labels(const ExplainedText& text, std::size_t most) {
  std::vector<LabelScore> scores = text.classification.scores;
  std::stable_sort(scores.begin(), scores.end(), [](const LabelScore& a, const LabelScore& b) { return a.score > b.score; });
  std::vector<std::string> labels;
  for (const LabelScore& score : scores) {
    if (score.label != text.label && labels.size() < most) labels.push_back(score.label);
  }
  return labels;
}

LabelValues values_of(const std::string& label, Explainer& explainer, const ReportOptions& options, Shares& shares) {
  LabelValues values{label, explainer.value(std::vector<std::uint8_t>(explainer.text().units.size(), 1), label), {}};
  if (has(options, "shap")) {
    ShapOptions shap = options.shap;
    shap.label = label;
    shap.budget = shares.next("other_labels", kTimeOfALabel);
    values.methods.push_back({"shap", explainer.shap(shap).values});
  }
  if (has(options, "lime")) {
    LimeOptions lime = options.lime;
    lime.label = label;
    shares.next("other_labels", {});
    values.methods.push_back({"lime", explainer.lime(lime).values});
  }
  if (has(options, "occlusion")) {
    shares.next("other_labels", {});
    values.methods.push_back({"occlusion", explainer.occlusion({.label = label}).values});
  }
  for (const std::string_view method : gradient_methods()) {
    if (!has(options, method)) continue;
    GradientOptions gradients = options.gradients;
    gradients.label = label;
    shares.next("other_labels", {});
    values.methods.push_back({std::string(method), explainer.gradients(gradient_method_from_name(method), gradients).values});
  }
  return values;
}

}  // namespace

ExplainReport explain(const TextClassificationPipeline& classifier, TextInput text, const ReportOptions& options) {
  check(options);
  const Clock::time_point start = Clock::now();
  ExplainReport report;
  Progress progress(options.progress, report);
  ExplainOptions of_explainer = options.explain;
  if (options.progress) of_explainer.progress = [&](std::size_t texts) { progress.seen(texts); };
  Explainer explainer(classifier, text, of_explainer);
  report.text = explainer.text();
  report.options = options.explain;
  if (!report.options.function_to_apply) report.options.function_to_apply = default_function_to_apply(classifier.config());
  report.lime_options = options.lime;
  report.shap_options = options.shap;
  report.gradient_options = options.gradients;
  report.version = FILBERT_VERSION;
  report.dtype = name(classifier.model().compute_dtype());
  const std::vector<std::string> others =
      options.explain.target == ExplainTarget::contrast ? std::vector<std::string>{} : other_labels(report.text, options.max_other_labels);
  Shares shares(explainer, progress, options, start,
                options.methods.size() * (1 + others.size()) + std::size_t{options.counterfactuals} + std::size_t{options.faithfulness});
  if (has(options, "occlusion")) {
    shares.next("occlusion", {});
    report.occlusion = explainer.occlusion({.pairs = report.text.units.size() <= kMaxUnitsForPairs});
  }
  if (has(options, "shap")) {
    ShapOptions shap = options.shap;
    if (const auto share = shares.next("shap", {})) shap.budget = share;
    report.shap = explainer.shap(shap);
  }
  if (has(options, "lime")) {
    shares.next("lime", {});
    report.lime = explainer.lime(options.lime);
  }
  for (const std::string_view method : gradient_methods()) {
    if (!has(options, method)) continue;
    shares.next(method, {});
    report.gradients.push_back(explainer.gradients(gradient_method_from_name(method), options.gradients));
  }
  if (options.counterfactuals) {
    shares.next("counterfactuals", kTimeOfAPart);
    report.counterfactuals = explainer.counterfactuals();
  }
  if (options.faithfulness) {
    shares.next("faithfulness", kTimeOfAPart);
    report.faithfulness = explainer.faithfulness(report.values(), options.shap.seed);
  }
  for (const std::string& label : others) report.other_labels.push_back(values_of(label, explainer, options, shares));
  if (options.attention) {
    progress.begin("attention");
    report.attention = attention_map(classifier, text, {.queries_keys = report.text.classification.tokens_used <= kMostNeuronTokens,
                                                        .function_to_apply = options.explain.function_to_apply,
                                                        .max_length = options.explain.max_length});
  }
  progress.end();
  report.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  return report;
}

}  // namespace filbert
