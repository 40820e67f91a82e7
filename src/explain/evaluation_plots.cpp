// The plots of the page of an evaluation: the confusion matrix, and the reliability diagram with how many predictions each bin holds.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/evaluation_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kMatrixLabels = 20;      // of more labels confusions are a list
constexpr std::size_t kConfusions = 40;
constexpr double kPlotWidth = 360, kPlotLeft = 40, kPlotRight = 10, kPlotTop = 10, kSide = kPlotWidth - kPlotLeft - kPlotRight;
constexpr double kGap = 18, kCounts = 60, kPlotHeight = kPlotTop + kSide + kGap + kCounts + 34;

double x_of(double score) { return kPlotLeft + kSide * score; }
double y_of(double share) { return kPlotTop + kSide * (1 - share); }

void axes(std::size_t most, std::string& out) {
  for (int tick = 0; tick <= 4; ++tick) {
    const double value = tick / 4.0;
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kPlotLeft, y_of(value), kPlotWidth - kPlotRight,
                       kPlotLeft - 5, y_of(value) + 4, number(value, 2));
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x_of(value), kPlotHeight - 20, tick == 0 ? "start" : tick == 4 ? "end" : "middle", number(value, 2));
  }
  out += fmt::format("<path class=\"ideal\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>", x_of(0), y_of(0), x_of(1), y_of(1));
  out += fmt::format("<path class=\"grid\" d=\"M{0:.1f} {1:.1f}H{2:.1f}\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>"
                     "<text x=\"{6:.1f}\" y=\"{7:.1f}\" text-anchor=\"middle\">score; below, how many</text>",
                     kPlotLeft, kPlotTop + kSide + kGap + kCounts, kPlotWidth - kPlotRight, kPlotLeft - 5, kPlotTop + kSide + kGap + 8, most, (kPlotLeft + kPlotWidth - kPlotRight) / 2, kPlotHeight - 4);
}

void diagram(const Evaluation& evaluation, std::string_view id, const std::string& title, std::string& out) {
  std::size_t most = 1;
  for (const ReliabilityBin& bin : evaluation.reliability) most = std::max(most, bin.count);
  out += fmt::format("<figure>\n<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}\"><title id=\"{}\">Reliability: how often predictions are right, by their score; the "
                     "numbers stand in the table below</title>", kPlotWidth, kPlotHeight, id, id);
  axes(most, out);
  for (const ReliabilityBin& bin : evaluation.reliability) {
    if (bin.count == 0) continue;
    const double left = x_of(bin.from) + 0.5, right = x_of(bin.to) - 0.5, middle = (left + right) / 2, base = kPlotTop + kSide + kGap + kCounts;
    const double height = kCounts * static_cast<double>(bin.count) / static_cast<double>(most);
    out += fmt::format("<path class=\"neg\" d=\"M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}z\"/>", left, y_of(0), right, y_of(bin.accuracy.value), left);
    if (!std::isnan(bin.accuracy.low)) out += fmt::format("<path class=\"whisker\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", middle, y_of(bin.accuracy.low), y_of(bin.accuracy.high));
    out += fmt::format("<circle class=\"says\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", middle, y_of(bin.confidence));
    out += fmt::format("<path class=\"count\" d=\"M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}z\"/>", left, base, right, base - height, left);
  }
  out += fmt::format("</svg>\n<figcaption>{}</figcaption>\n</figure>\n", title);
}

void bins_table(const Evaluation& evaluation, std::string& out) {
  out += "<details><summary>The same in numbers</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of bins\"><table class=\"figures\">\n<thead><tr>"
         "<th scope=\"col\">Score above, up to</th><th scope=\"col\" class=\"num\">Predictions</th><th scope=\"col\" class=\"num\">Says</th>"
         "<th scope=\"col\" class=\"num\">Is right</th></tr></thead>\n<tbody>\n";
  for (const ReliabilityBin& bin : evaluation.reliability) {
    if (bin.count == 0) continue;
    out += fmt::format("<tr><th scope=\"row\">{} to {}</th><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n", number(bin.from, 3), number(bin.to, 3),
                       bin.count, number(bin.confidence, 3), measure_html(bin.accuracy));
  }
  out += "</tbody></table></div>\n</details>\n";
}

