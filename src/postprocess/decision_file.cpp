// filbert_decision.json: read with every field checked, since people edit it, and written whole. Tested by decision_test.cpp.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/names.h"
#include "base/nearest.h"
#include "base/sha256.h"
#include "load/fingerprint.h"
#include "postprocess/answers.h"
#include "postprocess/decision.h"

namespace filbert {
namespace {

constexpr std::string_view kFormat = "filbert-decision";
constexpr int kVersion = 1;
constexpr std::size_t kNamedLabels = 12;

// A field that nobody reads is a slip that would change nothing in silence.
void refuse_unknown(const JsonValue& object, const std::vector<std::string>& known) {
  object.for_each_field([&](std::string_view key, const JsonValue&) {
    if (std::find(known.begin(), known.end(), key) != known.end()) return;
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected one of {}, found \"{}\"{}", object.where(), first_of(known, known.size()), key,
                                                suggestion(key, known)));
  });
}

double number_at(const JsonValue& value) {
  const double number = value.as_double();
  if (!std::isfinite(number)) value.fail("a finite number");
  return number;
}

float share_at(const JsonValue& value) {
  const double number = value.as_double();
  if (!(number >= 0 && number <= 1)) value.fail("a number from 0 to 1");
  return static_cast<float>(number);
}

std::vector<double> numbers_at(const JsonValue& array, std::size_t count) {
  std::vector<double> numbers;
  array.for_each_element([&](const JsonValue& value) { numbers.push_back(number_at(value)); });
  if (numbers.size() != count) array.fail(fmt::format("{} numbers, one for each of labels", count));
  return numbers;
}

void read_calibration(const JsonValue& value, Decision& decision) {
  const std::size_t count = decision.model_labels.size();
  const std::string_view method = value.at("method").as_string();
  if (method == "temperature") {
    refuse_unknown(value, {"method", "temperature"});
    const double temperature = number_at(value.at("temperature"));
    if (!(temperature > 0) || !std::isfinite(1 / temperature)) value.at("temperature").fail("a number above 0");
    decision.weights.assign(count, 1 / temperature);
    decision.biases.assign(count, 0);
  } else if (method == "vector") {
    refuse_unknown(value, {"method", "weights", "biases"});
    decision.weights = numbers_at(value.at("weights"), count);
    decision.biases = numbers_at(value.at("biases"), count);
  } else {
    value.at("method").fail("temperature or vector");
  }
}

std::size_t id_of(const JsonValue& label, const std::vector<std::string>& labels) {
  const auto found = std::find(labels.begin(), labels.end(), label.as_string());
  if (found == labels.end()) label.fail(fmt::format("one of labels: {}", first_of(labels, kNamedLabels)));
  return static_cast<std::size_t>(found - labels.begin());
}

// The labels that answers show.
void read_answers(const JsonValue& array, Decision& decision) {
  std::vector<bool> used(decision.model_labels.size());
  bool has_threshold = false;
  array.for_each_element([&](const JsonValue& answer) {
    refuse_unknown(answer, {"label", "of", "threshold"});
    const std::string name(answer.at("label").as_string());
    for (const auto& [id, other] : decision.id2label) {
      if (other == name) answer.fail(fmt::format("a label of its own for each of answers, not \"{}\" twice", name));
    }
    decision.id2label.emplace(static_cast<int>(decision.id2label.size()), name);
    std::vector<std::size_t> ids;
    answer.at("of").for_each_element([&](const JsonValue& label) {
      const std::size_t id = id_of(label, decision.model_labels);
      if (used[id]) label.fail("each of labels once");
      used[id] = true;
      ids.push_back(id);
    });
    if (ids.empty()) answer.at("of").fail("at least one of labels");
    if (ids.size() > 1 && decision.function != FunctionToApply::softmax) answer.at("of").fail("one label, since scores of a sigmoid do not add up");
    decision.merged.push_back(std::move(ids));
    float threshold = 0;
    if (const auto value = answer.find("threshold")) {
      has_threshold = true;
      threshold = value->is_string() && value->as_string() == "never" ? std::numeric_limits<float>::infinity() : share_at(*value);
    }
    decision.thresholds.push_back(threshold);
  });
  if (std::find(used.begin(), used.end(), false) != used.end()) array.fail("each of labels in one of answers");
  if (!has_threshold) decision.thresholds.clear();
}

void read_format(const JsonValue& root) {
  if (root.at("format").as_string() != kFormat) root.at("format").fail(fmt::format("\"{}\"", kFormat));
  const std::int64_t version = root.at("version").as_int();
  if (version != kVersion) {
    throw Error(version > kVersion ? ErrorKind::unsupported : ErrorKind::corrupt,
                fmt::format("{}: version: expected {}, found {}", root.where(), kVersion, version));
  }
}

void write_calibration(const Decision& decision, JsonWriter& json) {
  const auto same = [](const std::vector<double>& numbers) { return std::equal(numbers.begin() + 1, numbers.end(), numbers.begin()); };
  const bool is_temperature = same(decision.weights) && same(decision.biases) && decision.biases.front() == 0 && decision.weights.front() > 0 &&
                              1 / (1 / decision.weights.front()) == decision.weights.front();  // read back it is the same number
  json.key("calibration");
  json.begin_object();
  json.field("method", is_temperature ? "temperature" : "vector");
  if (is_temperature) {
    json.field("temperature", 1 / decision.weights.front());
  } else {
    json.key("weights");
    json.array(decision.weights);
    json.key("biases");
    json.array(decision.biases);
  }
  json.end_object();
}

