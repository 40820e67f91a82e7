#include "cli/evaluate_gold.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedGoldLabels = 12;

// A column is read as the labels of its own pass over the file: TableInput takes strings and numbers for those.
class ColumnReader {
 public:
  ColumnReader(const TableOptions& table, const std::string& by) : by_(by) {
    TableOptions own = table;
    own.label_column = by;
    try {
      input_ = std::make_unique<TableInput>(own);
    } catch (const Error& error) {
      throw Error(error.kind(), of_by(error.what()));
    }
  }

  std::string next() {
    TableRow row;
    return input_->next(row) ? row.label.value_or("") : "";
  }
  void keep(std::string value, SliceColumn& column) {
    const auto [found, is_new] = places_.try_emplace(std::move(value), static_cast<std::uint32_t>(column.values.size()));
    if (is_new) column.values.push_back(found->first);
    column.slice_of.push_back(found->second);
  }
  const std::string& by() const { return by_; }

 private:
  static std::string of_by(std::string message) {
    constexpr std::string_view kFlag = "--label-column";
    if (const std::size_t at = message.find(kFlag); at != std::string::npos) message.replace(at, kFlag.size(), "--by");
    return message;
  }

  std::string by_;
  std::unique_ptr<TableInput> input_;
  std::unordered_map<std::string, std::uint32_t> places_;
};

OtherNames names_of_model(const Decision* decision) {
  OtherNames others;
  if (!decision) return others;
  others.names = decision->model_labels;
  others.ids.resize(others.names.size());
  for (std::size_t label = 0; label < decision->merged.size(); ++label) {
    for (const std::size_t id : decision->merged[label]) others.ids[id] = static_cast<std::int32_t>(label);
  }
  return others;
}

// What stands in the field of labels becomes the gold of a text.
class GoldReader {
 public:
  GoldReader(const GoldOptions& options, const Decision* decision, ScoredTexts& texts, EvaluationReport& report)
      : options_(options), texts_(texts), report_(report),
        labels_(texts.labels, texts.kind == EvaluationKind::regression ? std::map<std::string, std::string>() : options.label_map,
                names_of_model(decision)) {}

  // Whether the row has a gold label; one that it cannot have is counted.
  bool take(const std::optional<std::string>& field) {
    if (texts_.kind == EvaluationKind::multi_label) return take_several(field.value_or(""));
    if (!field) {
      ++report_.unlabelled;
      return false;
    }
    return texts_.kind == EvaluationKind::regression ? take_number(*field) : take_one(*field);
  }

  void finish() {
    for (const auto& [value, texts] : unknown_) report_.unknown.push_back({value, texts_.kind == EvaluationKind::regression ? "" : labels_.nearest_to(value), texts});
    std::ranges::stable_sort(report_.unknown, [](const UnknownLabel& a, const UnknownLabel& b) { return a.texts > b.texts; });
    for (const auto& [value, id] : found_) {
      if (value != texts_.labels[static_cast<std::size_t>(id)]) report_.gold_names.emplace_back(value, texts_.labels[static_cast<std::size_t>(id)]);
    }
  }

 private:
  std::optional<std::int32_t> id_of(const std::string& value) {
    if (const auto known = found_.find(value); known != found_.end()) return known->second;
    const auto id = labels_.find(value);
    if (id) found_.emplace(value, *id);
    return id;
  }
  void note_unknown(const std::string& value) { ++unknown_[value]; }

  bool take_one(const std::string& value) {
    const auto id = id_of(value);
    if (id) {
      texts_.gold.push_back(*id);
      return true;
    }
    note_unknown(value);
    ++report_.unknown_texts;
    return false;
  }

  bool take_several(std::string_view field) {
    std::vector<std::uint8_t> row(texts_.labels.size());
    bool all_known = true;
    for (std::size_t begin = 0; begin <= field.size();) {
      const std::size_t end = std::min(field.find(options_.label_separator, begin), field.size());
      const std::string value(trimmed(field.substr(begin, end - begin)));
      begin = end + options_.label_separator.size();
      if (value.empty()) continue;
      const auto id = id_of(value);
      if (id) row[static_cast<std::size_t>(*id)] = 1;
      else note_unknown(value), all_known = false;
    }
    if (all_known) texts_.gold_labels.insert(texts_.gold_labels.end(), row.begin(), row.end());
    else ++report_.unknown_texts;
    return all_known;
  }

  bool take_number(const std::string& field) {
    const std::string_view digits = trimmed(field);
    double number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size() && std::isfinite(number)) {
      texts_.targets.push_back(number);
      return true;
    }
    note_unknown(field);
    ++report_.unknown_texts;
    return false;
  }

  const GoldOptions& options_;
  ScoredTexts& texts_;
  EvaluationReport& report_;
  GoldLabels labels_;
  std::map<std::string, std::int32_t> found_;
  std::map<std::string, std::size_t> unknown_;
};

std::string unknown_message(const ScoredTexts& texts, const EvaluationReport& report) {
  std::vector<std::string> found;
  for (const UnknownLabel& unknown : report.unknown) {
    found.push_back(fmt::format("\"{}\" {} time{}{}", unknown.value, unknown.texts, unknown.texts == 1 ? "" : "s",
                                unknown.nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", unknown.nearest)));
  }
  if (report.unlabelled > 0) found.push_back(fmt::format("none at all {} time{}", report.unlabelled, report.unlabelled == 1 ? "" : "s"));
  const bool is_regression = texts.kind == EvaluationKind::regression;
  return fmt::format("labels: expected {}, found {}; {}--on-unknown-label skip leaves such rows out",
                     is_regression ? "numbers" : "those of the model: " + first_of(texts.labels, kNamedGoldLabels), first_of(found, kNamedGoldLabels),
                     is_regression ? "" : "--label-map VALUE=LABEL says what a value means, and ");
}

}  // namespace

GoldRows read_gold(const GoldOptions& options, const Decision* decision, ScoredTexts& texts, EvaluationReport& report) {
  TableInput input(options.table);
  std::vector<ColumnReader> columns;
  GoldRows rows;
  for (const std::string& by : options.by) {
    columns.emplace_back(options.table, by);
    rows.columns.push_back({by, {}, {}});
  }
  GoldReader gold(options, decision, texts, report);
  std::size_t kept = 0;
  for (TableRow row; rows.is_kept.size() < options.max_texts && input.next(row);) {
    const bool is_kept = gold.take(row.label);
    rows.is_kept.push_back(is_kept);
    kept += is_kept;
    for (std::size_t column = 0; column < columns.size(); ++column) {
      std::string value = columns[column].next();
      if (is_kept) columns[column].keep(std::move(value), rows.columns[column]);
    }
  }
  report.rows = rows.is_kept.size();
  gold.finish();
  const std::string file = options.table.file.string();
  if (!options.skip_unknown && report.unknown_texts + report.unlabelled > 0) throw Error(ErrorKind::invalid_argument, file + ": " + unknown_message(texts, report));
  if (kept == 0) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a text with a label, found {}", file,
                                                         report.rows == 0 ? std::string("no row") : fmt::format("none in {} rows", report.rows)));
  }
  return rows;
}

}  // namespace filbert::cli
