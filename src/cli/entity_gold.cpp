#include "cli/entity_gold.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "cli/entity_file.h"

namespace filbert::cli {
namespace {

bool has_letter(std::string_view label, std::string_view letters) {
  return !label.empty() && letters.find(label[0]) != std::string_view::npos && (label.size() == 1 || label[1] == '-');
}

// How the labels of a file are read.
struct Reading {
  std::optional<SpanRules> rules;            // absent: each label is a type
  bool is_bilou = false;                     // conlleval knows no L- and no U-: they are read as E- and S-
};

Reading reading_of(const EntityGoldOptions& options, const std::set<std::string>& labels) {
  if (options.rules) return {*options.rules};
  const auto any = [&](std::string_view letters) { return std::ranges::any_of(labels, [&](const std::string& label) { return has_letter(label, letters); }); };
  if (!any("BIESLU")) return {};
  return {SpanRules::conlleval, any("LU") && any("BI")};
}

std::vector<LabelSpan> spans_of(std::vector<std::string> labels, const Reading& reading) {
  if (reading.rules) {
    for (std::string& label : labels) {
      if (reading.is_bilou && has_letter(label, "LU")) label[0] = label[0] == 'L' ? 'E' : 'S';
    }
    return spans_of_labels(labels, *reading.rules);
  }
  std::vector<LabelSpan> spans;
  for (std::size_t begin = 0, end = 0; begin < labels.size(); begin = end) {
    for (end = begin + 1; end < labels.size() && labels[end] == labels[begin];) ++end;
    if (labels[begin] != "O") spans.push_back({labels[begin], begin, end});
  }
  return spans;
}

void join_words(GoldText& text) {
  std::size_t at = 0;
  for (const std::string& word : text.words) {
    if (!text.places.empty()) {
      text.text += ' ';
      ++at;
    }
    text.text += word;
    const std::size_t end = at + count_code_points(word);
    text.places.push_back({at, end});
    at = end;
  }
}

// Names of the file become those that are compared.
class Types {
 public:
  explicit Types(const EntityGoldOptions& options) : options_(options) {}

  std::string label_of(const std::string& label) { return mapped(label); }
  // Nothing where entities of the type are left out.
  std::optional<std::string> type_of(const std::string& type) {
    std::string own = mapped(type);
    if (own == "O" || std::ranges::count(options_.ignored, own) > 0) return std::nullopt;
    return own;
  }
  std::vector<std::pair<std::string, std::string>> names() const { return {names_.begin(), names_.end()}; }

 private:
  std::string mapped(const std::string& name) {
    const auto found = options_.label_map.find(name);
    if (found == options_.label_map.end()) return name;
    if (found->second != name) names_.emplace(name, found->second);
    return found->second;
  }

  const EntityGoldOptions& options_;
  std::set<std::pair<std::string, std::string>> names_;
};

void add_gold(const LabelledText& labelled, const Reading& reading, Types& types, GoldText& text) {
  std::vector<EntitySpan> spans = labelled.spans;
  if (!labelled.labels.empty()) {
    std::vector<std::string> labels;
    for (const std::string& label : labelled.labels) labels.push_back(types.label_of(label));
    for (const LabelSpan& span : spans_of(std::move(labels), reading)) spans.push_back({span.type, text.places[span.begin].begin,
        text.places[span.end - 1].end});
  }
  for (EntitySpan& span : spans) {
    const auto type = types.type_of(span.type);
    if (!type) continue;
    span.type = *type;
    text.gold.push_back(std::move(span));
  }
}

}  // namespace

EntityGold read_entities(const EntityGoldOptions& options, const std::map<int, std::string>& id2label) {
  const std::vector<LabelledText> read = read_labelled_texts(options, id2label);
  if (read.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a text with labels, found none", options.file.string()));
  EntityGold gold;
  gold.has_words = read.front().has_words;
  if (!gold.has_words && options.rules) throw Error(ErrorKind::invalid_argument,
      fmt::format("--scheme: expected words with labels, found texts with entities in {}", options.file.string()));
  Types types(options);
  std::set<std::string> labels;
  for (const LabelledText& each : read) {
    for (const std::string& label : each.labels) labels.insert(types.label_of(label));
  }
  const Reading reading = reading_of(options, labels);
  if (gold.has_words) gold.rules = reading.rules ? name(*reading.rules) : "io";
  for (const LabelledText& each : read) {
    GoldText text{.row = gold.texts.size() + 1, .words = each.words, .places = {}, .text = each.text, .gold = {}};
    if (gold.has_words) join_words(text);
    try {
      add_gold(each, reading, types, text);
    } catch (const Error& error) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: line {}: {}", options.file.string(), each.line, error.what()));
    }
    gold.invalid_utf8 += each.invalid_utf8;
    for (const EntitySpan& span : text.gold) ++gold.types[span.type];
    gold.texts.push_back(std::move(text));
  }
  gold.names = types.names();
  return gold;
}

}  // namespace filbert::cli