void write_answers(const Decision& decision, JsonWriter& json) {
  json.key("answers");
  json.begin_array();
  for (std::size_t label = 0; label < decision.merged.size(); ++label) {
    json.begin_object();
    json.field("label", decision.id2label.at(static_cast<int>(label)));
    json.key("of");
    json.begin_array();
    for (const std::size_t id : decision.merged[label]) json.value(decision.model_labels[id]);
    json.end_array();
    if (!decision.thresholds.empty()) {
      const float threshold = decision.thresholds[label];
      json.key("threshold");
      std::isinf(threshold) ? json.value("never") : json.value(threshold);
    }
    json.end_object();
  }
  json.end_array();
}

}  // namespace

Decision decision_from_json(std::string_view json, const std::string& where) {
  const JsonDocument document(json, where);
  const JsonValue root = document.root();
  read_format(root);
  refuse_unknown(root, {"format", "version", "weights_sha256", "labels", "function_to_apply", "calibration", "answers", "reject_below", "expected_values",
                        "measured"});
  Decision decision;
  decision.weights_sha256 = root.at("weights_sha256").as_string();
  root.at("labels").for_each_element([&](const JsonValue& label) { 
    decision.model_labels.emplace_back(label.as_string());
    if (std::count(decision.model_labels.begin(), decision.model_labels.end(), label.as_string()) > 1) label.fail("a label that is not there yet");
  });
  if (decision.model_labels.empty()) root.at("labels").fail("at least one label");
  const JsonValue function = root.at("function_to_apply");
  if (function.as_string() != "softmax" && function.as_string() != "sigmoid") function.fail("softmax or sigmoid");
  decision.function = function_to_apply_from_name(function.as_string());
  const bool is_softmax = decision.function == FunctionToApply::softmax;
  if (const auto calibration = root.find("calibration")) read_calibration(*calibration, decision);
  read_answers(root.at("answers"), decision);
  if (const auto reject = root.find("reject_below")) {
    if (!is_softmax) reject->fail("none beside a sigmoid, whose labels have thresholds");
    decision.reject_below = share_at(*reject);
  }
  if (const auto values = root.find("expected_values")) {
    if (!is_softmax) values->fail("none beside a sigmoid, whose scores are no shares");
    decision.expected_values = numbers_at(*values, decision.model_labels.size());
  }
  if (const auto measured = root.find("measured")) decision.measured = simdjson::to_string(measured->raw());
  return decision;
}

Decision read_decision(const std::filesystem::path& file) { return decision_from_json(read_file(file), file.string()); }

std::string decision_json(const Decision& decision) {
  JsonWriter json;
  json.begin_object();
  json.field("format", kFormat);
  json.field("version", kVersion);
  json.field("weights_sha256", decision.weights_sha256);
  json.key("labels");
  json.array(decision.model_labels);
  json.field("function_to_apply", name(decision.function));
  if (decision.is_calibrated()) write_calibration(decision, json);
  write_answers(decision, json);
  if (decision.reject_below) json.field("reject_below", *decision.reject_below);
  if (!decision.expected_values.empty()) {
    json.key("expected_values");
    json.array(decision.expected_values);
  }
  if (!decision.measured.empty()) {
    json.key("measured");
    json.raw(decision.measured);
  }
  json.end_object();
  return json.take_line();
}

void write_decision(const Decision& decision, const std::filesystem::path& file) { write_file_atomic(file, decision_json(decision)); }

void check_decision(const Decision& decision, const Config& config, std::string_view weights_sha256, const std::string& where) {
  const auto refuse = [&](const std::string& field, const std::string& expected, std::string_view found) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: {}: expected {}, found {}: it is of another model; filbert calibrate makes one for this, and "
                                                "--no-decision goes without", where, field, expected, found));
  };
  const std::vector<std::string> labels = labels_of(config.id2label);
  if (decision.model_labels != labels) {
    refuse("labels", "the model's, " + first_of(labels, kNamedLabels), first_of(decision.model_labels, kNamedLabels));
  }
  if (decision.function != default_function_to_apply(config)) {
    refuse("function_to_apply", fmt::format("the model's, {}", name(default_function_to_apply(config))), name(decision.function));
  }
  if (decision.weights_sha256 != weights_sha256) refuse("weights_sha256", fmt::format("the weights', {}", weights_sha256), decision.weights_sha256);
}

std::shared_ptr<const Decision> load_decision(const DecisionChoice& choice, const std::filesystem::path& directory, const Config& config) {
  if (!choice.use) return nullptr;
  const std::filesystem::path file = choice.file.empty() ? directory / kDecisionFile : choice.file;
  std::error_code none;
  const bool is_there = std::filesystem::exists(std::filesystem::symlink_status(file, none));
  if (choice.file.empty() && !is_there) return nullptr;
  auto decision = std::make_shared<const Decision>(read_decision(file));
  check_decision(*decision, config, weights_sha256(directory), file.string());
  return decision;
}

std::string decision_sha256(const Decision& decision) {
  Decision bare = decision;
  bare.measured.clear();
  return sha256_of(decision_json(bare));
}

void carry_decision(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto decision = load_decision({}, from, Config::from_pretrained(from));
  if (!decision) return;
  Decision carried = *decision;
  carried.weights_sha256 = weights_sha256(to);
  write_decision(carried, to / kDecisionFile);
}

}  // namespace filbert