void matrix(const Evaluation& evaluation, std::string& out) {
  const std::size_t labels = evaluation.labels.size();
  out += "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Confusion matrix\"><table class=\"matrix\"><caption>Rows: the label it should be. Columns: what the model says. "
         "Framed: right. The deeper the blue, the more of the row.</caption>\n<thead><tr><th scope=\"col\">Label</th>";
  for (const std::string& name : evaluation.labels) out += fmt::format("<th scope=\"col\" class=\"num\">{}</th>", name_html(name));
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t gold = 0; gold < labels; ++gold) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", name_html(evaluation.labels[gold]));
    for (std::size_t predicted = 0; predicted < labels; ++predicted) {
      const std::uint64_t texts = evaluation.confusion[gold * labels + predicted];
      const double share = evaluation.per_label[gold].texts == 0 ? 0 : static_cast<double>(texts) / static_cast<double>(evaluation.per_label[gold].texts);
      const auto shade = static_cast<int>(std::lround(10 * std::sqrt(share)));
      out += fmt::format("<td class=\"num {}{}\">{}</td>", shade == 0 ? "z" : fmt::format("n{}", shade), gold == predicted ? " right" : "", texts);
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

void confusion_list(const Evaluation& evaluation, std::string& out) {
  const std::size_t labels = evaluation.labels.size();
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < evaluation.confusion.size(); ++cell) {
    if (evaluation.confusion[cell] > 0 && cell / labels != cell % labels) cells.push_back(cell);
  }
  std::ranges::stable_sort(cells, [&](std::size_t a, std::size_t b) { return evaluation.confusion[a] > evaluation.confusion[b]; });
  if (cells.size() > kConfusions) cells.resize(kConfusions);
  out += "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of mistakes\"><table class=\"figures\"><caption>What is most often taken for what; there are too many labels "
         "for a matrix</caption>\n<thead><tr><th scope=\"col\">It should be</th><th scope=\"col\">The model says</th><th scope=\"col\" class=\"num\">Texts</th></tr></thead>\n<tbody>\n";
  for (const std::size_t cell : cells) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\">{}</td></tr>\n", name_html(evaluation.labels[cell / labels], 48),
                       name_html(evaluation.labels[cell % labels], 48), evaluation.confusion[cell]);
  }
  out += "</tbody></table></div>\n";
}

}  // namespace

void evaluation_confusion(const EvaluationReport& report, std::string& out) {
  const Evaluation& evaluation = report.evaluation;
  if (evaluation.confusion.empty()) return;
  out += "<section class=\"card\" id=\"confusion\">\n<h2>What is taken for what</h2>\n";
  if (evaluation.labels.size() <= kMatrixLabels) {
    matrix(evaluation, out);
  } else {
    confusion_list(evaluation, out);
  }
  out += "</section>\n";
}

void evaluation_reliability(const EvaluationReport& report, std::string& out) {
  const Evaluation& evaluation = report.evaluation;
  if (evaluation.reliability.empty()) return;
  out += fmt::format("<section class=\"card\" id=\"reliability\">\n<h2>Do the scores mean what they say?</h2>\n<p class=\"hint\">{} The bars are how often that is right, the dots what the scores "
                     "say, the lines the intervals. Where bars end below the dots the model is too sure; the dashed line is where both are equal.</p>\n<div class=\"charts\">\n",
                     evaluation.kind == EvaluationKind::single_label ? "Predictions by their score." : "Every label of every text by its score, predicted or not.");
  const auto title = [](const Evaluation& each, std::string_view who) { return fmt::format("{}ECE {}", who, measure_html(each.at("ece"))); };
  diagram(evaluation, "reliability-1", title(evaluation, report.against ? "First: " : ""), out);
  if (report.against) diagram(*report.against, "reliability-2", title(*report.against, "Second: "), out);
  out += "</div>\n";
  bins_table(evaluation, out);
  out += "</section>\n";
}

}  // namespace filbert
