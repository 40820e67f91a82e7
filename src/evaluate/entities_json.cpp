// An evaluation of entities as one JSON object: docs/evaluate.md, "Entities, as JSON".
#include "evaluate/evaluation_json.h"

namespace filbert {
namespace {

void write_types(const EntityEvaluation& evaluation, JsonWriter& json) {
  json.begin_array();
  for (const EntityTypeMeasures& type : evaluation.types) {
    json.begin_object();
    json.field("type", type.type);
    json.field("gold", type.gold);
    json.field("predicted", type.predicted);
    json.field("right", type.right);
    for (const auto& [name, measure] : {std::pair("precision", &type.precision), std::pair("recall", &type.recall), std::pair("f1", &type.f1)}) {
      json.key(name);
      write_measure(*measure, json);
    }
    json.end_object();
  }
  json.end_array();
}

// The fields that a model has; of the second model the same, in an object of its own.
void write_evaluation(const EntityEvaluation& evaluation, JsonWriter& json) {
  json.field("predicted", evaluation.predicted);
  json.field("right", evaluation.right);
  json.key("measures");
  write_measures(evaluation.measures, json);
  json.key("types");
  write_types(evaluation, json);
  json.key("outcomes");
  json.begin_object();
  for (std::size_t outcome = 0; outcome < kEntityOutcomes; ++outcome) json.field(name(static_cast<EntityOutcome>(outcome)), evaluation.outcomes[outcome]);
  json.end_object();
  json.key("confusion");
  json.begin_array();
  const std::size_t cells = evaluation.types.size() + 1;
  for (std::size_t gold = 0; gold < cells; ++gold) json.array(std::vector(&evaluation.confusion[gold * cells], &evaluation.confusion[gold * cells] + cells));
  json.end_array();
}

void write_slices(const std::vector<EntitySlice>& slices, JsonWriter& json) {
  json.begin_array();
  for (const EntitySlice& slice : slices) {
    json.begin_object();
    json.field("by", slice.by);
    json.field("value", slice.value);
    json.field("texts", slice.texts);
    json.field("gold", slice.gold);
    json.field("predicted", slice.predicted);
    json.key("measures");
    write_measures(slice.measures, json);
    json.end_object();
  }
  json.end_array();
}

void write_spans(const std::vector<EntitySpan>& spans, bool has_scores, JsonWriter& json) {
  json.begin_array();
  for (const EntitySpan& span : spans) {
    json.begin_object();
    json.field("label", span.type);
    if (has_scores) json.field("score", span.score);
    json.field("start", span.begin);
    json.field("end", span.end);
    json.end_object();
  }
  json.end_array();
}

void write_worst(const std::vector<WrongEntities>& worst, JsonWriter& json) {
  json.begin_array();
  for (const WrongEntities& wrong : worst) {
    json.begin_object();
    json.field("row", wrong.row);
    json.field("text", wrong.text);
    json.field("truncated", wrong.truncated);
    json.field("loss", wrong.loss);
    json.key("gold");
    write_spans(wrong.entities.gold, false, json);
    json.key("predicted");
    write_spans(wrong.entities.predicted, true, json);
    json.end_object();
  }
  json.end_array();
}

void write_comparison(const EntityComparison& comparison, JsonWriter& json) {
  json.begin_object();
  json.field("both_found", comparison.both_found);
  json.field("only_first", comparison.only_first);
  json.field("only_second", comparison.only_second);
  json.field("neither", comparison.neither);
  json.field("same_prediction", comparison.same_prediction);
  json.field("mcnemar_exact", comparison.mcnemar_exact);
  json.field("mcnemar_mid_p", comparison.mcnemar_mid_p);
  json.field("bootstrap_p", comparison.bootstrap_p);
  json.key("differences");
  write_measures(comparison.differences, json);
  json.end_object();
}

void write_counts(const EntityEvaluationReport& report, JsonWriter& json) {
  json.field("texts", report.evaluation.texts);
  if (report.has_words) {
    json.field("words", report.words);
    json.field("unseen_words", report.unseen_words);
  }
  json.field("gold", report.evaluation.gold);
  json.field("truncated", report.truncated);
  json.field("windowed", report.windowed);
  json.field("invalid_utf8", report.invalid_utf8);
  json.key("never_said");
  json.begin_object();
  for (const auto& [type, count] : report.never_said) json.field(type, count);
  json.end_object();
  json.key("never_gold");
  json.array(report.never_gold);
  json.key("gold_names");
  json.begin_object();
  for (const auto& [name, type] : report.gold_names) json.field(name, type);
  json.end_object();
}

void write_origin(const EntityEvaluationReport& report, JsonWriter& json) {
  const EvaluateOptions& options = report.options;
  json.key("options");
  json.begin_object();
  write_facts({{"scheme", &report.gold_rules}, {"model_scheme", &report.model_rules}, {"aggregation_strategy", &report.aggregation_strategy},
      {"decoding", &report.decoding}}, json);
  json.key("ignore_labels");
  json.array(report.ignored);
  json.field("bootstrap", options.bootstrap);
  json.field("confidence", static_cast<float>(options.confidence));
  json.field("seed", options.seed);
  json.end_object();
  write_facts({{"input", &report.input}, {"input_sha256", &report.input_sha256}, {"train", &report.train}, {"model", &report.model},
      {"model_sha256", &report.model_sha256},
               {"tokenizer_sha256", &report.tokenizer_sha256}, {"dtype", &report.dtype}, {"version", &report.version}, {"command", &report.command}}, json);
}

}  // namespace

void write_json(const EntityEvaluationReport& report, JsonWriter& json) {
  json.begin_object();
  json.field("kind", "entities");
  write_counts(report, json);
  write_evaluation(report.evaluation, json);
  json.key("slices");
  write_slices(report.slices, json);
  json.key("worst");
  write_worst(report.worst, json);
  if (report.against) {
    json.key("against");
    json.begin_object();
    json.field("model", report.against_model);
    if (!report.against_sha256.empty()) json.field("model_sha256", report.against_sha256);
    json.field("dtype", report.against_dtype);
    write_evaluation(*report.against, json);
    json.end_object();
  }
  if (report.comparison) {
    json.key("comparison");
    write_comparison(*report.comparison, json);
  }
  write_origin(report, json);
  json.end_object();
}

}  // namespace filbert
