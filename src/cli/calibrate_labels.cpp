#include "cli/calibrate_labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/nearest.h"
#include "base/refuse.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedLabels = 12;

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = separator.empty() ? std::string_view::npos : text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

std::size_t id_of(const std::string& label, const Decision& decision, const std::string& where) {
  const std::vector<std::string>& labels = decision.model_labels;
  const auto found = std::find(labels.begin(), labels.end(), label);
  if (found != labels.end()) return static_cast<std::size_t>(found - labels.begin());
  refuse(fmt::format("{}: expected a label of the model, {}, found \"{}\"{}", where, first_of(labels, kNamedLabels), label, suggestion(label, labels)));
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

// The first number in a label: 4 of "4 stars", 2 of "LABEL_2".
double value_in(const std::string& label) {
  const std::size_t begin = label.find_first_of("0123456789");
  if (begin == std::string::npos) refuse(fmt::format("--expected: expected a number in each label, found none in \"{}\"; --expected-values gives them", label));
  const std::size_t end = label.find_first_not_of("0123456789", begin);
  return number_of(std::string_view(label).substr(begin, end == std::string::npos ? end : end - begin)).value_or(0);
}

void set_values(const LabelOptions& options, Decision& decision) {
  if (!options.expected && options.expected_values.empty()) return;
  if (options.expected && !options.expected_values.empty()) refuse("--expected: expected none beside --expected-values, found it");
  if (decision.function != FunctionToApply::softmax) refuse("--expected: expected a softmax, whose scores are shares, found a sigmoid");
  for (const std::string& label : decision.model_labels) {
    if (options.expected) decision.expected_values.push_back(value_in(label));
  }
  if (options.expected) return;
  for (const std::string& text : split(options.expected_values, ",")) {
    const auto number = number_of(text);
    if (!number) refuse(fmt::format("--expected-values: expected numbers with commas between, found \"{}\"", text));
    decision.expected_values.push_back(*number);
  }
  if (decision.expected_values.size() != decision.model_labels.size()) {
    refuse(fmt::format("--expected-values: expected {}, one for each label of the model, found {}", decision.model_labels.size(), decision.expected_values.size()));
  }
}

// The new name of each label of the model.
std::vector<std::string> names_of(const LabelOptions& options, const Decision& decision) {
  std::vector<std::string> names = decision.model_labels;
  std::vector<bool> named(names.size());
  const auto set = [&](const std::string& flag, const std::string& label, const std::string& name) {
    const std::size_t id = id_of(label, decision, flag);
    if (named[id]) refuse(fmt::format("{}: expected each label once in --merge and --rename, found \"{}\" twice", flag, label));
    if (name.empty()) refuse(fmt::format("{}: expected a name for \"{}\", found none", flag, label));
    named[id] = true;
    names[id] = name;
  };
  for (const auto& [name, labels] : options.merges) {
    const auto known = std::find(decision.model_labels.begin(), decision.model_labels.end(), labels);
    if (known != decision.model_labels.end()) {
      set("--merge", labels, name);  // one that has a comma in it, say
    } else {
      for (const std::string& label : split(labels, ",")) set("--merge", label, name);
    }
  }
  for (const auto& [label, name] : options.renames) {
    set("--rename", label, name);
    if (std::count(names.begin(), names.end(), name) > 1) refuse(fmt::format("--rename: expected a name that no other label has, found \"{}\"; --merge makes one of several", name));
  }
  return names;
}

}  // namespace

std::pair<std::string, std::string> sides(const std::string& flag, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) refuse(fmt::format("{}: expected two sides with = between, found \"{}\"", flag, text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void set_labels(const LabelOptions& options, Decision& decision) {
  set_values(options, decision);
  const std::vector<std::string> names = names_of(options, decision);
  decision.id2label.clear();
  decision.merged.clear();
  for (std::size_t id = 0; id < names.size(); ++id) {
    const auto same = std::find_if(decision.id2label.begin(), decision.id2label.end(), [&](const auto& each) { return each.second == names[id]; });
    if (same != decision.id2label.end()) {
      decision.merged[static_cast<std::size_t>(same->first)].push_back(id);
    } else {
      decision.id2label.emplace(static_cast<int>(decision.merged.size()), names[id]);
      decision.merged.push_back({id});
    }
  }
  if (decision.function != FunctionToApply::softmax && decision.merged.size() != names.size()) {
    refuse("--merge: expected a softmax, whose scores add up, found a sigmoid, whose labels do not exclude each other");
  }
}

std::vector<std::uint8_t> truth_of(std::string_view text, const LabelOptions& options, const Decision& decision, const std::string& where) {
  std::vector<std::uint8_t> truth(decision.model_labels.size());
  const auto mark = [&](const std::string& part) {
    const auto meaning = options.meanings.find(part);
    const std::string& label = meaning == options.meanings.end() ? part : meaning->second;
    if (!label.empty()) truth[id_of(label, decision, where)] = 1;
  };
  if (decision.function == FunctionToApply::softmax) {
    mark(std::string(text));
  } else {
    for (const std::string& part : split(text, options.separator)) mark(part);
  }
  return truth;
}

}  // namespace filbert::cli
