// What is taken for what, and the texts that the model is most wrong about, with what should be marked and what is.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/entities_page.h"
#include "explain/evaluation_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kMatrixTypes = 20;       // of more types mistakes are a list
constexpr std::size_t kMistakes = 40;

void outcomes(const EntityEvaluation& evaluation, std::string& out) {
  constexpr const char* kMeaning[] = {"Right: type and both ends", "The ends, but another type", "The type, but not both ends", "It overlaps, and that is all",
      "Missed: nothing is said there",
                                      "Spurious: nothing should be there"};
  std::uint64_t all = 0;
  for (const std::uint64_t count : evaluation.outcomes) all += count;
  out += evaluation_scroll("Table of outcomes") +
         fmt::format("<table class=\"figures\"><caption>What becomes of the entities of the file, and what else is said</caption>\n<thead><tr>"
                     "<th scope=\"col\">Outcome</th>{}<th scope=\"col\" class=\"num\">Entities</th></tr></thead>\n<tbody>\n", kNoHead);
  for (std::size_t outcome = 0; outcome < kEntityOutcomes; ++outcome) {
    const auto count = static_cast<double>(evaluation.outcomes[outcome]);
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"track\">{}</td><td class=\"num\">{}</td></tr>\n", kMeaning[outcome],
                       measure_bar({.value = all == 0 ? kNoNumber : count / static_cast<double>(all)}, 1), evaluation.outcomes[outcome]);
  }
  out += "</tbody></table></div>\n";
}

std::string name_of(const EntityEvaluation& evaluation, std::size_t type) {
  return type == evaluation.types.size() ? "<em>nothing</em>" : name_html(evaluation.types[type].type, 48);
}

void matrix(const EntityEvaluation& evaluation, std::string& out) {
  const std::size_t cells = evaluation.types.size() + 1;
  out += evaluation_scroll("Confusion matrix") +
         "<table class=\"matrix\"><caption>Rows: the type it should be. Columns: what the model says of what overlaps. Framed: the type is right. The deeper "
         "the blue, the more of the row.</caption>\n<thead><tr><th scope=\"col\">Type</th>";
  for (std::size_t type = 0; type < cells; ++type) out += fmt::format("<th scope=\"col\" class=\"num\">{}</th>", name_of(evaluation, type));
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t gold = 0; gold < cells; ++gold) {
    std::uint64_t all = 0;
    for (std::size_t predicted = 0; predicted < cells; ++predicted) all += evaluation.confusion[gold * cells + predicted];
    out += fmt::format("<tr><th scope=\"row\">{}</th>", name_of(evaluation, gold));
    for (std::size_t predicted = 0; predicted < cells; ++predicted) {
      const std::uint64_t count = evaluation.confusion[gold * cells + predicted];
      const double share = all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
      const auto shade = static_cast<int>(std::lround(10 * std::sqrt(share)));
      const bool is_nothing = gold + 1 == cells && predicted + 1 == cells;
      out += is_nothing ? "<td></td>" : fmt::format("<td class=\"num {}{}\">{}</td>", shade == 0 ? "z" : fmt::format("n{}", shade), gold == predicted ? " right"
          : "", count);
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

void confusion_list(const EntityEvaluation& evaluation, std::string& out) {
  const std::size_t types = evaluation.types.size() + 1;
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < evaluation.confusion.size(); ++cell) {
    if (evaluation.confusion[cell] > 0 && cell / types != cell % types) cells.push_back(cell);
  }
  std::ranges::stable_sort(cells, [&](std::size_t a, std::size_t b) { return evaluation.confusion[a] > evaluation.confusion[b]; });
  if (cells.size() > kMistakes) cells.resize(kMistakes);
  out += evaluation_scroll("Table of mistakes") +
         "<table class=\"figures\"><caption>What is most often taken for what; there are too many types for a matrix</caption>\n<thead><tr>"
         "<th scope=\"col\">It should be</th><th scope=\"col\">The model says</th><th scope=\"col\" class=\"num\">Times</th></tr></thead>\n<tbody>\n";
  for (const std::size_t cell : cells) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\">{}</td></tr>\n", name_of(evaluation, cell / types),
        name_of(evaluation, cell % types), evaluation.confusion[cell]);
  }
  out += "</tbody></table></div>\n";
}

// The text with marks around some of its spans; of those that overlap the first.
std::string marked(const WrongEntities& wrong, const OffsetBytes& bytes, const std::vector<EntitySpan>& spans, const std::vector<bool>& is_wrong,
    bool has_scores) {
  std::vector<std::size_t> order(spans.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  std::ranges::stable_sort(order, {}, [&](std::size_t at) { return spans[at].begin; });
  std::string out;
  std::size_t done = 0;
  for (const std::size_t at : order) {
    const std::size_t begin = bytes(spans[at].begin), end = bytes(spans[at].end);
    if (begin < done) continue;
    out += visible_html(std::string_view(wrong.text).substr(done, begin - done));
    out += fmt::format("<mark class=\"{}\">{}<small> {}{}</small></mark>", is_wrong[at] ? "bad" : "good",
        visible_html(std::string_view(wrong.text).substr(begin, end - begin)),
                       name_html(spans[at].type), has_scores ? " " + number(spans[at].score, 2) : "");
    done = end;
  }
  return out + visible_html(std::string_view(wrong.text).substr(done));
}

}  // namespace

void entities_confusion(const EntityEvaluationReport& report, std::string& out) {
  const EntityEvaluation& evaluation = report.evaluation;
  if (evaluation.types.empty()) return;
  out += "<section class=\"card\" id=\"confusion\">\n<h2>What is taken for what</h2>\n";
  outcomes(evaluation, out);
  if (evaluation.types.size() <= kMatrixTypes) {
    matrix(evaluation, out);
  } else {
    confusion_list(evaluation, out);
  }
  out += "</section>\n";
}

void entities_worst(const EntityEvaluationReport& report, std::string& out) {
  if (report.worst.empty()) return;
  out += "<section class=\"card\" id=\"worst\">\n<h2>The worst mistakes</h2>\n<p class=\"hint\">Texts of which the model is most surely wrong, or "
         "misses most. Solid marks: the same in the file and in the answer. Dashed marks: only in one of them. Look here first: often it is the file "
         "that is wrong.</p>\n";
  for (const WrongEntities& wrong : report.worst) {
    std::vector<bool> gold(wrong.entities.gold.size(), true), predicted(wrong.entities.predicted.size(), true);
    for (const EntityPair& pair : pair_entities(wrong.entities)) {
      if (pair.outcome == EntityOutcome::right) gold[static_cast<std::size_t>(pair.gold)] = predicted[static_cast<std::size_t>(pair.predicted)] = false;
    }
    const OffsetBytes bytes(wrong.text, OffsetUnit::code_points);
    out += fmt::format("<article>\n<h3>Text {}{}</h3>\n", wrong.row, wrong.truncated ? ", of which the model saw the beginning" : "");
    out += fmt::format("<p class=\"wrong\" dir=\"auto\"><span class=\"who\">File</span> {}</p>\n", marked(wrong, bytes, wrong.entities.gold, gold, false));
    out += fmt::format("<p class=\"wrong\" dir=\"auto\"><span class=\"who\">Model</span> {}</p>\n</article>\n",
        marked(wrong, bytes, wrong.entities.predicted, predicted, true));
  }
  out += "</section>\n";
}

}  // namespace filbert
