#include "cli/calibrate_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/columns.h"

namespace filbert::cli {
namespace {

// A figure by its name in JSON and in words.
struct Figure {
  const char* key;
  const char* words;
  double DecisionFigures::*value;
};
constexpr Figure kFigures[] = {
    {"ece", "expected calibration error", &DecisionFigures::ece},
    {"log_loss", "log loss", &DecisionFigures::log_loss},
    {"accuracy", "accuracy", &DecisionFigures::accuracy},
    {"coverage", "coverage (not rejected)", &DecisionFigures::coverage},
    {"accuracy_of_covered", "accuracy of those", &DecisionFigures::accuracy_of_covered},
};
constexpr int kWordColumns = 28;

void write(const DecisionFigures& figures, JsonWriter& json) {
  json.begin_object();
  json.field("rows", figures.rows);
  for (const Figure& figure : kFigures) json.field(figure.key, figures.*figure.value);
  if (figures.expected_error) json.field("expected_error", *figures.expected_error);
  json.key("labels");
  json.begin_array();
  for (const LabelFigures& label : figures.labels) {
    json.begin_object();
    json.field("label", label.label);
    json.field("support", label.support);
    json.field("predicted", label.predicted);
    json.field("precision", label.precision);
    json.field("recall", label.recall);
    json.field("f1", label.f1);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::string calibration_line(const Decision& decision, const Output& out) {
  if (!decision.is_calibrated()) return "calibration: none\n";
  const bool is_temperature = std::all_of(decision.biases.begin(), decision.biases.end(), [](double bias) { return bias == 0; });
  if (is_temperature) return fmt::format("calibration: temperature {:.4f}\n", 1 / decision.weights.front());
  std::string lines = "calibration: a factor and a summand for each label\n";
  for (std::size_t label = 0; label < decision.weights.size(); ++label) {
    lines += fmt::format("  {}  {:9.4f} {:+9.4f}\n", padded(shown(decision.model_labels[label], out), 24), decision.weights[label], decision.biases[label]);
  }
  return lines;
}

std::string threshold_of(const Decision& decision, std::size_t label) {
  if (decision.thresholds.empty()) return "-";
  return std::isinf(decision.thresholds[label]) ? "never" : fmt::format("{:.3f}", decision.thresholds[label]);
}

std::string label_lines(const CalibrateResult& result, const Output& out) {
  std::string lines = fmt::format("\n{:24} {:>9} {:>8} {:>16} {:>16} {:>16}\n", "label", "threshold", "rows", "precision", "recall", "F1");
  for (std::size_t label = 0; label < result.after.labels.size(); ++label) {
    const LabelFigures &before = result.before.labels[label], &after = result.after.labels[label];
    const auto change = [](double from, double to) { return fmt::format("{:.3f} to {:.3f}", from, to); };
    lines += fmt::format("{} {:>9} {:>8} {:>16} {:>16} {:>16}\n", padded(shown(after.label, out), 24), threshold_of(result.decision, label), after.support,
                         change(before.precision, after.precision), change(before.recall, after.recall), change(before.f1, after.f1));
  }
  return lines;
}

}  // namespace

std::string text_lines(const CalibrateResult& result, const Output& out) {
  std::string lines = calibration_line(result.decision, out);
  if (result.decision.reject_below) lines += fmt::format("rejected below: {:.4f}\n", *result.decision.reject_below);
  lines += fmt::format("\n{:{}} {:>9} {:>9}\n", fmt::format("of {} rows unseen", result.after.rows), kWordColumns, "before", "after");
  for (const Figure& figure : kFigures) {
    lines += fmt::format("{:{}} {:9.4f} {:9.4f}\n", figure.words, kWordColumns, result.before.*figure.value, result.after.*figure.value);
  }
  if (result.after.expected_error) {
    lines += fmt::format("{:{}} {:9.4f} {:9.4f}\n", "expected value is off by", kWordColumns, *result.before.expected_error, *result.after.expected_error);
  }
  return lines + label_lines(result, out);
}

void write_figures(const CalibrateResult& result, JsonWriter& json) {
  json.key("before");
  write(result.before, json);
  json.key("after");
  write(result.after, json);
}

}  // namespace filbert::cli
