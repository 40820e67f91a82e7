// The three stages in one call. Answers come as dicts, as transformers' pipeline gives them, or as Classification objects with all that is known.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "postprocess/decision.h"

#include "arrays.h"
#include "bindings.h"
#include "texts.h"

namespace filbert::python {
namespace {

// A text's answer, or why there is none.
struct Answer {
  Classification found;
  std::optional<std::string> error = {};
};

// Labels as Python has them, made once a call.
class Labels {
 public:
  nb::str operator()(const std::string& label) {
    const auto known = std::find_if(made_.begin(), made_.end(), [&](const auto& entry) { return entry.first == label; });
    if (known != made_.end()) return known->second;
    return made_.emplace_back(label, as_str(label)).second;
  }

 private:
  std::vector<std::pair<std::string, nb::str>> made_;
};

nb::dict as_dict(const LabelScore& score, Labels& labels) {
  static constexpr const char *kLabel = "label", *kScore = "score";
  nb::dict dict;
  dict[kLabel] = labels(score.label);
  dict[kScore] = static_cast<double>(score.score);
  return dict;
}

std::vector<Classification> classify(const TextClassificationPipeline& classifier, const Texts& texts, const ClassifyOptions& options) {
  const nb::gil_scoped_release release;
  return classifier(texts.inputs, options);
}

// What transformers' pipeline gives: a dict a text, or with `nested` a list of dicts, likeliest first; and how many texts were cut short.
nb::tuple predict(const TextClassificationPipeline& classifier, nb::handle texts, nb::handle text_pairs, const ClassifyOptions& options, bool nested,
                  std::size_t first_row) {
  const Texts held(texts, text_pairs, first_row);
  const std::vector<Classification> answers = classify(classifier, held, options);
  Labels labels;
  nb::list all;
  std::size_t truncated = 0;
  for (const Classification& answer : answers) {
    truncated += answer.truncated;
    if (!nested) {
      all.append(as_dict({answer.label, answer.score}, labels));
      continue;
    }
    nb::list scores;
    for (const LabelScore& score : answer.scores) scores.append(as_dict(score, labels));
    all.append(scores);
  }
  return nb::make_tuple(all, truncated);
}

// An Answer for each row; with `keep_errors` also for those that are no text.
nb::list answers(const TextClassificationPipeline& classifier, nb::handle texts, nb::handle text_pairs, const ClassifyOptions& options, std::size_t first_row,
                 bool keep_errors) {
  const Texts held(texts, text_pairs, first_row, keep_errors);
  std::vector<Classification> found = classify(classifier, held, options);
  nb::list all;
  auto next = found.begin();
  for (std::size_t row = 0; row < std::max(held.errors.size(), found.size()); ++row) {
    const bool failed = row < held.errors.size() && !held.errors[row].empty();
    all.append(nb::cast(failed ? Answer{.found = {}, .error = held.errors[row]} : Answer{.found = std::move(*next++)}));
  }
  return all;
}

// [texts, labels] of scores in id order, as an array: what predict_proba of scikit-learn gives.
nb::object probabilities(const TextClassificationPipeline& classifier, nb::handle texts, nb::handle text_pairs, const ClassifyOptions& options,
                         std::size_t first_row) {
  const Texts held(texts, text_pairs, first_row);
  const std::size_t columns = classifier.id2label(options).size(), rows = held.inputs.size();
  std::vector<float> scores;
  {
    const nb::gil_scoped_release release;
    scores.reserve(rows * columns);
    for (const Classification& answer : classifier(held.inputs, options)) {
      for (const LabelScore& score : answer.scores) scores.push_back(score.score);
    }
  }
  return as_array(std::move(scores), {rows, columns});
}

nb::list scores_of(const std::vector<LabelScore>& scores) {
  Labels labels;
  nb::list all;
  for (const LabelScore& score : scores) all.append(as_dict(score, labels));
  return all;
}

nb::list windows_of(const Answer& answer) {
  nb::list windows;
  for (const Window& window : answer.found.windows) {
    nb::dict dict;
    dict["start"] = window.offset.begin;
    dict["end"] = window.offset.end;
    dict["sequence_id"] = window.sequence_id;
    dict["tokens_used"] = window.tokens_used;
    dict["label"] = as_str(window.label);
    dict["score"] = static_cast<double>(window.score);
    dict["scores"] = scores_of(window.scores);
    windows.append(dict);
  }
  return windows;
}

// Everything that `filbert classify --format json` says of a text.
nb::dict to_dict(const Answer& answer) {
  nb::dict dict;
  if (answer.error) {
    dict["error"] = as_str(*answer.error);
    return dict;
  }
  const Classification& found = answer.found;
  dict["label"] = as_str(found.label);
  dict["score"] = static_cast<double>(found.score);
  dict["scores"] = scores_of(found.scores);
  if (found.has_labels) dict["labels"] = found.labels;
  dict["logits"] = found.logits;
  if (found.expected) dict["expected"] = static_cast<double>(*found.expected);
  if (found.rejected) dict["rejected"] = *found.rejected;
  dict["tokens_total"] = found.tokens_total;
  dict["tokens_used"] = found.tokens_used;
  dict["truncated"] = found.truncated;
  if (!found.windows.empty()) dict["windows"] = windows_of(answer);
  return dict;
}

std::string repr(const Answer& answer) {
  if (answer.error) return fmt::format("Classification(error={})", nb::cast<std::string>(nb::str(nb::repr(as_str(*answer.error)))));
  return fmt::format("Classification(label={}, score={:.4f}{})", nb::cast<std::string>(nb::str(nb::repr(as_str(answer.found.label)))), answer.found.score,
                     answer.found.truncated ? ", truncated=True" : "");
}


void set_classify_options(ClassifyOptions* self, std::optional<std::string> function_to_apply, std::optional<std::size_t> top_k, std::optional<float> threshold,
                          std::optional<std::size_t> max_length, std::string_view truncation, std::string_view long_text, std::size_t stride,
                          std::string_view combine, bool use_decision) {
  new (self) ClassifyOptions{.top_k = top_k, .threshold = threshold, .max_length = max_length, .use_decision = use_decision,
                             .truncation = truncation_from_name(truncation), .long_text = long_text_from_name(long_text), .stride = stride,
                             .combine = combine_from_name(combine)};
  if (function_to_apply) self->function_to_apply = function_to_apply_from_name(*function_to_apply);
}

// `decision`: the file of one, or empty for that of the model's own directory.
std::unique_ptr<TextClassificationPipeline> make(const AutoModelForSequenceClassification& model, const Tokenizer* tokenizer, bool use_decision,
                                                 const std::filesystem::path& decision) {
  const nb::gil_scoped_release release;
  auto decided = load_decision({.use = use_decision, .file = decision}, model.config().path.parent_path(), model.config());
  return std::make_unique<TextClassificationPipeline>(tokenizer ? std::optional(*tokenizer) : std::nullopt, model, std::move(decided));
}

void bind_answer(nb::module_& module) {
  nb::class_<Answer>(module, "Classification", "What the model says of a text.")
      .def_prop_ro("label", [](const Answer& answer) -> nb::object { return answer.error ? nb::none() : nb::object(as_str(answer.found.label)); })
      .def_prop_ro("score", [](const Answer& answer) -> nb::object { return answer.error ? nb::none() : nb::object(nb::float_(answer.found.score)); })
      .def_prop_ro("scores", [](const Answer& answer) {
        nb::dict scores;
        for (const LabelScore& score : answer.found.scores) scores[as_str(score.label)] = static_cast<double>(score.score);
        return scores;
      }, "{label: score} in the order of the model's labels; with top_k the likeliest, falling.")
      .def_prop_ro("labels", [](const Answer& answer) -> nb::object { return answer.found.has_labels ? nb::cast(answer.found.labels) : nb::none(); },
                   "The labels that reach their threshold; None where there are no thresholds.")
      .def_prop_ro("logits", [](const Answer& answer) { return as_array(std::vector(answer.found.logits), {answer.found.logits.size()}); })
      .def_prop_ro("expected", [](const Answer& answer) { return answer.found.expected; })
      .def_prop_ro("rejected", [](const Answer& answer) { return answer.found.rejected; })
      .def_prop_ro("tokens_total", [](const Answer& answer) { return answer.found.tokens_total; })
      .def_prop_ro("tokens_used", [](const Answer& answer) { return answer.found.tokens_used; })
      .def_prop_ro("truncated", [](const Answer& answer) { return answer.found.truncated; })
      .def_prop_ro("windows", &windows_of)
      .def_prop_ro("error", [](const Answer& answer) { return answer.error; }, "Why there is no answer; None where there is one.")
      .def("to_dict", &to_dict)
      .def("__repr__", &repr);
}

}  // namespace

void bind_classifier(nb::module_& module) {
  bind_answer(module);
  nb::class_<ClassifyOptions>(module, "ClassifyOptions")
      .def("__init__", &set_classify_options, nb::arg("function_to_apply") = nb::none(), nb::arg("top_k") = nb::none(), nb::arg("threshold") = nb::none(),
           nb::arg("max_length") = nb::none(), nb::arg("truncation") = "longest_first", nb::arg("long_text") = "truncate", nb::arg("stride") = 0,
           nb::arg("combine") = "mean", nb::arg("use_decision") = true);
  nb::class_<TextClassificationPipeline>(module, "Classifier")
      .def_static("make", &make, nb::arg("model"), nb::arg("tokenizer").none(), nb::arg("use_decision") = true, nb::arg("decision") = "")
      .def("predict", &predict, nb::arg("texts"), nb::arg("text_pairs").none(), nb::arg("options"), nb::arg("nested"), nb::arg("first_row") = 0)
      .def("answers", &answers, nb::arg("texts"), nb::arg("text_pairs").none(), nb::arg("options"), nb::arg("first_row") = 0, nb::arg("keep_errors") = false)
      .def("probabilities", &probabilities, nb::arg("texts"), nb::arg("text_pairs").none(), nb::arg("options"), nb::arg("first_row") = 0)
      .def("labels", [](const TextClassificationPipeline& classifier, const ClassifyOptions& options) {
        std::vector<std::string> labels;
        for (const auto& [id, label] : classifier.id2label(options)) labels.push_back(label);
        return labels;
      }, nb::arg("options"))
      .def_prop_ro("max_length", &TextClassificationPipeline::max_length);
}

}  // namespace filbert::python
