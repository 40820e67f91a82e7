// The numbers of the page as data for its script, cut to what a screen shows: values per label and method, and what the model said of masked
// texts, so that taking a word out on the page shows what was measured and nothing else.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "explain/explain_json.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostPaired = 64;  // units whose interactions are worth their place in the page

void numbers(JsonWriter& json, std::string_view key, std::span<const double> values) {
  json.key(key);
  json.begin_array();
  for (const double value : values) {
    if (std::isfinite(value)) {
      json.raw(fmt::format("{:.6g}", value));
    } else {
      json.null();
    }
  }
  json.end_array();
}

void label_values(JsonWriter& json, std::string_view label, double score, const std::vector<NamedValues>& methods) {
  json.begin_object();
  json.field("label", label);
  json.field("score", score);
  json.key("methods");
  json.begin_object();
  for (const NamedValues& method : methods) numbers(json, method.method, method.values);
  json.end_object();
  json.end_object();
}

// What the model said where `removed` are gone.
void known_set(JsonWriter& json, const std::vector<std::size_t>& removed, double target, std::string_view label) {
  json.begin_object();
  json.key("removed");
  json.array(removed);
  json.field("target", target);
  if (!label.empty()) json.field("label", label);
  json.end_object();
}

void known_sets(JsonWriter& json, const ReportPage& page) {
  const std::size_t units = page.text.units.size();
  json.key("known");
  json.begin_array();
  if (const auto& found = page.report.counterfactuals) {
    for (const Counterfactual& set : found->flips) known_set(json, set.units, set.target, set.label);
    for (const Counterfactual& set : found->keeps) {
      std::vector<std::size_t> removed;
      for (std::size_t unit = 0; unit < units; ++unit) {
        if (std::find(set.units.begin(), set.units.end(), unit) == set.units.end()) removed.push_back(unit);
      }
      known_set(json, removed, set.target, set.label);
    }
  }
  json.end_array();
}

std::string page_json(const ReportPage& page) {
  JsonWriter json;
  json.begin_object();
  json.field("decimals", page.decimals);
  json.field("probability", page.is_probability);
  json.field("unit", page.unit_word());
  json.key("labels");
  json.begin_array();
  label_values(json, page.text.label, page.text.score, page.methods);
  for (const LabelValues& other : page.report.other_labels) label_values(json, other.label, other.score, other.methods);
  json.end_array();
  if (page.report.shap) {
    numbers(json, "low", page.report.shap->low);
    numbers(json, "high", page.report.shap->high);
    json.field("base", page.report.shap->base_value);
  }
  const std::size_t units = page.text.units.size();
  if (page.report.occlusion && units <= kMostPaired && page.report.occlusion->interactions.size() == units * units) {
    numbers(json, "interactions", page.report.occlusion->interactions);
  }
  if (const auto& measured = page.report.faithfulness) {
    json.key("measured");
    json.begin_array();
    for (const Faithfulness& method : measured->methods) json.value(method.method);
    json.end_array();
    numbers(json, "agreement", measured->agreement);
  }
  known_sets(json, page);
  json.end_object();
  return json.take_line();
}

}  // namespace

void json_blocks(const ReportPage& page, std::string& out) {
  JsonWriter explanation;
  if (page.entity != nullptr) {
    write_json(*page.entity, explanation);
  } else {
    write_json(page.report, explanation, page.contexts);
  }
  out += data_block("filbert-explanation", explanation.take_line());
  out += data_block("filbert-page", page_json(page));
}

}  // namespace filbert
