#include "explain/explain_json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explain/contexts_json.h"
#include "postprocess/answers.h"

namespace filbert {
namespace {

// The score as classify writes it: a probability is a float.
void write_score(std::string_view name, double score, ExplainTarget target, JsonWriter& json) {
  if (target == ExplainTarget::contrast) {
    json.field(name, score);
  } else {
    json.field(name, static_cast<float>(score));
  }
}

void write_offset(const Offset& offset, JsonWriter& json) {
  json.field("start", offset.begin);
  json.field("end", offset.end);
}

void write_unit(const ExplainedUnit& unit, bool is_pair, JsonWriter& json) {
  json.field("text", unit.text);
  if (is_pair) json.field("sequence_id", unit.sequence_id);
  write_offset(unit.offset, json);
  if (unit.also.empty()) return;
  json.key("also");
  json.begin_array();
  for (const Offset& offset : unit.also) {
    json.begin_object();
    write_offset(offset, json);
    json.end_object();
  }
  json.end_array();
}

void write_units(const ExplainedText& text, const std::vector<double>& values, const std::vector<double>& low,
                 const std::vector<double>& high, JsonWriter& json) {
  json.key("units");
  json.begin_array();
  for (std::size_t unit = 0; unit < std::min(values.size(), text.units.size()); ++unit) {
    json.begin_object();
    write_unit(text.units[unit], text.text_pair.has_value(), json);
    json.field("value", values[unit]);
    if (unit < std::min(low.size(), high.size())) {
      json.field("low", low[unit]);
      json.field("high", high[unit]);
    }
    json.end_object();
  }
  json.end_array();
}

void write_method(const ShapExplanation& shap, const ExplainReport& report, JsonWriter& json) {
  write_units(report.text, shap.values, shap.low, shap.high, json);
  json.field("base_value", shap.base_value);
  json.field("algorithm", shap.algorithm);
  json.field("algorithm_option", name(report.shap_options.algorithm));
  json.field("evaluations", shap.evaluations);
  json.field("exact", shap.exact);
  json.field("truncated", shap.truncated);
  json.field("stopped", shap.stopped);
  json.field("max_evals", report.shap_options.max_evals);
  json.field("half_width", report.shap_options.half_width);
  json.field("seed", report.shap_options.seed);
  json.key("phrases");
  json.begin_array();
  for (const Phrase& phrase : shap.phrases) {
    json.begin_object();
    json.field("left", phrase.left);
    json.field("right", phrase.right);
    json.field("size", phrase.size);
    json.field("value", phrase.value);
    json.field("interaction", phrase.interaction);
    json.end_object();
  }
  json.end_array();
}

void write_method(const LimeExplanation& lime, const ExplainReport& report, JsonWriter& json) {
  write_units(report.text, lime.values, {}, {}, json);
  json.key("features");
  json.array(lime.features);
  json.field("intercept", lime.intercept);
  json.field("r2", lime.r2);
  json.field("local_pred", lime.local_pred);
  json.field("num_samples", lime.num_samples);
  json.field("num_features", report.lime_options.num_features);
  json.field("kernel_width", report.lime_options.kernel_width);
  json.field("feature_selection", name(report.lime_options.feature_selection));
  json.field("seed", report.lime_options.seed);
  json.field("evaluations", lime.evaluations);
  json.field("stopped", lime.stopped);
}

void write_method(const OcclusionExplanation& occlusion, const ExplainReport& report, JsonWriter& json) {
  write_units(report.text, occlusion.values, {}, {}, json);
  const std::size_t units = occlusion.values.size();
  if (units > 0 && occlusion.interactions.size() == units * units) {
    json.key("interactions");
    json.begin_array();
    for (std::size_t unit = 0; unit < units; ++unit) {
      json.array(std::vector<double>(occlusion.interactions.begin() + static_cast<std::ptrdiff_t>(unit * units),
                                     occlusion.interactions.begin() + static_cast<std::ptrdiff_t>((unit + 1) * units)));
    }
    json.end_array();
  }
  json.field("evaluations", occlusion.evaluations);
  json.field("stopped", occlusion.stopped);
}

void write_method(const GradientExplanation& gradient, const ExplainReport& report, JsonWriter& json) {
  const GradientOptions& options = report.gradient_options;
  write_units(report.text, gradient.values, {}, {}, json);
  json.key("tokens");
  json.begin_array();
  for (const std::string& token : gradient.tokens) json.value(token);
  json.end_array();
  json.key("token_values");
  json.array(gradient.token_values);
  json.field("special", gradient.special);
  if (gradient.method == GradientMethod::integrated_gradients) {
    json.field("base_value", gradient.base_value);
    json.field("gap", gradient.gap);
    json.field("num_steps", gradient.num_steps);
    json.field("baseline", name(options.baseline));
    if (options.max_gap) json.field("max_gap", *options.max_gap);
  }
  if (gradient.method == GradientMethod::smoothgrad) {
    json.field("num_samples", options.num_samples);
    json.field("noise", options.noise);
    json.field("seed", options.seed);
  }
  json.field("embedding", name(options.embedding));
  json.field("evaluations", gradient.evaluations);
  json.field("stopped", gradient.stopped);
}

void write_methods(const ExplainReport& report, JsonWriter& json) {
  json.key("methods");
  json.begin_object();
  const auto write = [&](std::string_view name, const auto& method) {
    if (!method) return;
    json.key(name);
    json.begin_object();
    write_method(*method, report, json);
    json.end_object();
  };
  write("shap", report.shap);
  write("lime", report.lime);
  write("occlusion", report.occlusion);
  for (const GradientExplanation& gradient : report.gradients) write(name(gradient.method), std::optional(gradient));
  json.end_object();
}

void write_sets(std::string_view name, const std::vector<Counterfactual>& sets, ExplainTarget target, JsonWriter& json) {
  json.key(name);
  json.begin_array();
  for (const Counterfactual& set : sets) {
    json.begin_object();
    json.key("units");
    json.array(set.units);
    json.field("text", set.text);
    if (set.text_pair) json.field("text_pair", *set.text_pair);
    json.field("label", set.label);
    json.field("score", static_cast<float>(set.score));
    write_score("target", set.target, target, json);
    json.end_object();
  }
  json.end_array();
}

void write_counterfactuals(const CounterfactualExplanation& found, ExplainTarget target, JsonWriter& json) {
  json.key("counterfactuals");
  json.begin_object();
  write_sets("flips", found.flips, target, json);
  json.field("flips_exact", found.flips_exact);
  write_sets("keeps", found.keeps, target, json);
  json.field("keeps_exact", found.keeps_exact);
  json.field("evaluations", found.evaluations);
  json.field("stopped", found.stopped);
  json.end_object();
}

void write_faithfulness(const FaithfulnessExplanation& found, JsonWriter& json) {
  json.key("faithfulness");
  json.begin_object();
  json.key("methods");
  json.begin_array();
  for (const Faithfulness& method : found.methods) {
    json.begin_object();
    json.field("method", method.method);
    json.key("deletion");
    json.array(method.deletion);
    json.key("insertion");
    json.array(method.insertion);
    json.field("deletion_area", method.deletion_area);
    json.field("insertion_area", method.insertion_area);
    json.field("comprehensiveness", method.comprehensiveness);
    json.field("sufficiency", method.sufficiency);
    json.field("tau_occlusion", method.tau_occlusion);
    json.end_object();
  }
  json.end_array();
  const auto field = [&](std::string_view name, const std::vector<double>& values) {
    json.key(name);
    json.array(values);
  };
  field("random_deletion_low", found.random_deletion_low);
  field("random_deletion_high", found.random_deletion_high);
  field("random_insertion_low", found.random_insertion_low);
  field("random_insertion_high", found.random_insertion_high);
  field("agreement", found.agreement);
  json.field("evaluations", found.evaluations);
  json.field("stopped", found.stopped);
  json.end_object();
}

void write_other_labels(const ExplainReport& report, JsonWriter& json) {
  json.key("other_labels");
  json.begin_array();
  for (const LabelValues& label : report.other_labels) {
    json.begin_object();
    json.field("label", label.label);
    write_score("score", label.score, report.text.target, json);
    json.key("values");
    json.begin_object();
    for (const NamedValues& method : label.methods) {
      json.key(method.method);
      json.array(method.values);
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

// The options that are not of one method.
void write_settings(const ExplainReport& report, const std::optional<std::size_t>& stride, JsonWriter& json) {
  constexpr std::array<std::string_view, 3> kOffsetUnits = {"code_points", "bytes", "utf16"};
  const ExplainOptions& options = report.options;
  json.key("settings");
  json.begin_object();
  json.field("unit", name(options.unit));
  if (options.unit == ExplainUnit::regex) json.field("unit_regex", options.unit_regex);
  json.field("masking", name(options.masking));
  json.field("mask", report.text.mask);
  json.field("compat", name(options.compat));
  json.field("bow", options.bow);
  json.field("offset_unit", kOffsetUnits[static_cast<std::size_t>(options.offset_unit)]);
  if (options.function_to_apply) json.field("function_to_apply", name(*options.function_to_apply));
  if (options.threshold) json.field("threshold", *options.threshold);
  if (options.max_length) json.field("max_length", *options.max_length);
  if (stride) json.field("stride", *stride);
  if (options.budget) json.field("budget_ms", options.budget->count());
  json.end_object();
}

void write_not_seen(const ExplainedText& text, JsonWriter& json) {
  json.key("not_seen");
  json.begin_array();
  for (const auto& [sequence_id, offset] : text.not_seen) {
    json.begin_object();
    if (text.text_pair) json.field("sequence_id", sequence_id);
    write_offset(offset, json);
    json.end_object();
  }
  json.end_array();
}

void write_fields(const ExplainReport& report, const std::optional<std::size_t>& stride, JsonWriter& json) {
  const ExplainedText& text = report.text;
  json.field("text", text.text);
  if (text.text_pair) json.field("text_pair", *text.text_pair);
  json.field("label", text.label);
  write_score("score", text.score, text.target, json);
  json.field("target", name(text.target));
  if (text.target == ExplainTarget::contrast) json.field("against", text.against);
  json.field("predicted", text.classification.label);
  if (report.options.threshold) {
    json.key("labels");
    json.array(text.classification.labels);
  }
  write_scores(text.classification.scores, json);
  json.field("tokens_total", text.classification.tokens_total);
  json.field("tokens_used", text.classification.tokens_used);
  json.field("truncated", text.classification.truncated);
  write_not_seen(text, json);
  write_methods(report, json);
  if (report.counterfactuals) write_counterfactuals(*report.counterfactuals, text.target, json);
  if (report.faithfulness) write_faithfulness(*report.faithfulness, json);
  if (!report.other_labels.empty()) write_other_labels(report, json);
  write_settings(report, stride, json);
  json.field("model", report.model);
  json.field("model_sha256", report.model_sha256);
  json.field("tokenizer_sha256", report.tokenizer_sha256);
  json.field("dtype", report.dtype);
  json.field("version", report.version);
  json.field("command", report.command);
  json.field("milliseconds", report.milliseconds);
}

void write_entity(const Entity& entity, JsonWriter& json) {
  json.key("entity");
  json.begin_object();
  json.field("entity_group", entity.entity);
  json.field("score", entity.score);
  json.field("word", entity.word);
  write_offset(entity.offset, json);
  json.end_object();
}

}  // namespace

void write_json(const ExplainReport& report, JsonWriter& json, const ExplainedContexts* contexts) {
  json.begin_object();
  write_fields(report, {}, json);
  if (contexts != nullptr) {
    json.key("contexts");
    write_json(*contexts, json);
  }
  json.end_object();
}

void write_json(const EntityExplanation& explanation, JsonWriter& json) {
  json.begin_object();
  write_entity(explanation.entity, json);
  json.key("entity_units");
  json.array(explanation.units);
  json.key("entity_tokens");
  json.array(explanation.tokens);
  if (explanation.windows > 1) {
    json.field("windows", explanation.windows);
    json.field("window", explanation.window);
  }
  write_fields(explanation.report, explanation.stride, json);
  json.end_object();
}

}  // namespace filbert
