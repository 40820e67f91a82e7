// Summaries, which are written and read, and reports, which are written. Tested by drift_test.cpp.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "base/json_writer.h"
#include "evaluate/drift.h"

namespace filbert {
namespace {

constexpr int kFormat = 1;
constexpr double kLargest = 1e15;  // of a value

void write_counts(const std::map<std::string, std::uint64_t>& counts, JsonWriter& json) {
  json.begin_object();
  for (const auto& [name, texts] : counts) json.field(name, texts);
  json.end_object();
}

void write_origin(const DriftSummary& summary, JsonWriter& json) {
  json.field("input", summary.input);
  json.field("texts", summary.texts);
  json.field("tokens", summary.tokens);
  json.field("unk_tokens", summary.unk_tokens);
  json.field("model", summary.model);
  json.field("model_sha256", summary.model_sha256);
  json.field("tokenizer_sha256", summary.tokenizer_sha256);
  if (!summary.decision_sha256.empty()) json.field("decision_sha256", summary.decision_sha256);
  json.key("max_length");
  summary.max_length ? json.value(*summary.max_length) : json.null();
  json.field("version", summary.version);
  json.key("letters");
  write_counts(summary.letters, json);
}

std::uint64_t count_of(const JsonValue& value) {
  const std::int64_t count = value.as_int();
  if (count < 0 || count > std::int64_t{1} << 53) value.fail("a count");
  return static_cast<std::uint64_t>(count);
}

std::map<std::string, std::uint64_t> read_counts(const JsonValue& object) {
  std::map<std::string, std::uint64_t> counts;
  object.for_each_field([&](std::string_view name, const JsonValue& texts) { counts[std::string(name)] = count_of(texts); });
  return counts;
}

std::map<double, std::uint64_t> read_distribution(const JsonValue& object) {
  std::vector<double> values;
  object.at("values").for_each_element([&](const JsonValue& value) {
    const double each = value.as_double();
    if (!(std::abs(each) <= kLargest)) value.fail("a number that a text can have");
    if (!values.empty() && each <= values.back()) value.fail("numbers that ascend");
    values.push_back(each);
  });
  const JsonValue texts = object.at("texts");
  if (texts.size() != values.size()) texts.fail(fmt::format("{} counts, one a value", values.size()));
  std::map<double, std::uint64_t> counts;
  std::size_t at = 0;
  texts.for_each_element([&](const JsonValue& count) {
    if (const std::uint64_t each = count_of(count)) counts[values[at]] = each;
    ++at;
  });
  return counts;
}

// A measure of more texts than there are, or of a name that is none.
template <typename Counts>
void check_measure(const JsonValue& value, std::string_view measure, bool is_number, const Counts& counts, std::uint64_t texts) {
  const bool is_known = std::ranges::any_of(drift_measures(), [&](const DriftMeasureInfo& info) { return info.name == measure && info.is_number == is_number; });
  if (!is_known) value.fail("no measure of this name");
  std::uint64_t all = 0;
  for (const auto& [key, count] : counts) {
    if ((all += count) > texts) value.fail(fmt::format("counts of at most {} texts", texts));
  }
}

void write_measure(const DriftMeasure& measure, JsonWriter& json) {
  json.begin_object();
  json.field("measure", measure.info.name);
  json.field("drift", name(measure.drift));
  if (!measure.reason.empty()) json.field("reason", measure.reason);
  json.field("psi", measure.psi);
  json.field("psi_by_chance", measure.chance_limit);
  json.field("psi_p_value", measure.chance_p);
  json.field("test", measure.info.is_number ? "kolmogorov_smirnov" : "chi_square");
  json.field("statistic", measure.statistic);
  json.field("p_value", measure.p_value);
  json.field("reference_texts", measure.reference_texts);
  json.field("texts", measure.current_texts);
  if (measure.info.is_number) {
    json.field("reference_median", measure.reference_median);
    json.field("median", measure.current_median);
    json.field("reference_mean", measure.reference_mean);
    json.field("mean", measure.current_mean);
  }
  json.key("bins");
  json.begin_array();
  for (const DriftBin& bin : measure.bins) {
    json.begin_object();
    json.field("bin", bin.name);
    json.field("reference_texts", bin.reference);
    json.field("texts", bin.current);
    json.field("psi", bin.psi);
    json.end_object();
  }
  json.end_array();
  json.key("examples");
  json.begin_array();
  for (const DriftExample& example : measure.examples) {
    json.begin_object();
    json.field("bin", example.bin);
    json.field("text", example.text);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

std::string to_json(const DriftSummary& summary) {
  JsonWriter json;
  json.begin_object();
  json.field("filbert_drift", kFormat);
  write_origin(summary, json);
  json.key("numbers");
  json.begin_object();
  for (const auto& [measure, counts] : summary.numbers) {
    json.key(measure);
    json.begin_object();
    json.key("values");
    json.begin_array();
    for (const auto& [value, texts] : counts) json.value(value);
    json.end_array();
    json.key("texts");
    json.begin_array();
    for (const auto& [value, texts] : counts) json.value(texts);
    json.end_array();
    json.end_object();
  }
  json.end_object();
  json.key("shares");
  json.begin_object();
  for (const auto& [measure, counts] : summary.shares) {
    json.key(measure);
    write_counts(counts, json);
  }
  json.end_object();
  json.end_object();
  return json.take_line();
}

DriftSummary drift_summary_from_json(std::string_view text, const std::string& name) {
  const JsonDocument document(text, name);
  const JsonValue root = document.root();
  if (!root.is_object()) root.fail("an object");
  const JsonValue format = root.at("filbert_drift");
  if (format.as_int() != kFormat) format.fail(fmt::format("{}", kFormat));
  DriftSummary summary;
  const auto string_of = [&](const char* field) { return std::string(root.at(field).as_string()); };
  summary.input = string_of("input"), summary.model = string_of("model"), summary.version = string_of("version");
  summary.model_sha256 = string_of("model_sha256"), summary.tokenizer_sha256 = string_of("tokenizer_sha256");
  if (const auto hash = root.find("decision_sha256")) summary.decision_sha256 = hash->as_string();
  summary.texts = count_of(root.at("texts"));
  summary.tokens = count_of(root.at("tokens")), summary.unk_tokens = count_of(root.at("unk_tokens"));
  if (const auto length = root.find("max_length")) summary.max_length = count_of(*length);
  summary.letters = read_counts(root.at("letters"));
  root.at("numbers").for_each_field([&](std::string_view measure, const JsonValue& value) {
    auto counts = read_distribution(value);
    check_measure(value, measure, true, counts, summary.texts);
    summary.numbers[std::string(measure)] = std::move(counts);
  });
  root.at("shares").for_each_field([&](std::string_view measure, const JsonValue& value) {
    auto counts = read_counts(value);
    check_measure(value, measure, false, counts, summary.texts);
    summary.shares[std::string(measure)] = std::move(counts);
  });
  return summary;
}

std::string to_json(const DriftReport& report) {
  JsonWriter json;
  json.begin_object();
  json.field("drift", name(report.drift));
  json.key("notes");
  json.array(report.notes);
  json.key("measures");
  json.begin_array();
  for (const DriftMeasure& measure : report.measures) write_measure(measure, json);
  json.end_array();
  for (const auto& [key, summary] : {std::pair("reference", &report.reference), std::pair("current", &report.current)}) {
    json.key(key);
    json.begin_object();
    write_origin(*summary, json);
    json.end_object();
  }
  json.field("bins", report.options.bins);
  json.field("some", report.options.some);
  json.field("much", report.options.much);
  json.field("false_alarms", report.options.false_alarms);
  json.field("replicates", report.options.replicates);
  json.field("seed", report.options.seed);
  json.field("command", report.command);
  json.end_object();
  return json.take_line();
}

}  // namespace filbert
