// Labels of tokens and the entities that they make up, as dicts with the keys of transformers' pipeline.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <filbert/entities.h>

#include "arrays.h"
#include "bindings.h"
#include "texts.h"

namespace filbert::python {
namespace {

void set_options(TokenClassificationOptions* self, std::string_view aggregation_strategy, std::vector<std::string> ignore_labels, std::string_view tagging_scheme,
                 std::string_view decoding, std::optional<std::size_t> max_length, std::optional<std::size_t> stride) {
  new (self) TokenClassificationOptions{.aggregation_strategy = aggregation_strategy_from_name(aggregation_strategy), .ignore_labels = std::move(ignore_labels),
                                        .tagging_scheme = tagging_scheme_from_name(tagging_scheme), .decoding = decoding_from_name(decoding),
                                        .max_length = max_length, .stride = stride};
}

nb::dict as_dict(const Entity& entity, bool is_token) {
  nb::dict dict;
  dict[is_token ? "entity" : "entity_group"] = as_str(entity.entity);
  dict["score"] = static_cast<double>(entity.score);
  if (is_token) dict["index"] = entity.index;
  dict["word"] = as_str(entity.word);
  dict["start"] = entity.offset.begin;
  dict["end"] = entity.offset.end;
  return dict;
}

// (a list of dicts a text, how many texts were cut short)
nb::tuple as_answers(const std::vector<TokenClassification>& found, const TokenClassificationOptions& options) {
  const bool are_tokens = options.aggregation_strategy == AggregationStrategy::none;
  nb::list answers;
  std::size_t truncated = 0;
  for (const TokenClassification& text : found) {
    nb::list entities;
    for (const Entity& entity : text.entities) entities.append(as_dict(entity, are_tokens));
    answers.append(entities);
    truncated += text.truncated;
  }
  return nb::make_tuple(answers, truncated);
}

nb::tuple predict(const TokenClassificationPipeline& classifier, nb::handle texts, const TokenClassificationOptions& options, std::size_t first_row) {
  const Texts held(texts, nb::none(), first_row);
  std::vector<TokenClassification> found;
  {
    const nb::gil_scoped_release release;
    std::vector<std::string_view> views;
    views.reserve(held.inputs.size());
    for (const TextInput& input : held.inputs) views.push_back(input.text);
    found = classifier(views, options);
  }
  return as_answers(found, options);
}

nb::tuple predict_words(const TokenClassificationPipeline& classifier, nb::handle texts, const std::string& delimiter,
                        const TokenClassificationOptions& options, std::size_t first_row) {
  const Words held(texts, delimiter, first_row);
  std::vector<TokenClassification> found;
  {
    const nb::gil_scoped_release release;
    found = classifier(held.inputs, options);
  }
  return as_answers(found, options);
}

// (token, start, end, is_subword, scores [num_labels]) of each token of a text.
nb::list token_scores(const TokenClassificationPipeline& classifier, nb::handle text, const TokenClassificationOptions& options) {
  const std::string_view view = text_of(text, "text");
  std::vector<TokenScores> tokens;
  {
    const nb::gil_scoped_release release;
    tokens = classifier.token_scores(view, options);
  }
  nb::list all;
  for (TokenScores& token : tokens) {
    const std::size_t labels = token.scores.size();
    all.append(nb::make_tuple(as_str(token.token), token.offset.begin, token.offset.end, token.is_subword, as_array(std::move(token.scores), {labels})));
  }
  return all;
}

}  // namespace

void bind_entities(nb::module_& module) {
  nb::class_<TokenClassificationOptions>(module, "TokenClassificationOptions")
      .def("__init__", &set_options, nb::arg("aggregation_strategy") = "none", nb::arg("ignore_labels") = nb::make_tuple("O"),
           nb::arg("tagging_scheme") = "auto", nb::arg("decoding") = "argmax", nb::arg("max_length") = nb::none(), nb::arg("stride") = nb::none());
  nb::class_<TokenClassificationPipeline>(module, "EntityClassifier")
      .def_static("make", [](const AutoModelForTokenClassification& model, const Tokenizer& tokenizer) {
        return std::make_unique<TokenClassificationPipeline>(tokenizer, model);
      }, nb::arg("model"), nb::arg("tokenizer"))
      .def("predict", &predict, nb::arg("texts"), nb::arg("options"), nb::arg("first_row") = 0)
      .def("predict_words", &predict_words, nb::arg("texts"), nb::arg("delimiter"), nb::arg("options"), nb::arg("first_row") = 0)
      .def("token_scores", &token_scores, nb::arg("text"), nb::arg("options"))
      .def_prop_ro("max_length", &TokenClassificationPipeline::max_length);
  module.def("default_entities_model", [] { return default_entities_model().string(); }, "The directory of the built-in model of entities.");
}

}  // namespace filbert::python
