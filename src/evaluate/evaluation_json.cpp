#include "evaluate/evaluation_json.h"

namespace filbert {
namespace {

void write_labels(const Evaluation& evaluation, JsonWriter& json) {
  json.begin_array();
  for (const LabelMeasures& label : evaluation.per_label) {
    json.begin_object();
    json.field("label", label.label);
    json.field("texts", label.texts);
    json.field("predicted", label.predicted);
    if (evaluation.rejected) json.field("rejected", label.rejected);
    for (const auto& [name, measure] : {std::pair("precision", &label.precision), std::pair("recall", &label.recall), std::pair("f1", &label.f1)}) {
      json.key(name);
      write_measure(*measure, json);
    }
    json.end_object();
  }
  json.end_array();
}

void write_reliability(const Evaluation& evaluation, JsonWriter& json) {
  json.begin_array();
  for (const ReliabilityBin& bin : evaluation.reliability) {
    json.begin_object();
    json.field("from", bin.from);
    json.field("to", bin.to);
    json.field("count", bin.count);
    json.field("confidence", bin.confidence);
    json.key("accuracy");
    write_measure(bin.accuracy, json);
    json.end_object();
  }
  json.end_array();
}

// The fields that a model has; of the second model the same, in an object of its own.
void write_evaluation(const Evaluation& evaluation, JsonWriter& json) {
  json.key("measures");
  write_measures(evaluation.measures, json);
  if (evaluation.kind == EvaluationKind::regression) return;
  if (evaluation.baseline) json.field("baseline", *evaluation.baseline);
  if (evaluation.rejected) json.field("rejected", *evaluation.rejected);
  json.key("labels");
  write_labels(evaluation, json);
  if (!evaluation.confusion.empty()) {
    json.key("confusion");
    json.begin_array();
    const std::size_t labels = evaluation.labels.size();
    for (std::size_t gold = 0; gold < labels; ++gold) json.array(std::vector(&evaluation.confusion[gold * labels], &evaluation.confusion[gold * labels] + labels));
    json.end_array();
  }
  json.key("reliability");
  write_reliability(evaluation, json);
}

void write_slices(const std::vector<Slice>& slices, JsonWriter& json) {
  json.begin_array();
  for (const Slice& slice : slices) {
    json.begin_object();
    json.field("by", slice.by);
    json.field("value", slice.value);
    json.field("texts", slice.texts);
    json.key("measures");
    write_measures(slice.measures, json);
    json.end_object();
  }
  json.end_array();
}

void write_worst(const EvaluationReport& report, JsonWriter& json) {
  const bool is_regression = report.evaluation.kind == EvaluationKind::regression, is_multi = report.evaluation.kind == EvaluationKind::multi_label;
  json.begin_array();
  for (const WrongText& text : report.worst) {
    json.begin_object();
    json.field("row", text.row);
    json.field("text", text.text);
    if (text.text_pair) json.field("text_pair", *text.text_pair);
    if (text.shortened) json.field("shortened", true);
    json.field("truncated", text.truncated);
    json.field("loss", text.loss);
    if (!is_regression) json.field("gold", text.gold);
    if (!is_multi) json.field(is_regression ? "target" : "gold_score", text.gold_score);
    if (!is_regression) json.field("predicted", text.predicted);
    if (!is_multi) json.field(is_regression ? "value" : "score", text.score);
    json.end_object();
  }
  json.end_array();
}

void write_comparison(const Comparison& comparison, bool is_regression, JsonWriter& json) {
  json.begin_object();
  if (!is_regression) {
    json.field("both_right", comparison.both_right);
    json.field("only_first", comparison.only_first);
    json.field("only_second", comparison.only_second);
    json.field("both_wrong", comparison.both_wrong);
    json.field("either_rejected", comparison.either_rejected);
    json.field("mcnemar_exact", comparison.mcnemar_exact);
    json.field("mcnemar_mid_p", comparison.mcnemar_mid_p);
  }
  json.field("same_prediction", comparison.same_prediction);
  json.field("max_score_difference", comparison.max_score_difference);
  json.field("mean_score_difference", comparison.mean_score_difference);
  json.key("differences");
  write_measures(comparison.differences, json);
  json.end_object();
}

void write_counts(const EvaluationReport& report, JsonWriter& json) {
  json.field("rows", report.rows);
  json.field("texts", report.evaluation.texts);
  json.field("unlabelled", report.unlabelled);
  json.field("unknown_texts", report.unknown_texts);
  json.key("unknown");
  json.begin_array();
  for (const UnknownLabel& unknown : report.unknown) {
    json.begin_object();
    json.field("value", unknown.value);
    json.field("texts", unknown.texts);
    if (!unknown.nearest.empty()) json.field("nearest", unknown.nearest);
    json.end_object();
  }
  json.end_array();
  json.field("truncated", report.truncated);
  json.field("invalid_utf8", report.invalid_utf8);
  json.key("gold_names");
  json.begin_object();
  for (const auto& [value, label] : report.gold_names) json.field(value, label);
  json.end_object();
}

void write_origin(const EvaluationReport& report, JsonWriter& json) {
  const EvaluateOptions& options = report.options;
  json.key("options");
  json.begin_object();
  json.field("ordered", options.ordered);
  json.field("threshold", static_cast<float>(options.threshold));
  json.field("bins", options.bins);
  json.field("bootstrap", options.bootstrap);
  json.field("confidence", static_cast<float>(options.confidence));
  json.field("seed", options.seed);
  json.end_object();
  write_facts({{"input", &report.input}, {"input_sha256", &report.input_sha256}, {"label_column", &report.label_column}, {"model", &report.model},
               {"model_sha256", &report.model_sha256}, {"tokenizer_sha256", &report.tokenizer_sha256}, {"dtype", &report.dtype}, {"decision", &report.decision},
               {"decision_sha256", &report.decision_sha256}, {"version", &report.version}, {"command", &report.command}}, json);
}

}  // namespace

void write_measure(const Measure& measure, JsonWriter& json) {
  json.begin_object();
  json.field("value", measure.value);
  json.field("low", measure.low);
  json.field("high", measure.high);
  json.end_object();
}

void write_measures(const std::vector<NamedMeasure>& measures, JsonWriter& json) {
  json.begin_object();
  for (const NamedMeasure& each : measures) {
    json.key(each.info.name);
    write_measure(each.measure, json);
  }
  json.end_object();
}

void write_facts(std::initializer_list<std::pair<const char*, const std::string*>> facts, JsonWriter& json) {
  for (const auto& [key, fact] : facts) {
    if (!fact->empty()) json.field(key, *fact);
  }
}

void write_json(const EvaluationReport& report, JsonWriter& json) {
  json.begin_object();
  json.field("kind", name(report.evaluation.kind));
  write_counts(report, json);
  write_evaluation(report.evaluation, json);
  json.key("slices");
  write_slices(report.slices, json);
  json.key("worst");
  write_worst(report, json);
  if (report.against) {
    json.key("against");
    json.begin_object();
    json.field("model", report.against_model);
    if (!report.against_sha256.empty()) json.field("model_sha256", report.against_sha256);
    json.field("dtype", report.against_dtype);
    write_facts({{"decision", &report.against_decision}, {"decision_sha256", &report.against_decision_sha256}}, json);
    write_evaluation(*report.against, json);
    json.end_object();
  }
  if (report.comparison) {
    json.key("comparison");
    write_comparison(*report.comparison, report.evaluation.kind == EvaluationKind::regression, json);
  }
  write_origin(report, json);
  json.end_object();
}

}  // namespace filbert
