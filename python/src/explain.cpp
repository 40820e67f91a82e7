// Explanations: the numbers come as JSON, the same that `filbert explain --format json` writes, and the page as HTML; filbert/explanation.py makes objects
// of them.
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <filbert/error.h>
#include <filbert/explain.h>

#include "base/json_writer.h"
#include "explain/explain_json.h"
#include "explain/option_words.h"
#include "load/fingerprint.h"

#include "bindings.h"
#include "texts.h"

namespace filbert::python {
namespace {

using OptionalText = std::optional<std::string>;

// What is asked for, as the command line and the server take it too.
void set_what(ReportOptions& options, const Config& config, const OptionalText& label, std::string_view target, std::string_view unit, const OptionalText& mask,
              const OptionalText& compat, bool bow) {
  options.explain.label = label;
  set_target(target, config, options.explain, "");
  set_unit(unit, options.explain, "");
  if (mask) set_mask(*mask, options.explain, "");
  if (compat) options.explain.compat = explain_compat_from_name(*compat);
  options.explain.bow = bow;
}

void set_how(ReportOptions& options, std::size_t num_samples, std::size_t num_features, double kernel_width, std::string_view feature_selection,
             std::string_view algorithm, std::size_t max_evals, double half_width, std::uint32_t seed, std::optional<std::int64_t> budget_ms) {
  options.lime.num_samples = num_samples;
  options.lime.num_features = num_features;
  options.lime.kernel_width = kernel_width;
  options.lime.feature_selection = feature_selection_from_name(feature_selection);
  options.shap.algorithm = shap_algorithm_from_name(algorithm);
  options.shap.max_evals = max_evals;
  options.shap.half_width = half_width;
  options.lime.seed = options.shap.seed = options.gradients.seed = seed;
  if (budget_ms) options.explain.budget = std::chrono::milliseconds(*budget_ms);
}

void set_gradients(ReportOptions& options, std::string_view baseline, std::string_view embedding, std::size_t num_steps, std::optional<double> max_gap,
                   std::size_t noise_samples, double noise) {
  options.gradients.baseline = gradient_baseline_from_name(baseline);
  options.gradients.embedding = gradient_embedding_from_name(embedding);
  options.gradients.num_steps = num_steps;
  options.gradients.max_gap = max_gap;
  options.gradients.num_samples = noise_samples;
  options.gradients.noise = noise;
}

void set_parts(ReportOptions& options, std::vector<std::string> methods, bool counterfactuals, bool faithfulness, std::size_t max_other_labels,
               bool attention) {
  options.methods = std::move(methods);
  options.counterfactuals = counterfactuals;
  options.faithfulness = faithfulness;
  options.max_other_labels = max_other_labels;
  options.attention = attention;
}

// Asks, while an explanation runs, whether Python has been interrupted; what its handler raised is kept for the end.
class Signals {
 public:
  bool noted() {
    const nb::gil_scoped_acquire gil;
    if (raised_ == nullptr && PyErr_CheckSignals() != 0) {
      try {
        throw nb::python_error();
      } catch (...) {
        raised_ = std::current_exception();
      }
    }
    return raised_ != nullptr;
  }
  void rethrow() {
    if (raised_ != nullptr) std::rethrow_exception(std::exchange(raised_, nullptr));
  }

 private:
  std::exception_ptr raised_;
};

std::unique_ptr<ExplainReport> run(const TextClassificationPipeline& classifier, nb::handle text, nb::handle text_pair, ReportOptions options,
                                   std::string model) {
  TextInput input{text_of(text, "text"), std::nullopt};
  if (!text_pair.is_none()) input.text_pair = text_of(text_pair, "text_pair");
  apply_compat(options, "");
  Signals signals;
  options.explain.cancelled = [&signals] { return signals.noted(); };
  std::unique_ptr<ExplainReport> report;
  {
    const nb::gil_scoped_release release;
    report = std::make_unique<ExplainReport>(explain(classifier, input, options));
    report->model = std::move(model);
    report->options.cancelled = nullptr;
    const std::filesystem::path directory = classifier.config().path.parent_path();
    report->model_sha256 = weights_sha256(directory);
    report->tokenizer_sha256 = tokenizer_sha256(directory);
  }
  signals.rethrow();
  return report;
}

std::string json_of(const ExplainReport& report) {
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

}  // namespace

void bind_explain(nb::module_& module) {
  nb::class_<ReportOptions>(module, "ReportOptions")
      .def(nb::init<>())
      .def("set_what", [](ReportOptions& options, const TextClassificationPipeline& classifier, const OptionalText& label, std::string_view target,
                          std::string_view unit, const OptionalText& mask, const OptionalText& compat, bool bow) {
        set_what(options, classifier.config(), label, target, unit, mask, compat, bow);
      }, nb::arg("classifier"), nb::arg("label").none(), nb::arg("target"), nb::arg("unit"), nb::arg("mask").none(), nb::arg("compat").none(), nb::arg("bow"))
      .def("set_how", &set_how, nb::arg("num_samples"), nb::arg("num_features"), nb::arg("kernel_width"), nb::arg("feature_selection"), nb::arg("algorithm"),
           nb::arg("max_evals"), nb::arg("half_width"), nb::arg("seed"), nb::arg("budget_ms").none())
      .def("set_gradients", &set_gradients, nb::arg("baseline"), nb::arg("embedding"), nb::arg("num_steps"), nb::arg("max_gap").none(),
           nb::arg("noise_samples"), nb::arg("noise"))
      .def("set_parts", &set_parts, nb::arg("methods"), nb::arg("counterfactuals"), nb::arg("faithfulness"), nb::arg("max_other_labels"), nb::arg("attention"));
  nb::class_<ExplainReport>(module, "Report").def("json", &json_of).def("html", [](const ExplainReport& report) {
    const nb::gil_scoped_release release;
    return html_report(report);
  });
  module.def("explain", &run, nb::arg("classifier"), nb::arg("text"), nb::arg("text_pair").none(), nb::arg("options"), nb::arg("model"));
  module.def("gradient_methods", [] {
    std::vector<std::string> names;
    for (const std::string_view name : gradient_methods()) names.emplace_back(name);
    return names;
  });
}

}  // namespace filbert::python
