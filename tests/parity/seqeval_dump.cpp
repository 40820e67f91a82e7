// Figures of label sequences for seqeval_parity.py: a JSON object a line, {"gold", "predicted", "rules", "suffix", "zero_division"}, and one for it on
// standard output; of labels that the rules refuse {"error"}.
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include <filbert/error.h>
#include <filbert/evaluate_entities.h>

namespace {

using nlohmann::json;
using namespace filbert;

json written(const SpanFigures& figures) { return {figures.precision, figures.recall, figures.f1, figures.support}; }

json answer(const json& task) {
  const auto gold = task.at("gold").get<std::vector<std::vector<std::string>>>(), predicted = task.at("predicted").get<std::vector<std::vector<std::string>>>();
  const SequenceOptions options{span_rules_from_name(task.at("rules").get<std::string>()), task.at("suffix").get<bool>(),
      task.at("zero_division").get<double>()};
  const SequenceFigures figures = sequence_figures(gold, predicted, options);
  json out = {{"micro", written(figures.micro)}, {"macro", written(figures.macro)}, {"weighted", written(figures.weighted)}, {"types", json::object()}};
  for (const TypeFigures& type : figures.types) out["types"][type.type] = written(type.figures);
  out["accuracy"] = label_accuracy(gold, predicted);
  const LabelCounts counts = label_counts(gold, predicted);
  out["counts"] = {counts.true_positives, counts.false_positives, counts.false_negatives, counts.true_negatives};
  json spans = json::array();
  for (const auto& labels : gold) {
    json of_text = json::array();
    for (const LabelSpan& span : spans_of_labels(labels, options.rules, options.suffix)) of_text.push_back({span.type, span.begin, span.end});
    spans.push_back(of_text);
  }
  out["spans"] = spans;
  return out;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << answer(json::parse(line)).dump() << '\n';
    } catch (const Error& error) {
      std::cout << json{{"error", error.what()}}.dump() << '\n';
    }
  }
  return 0;
}
