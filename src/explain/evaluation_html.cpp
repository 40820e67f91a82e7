// The page of an evaluation: the figures with their intervals, label by label and slice by slice. It wears the style of the other pages and needs no
// script: its policy allows none. Tested by evaluation_page_test.cpp.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/evaluation_page.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

std::string_view way(const MeasureInfo& info) { return info.better > 0 ? "higher is better" : info.better < 0 ? "lower is better" : "0 is best"; }

void comparison_line(const EvaluationReport& report, std::string& out) {
  if (!report.comparison) return;
  const Comparison& both = *report.comparison;
  out += fmt::format("<p class=\"hint\">First: {} in {}. Second: {} in {}. {} of {} texts get the same answer; scores differ by {} on average, by {} at most.</p>\n",
                     name_html(report.model, 64), name_html(report.dtype), name_html(report.against_model, 64), name_html(report.against_dtype), both.same_prediction,
                     report.evaluation.texts, number(both.mean_score_difference, 4), number(both.max_score_difference, 4));
  if (report.evaluation.kind == EvaluationKind::regression) return;
  out += evaluation_scroll("Table of both models") + "<table class=\"matrix\"><caption>How many texts which model has right</caption>\n<thead><tr><th scope=\"col\">First</th>"
         "<th scope=\"col\" class=\"num\">Second right</th><th scope=\"col\" class=\"num\">Second wrong</th></tr></thead>\n<tbody>\n";
  out += fmt::format("<tr><th scope=\"row\">right</th><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n"
                     "<tr><th scope=\"row\">wrong</th><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n</tbody></table></div>\n",
                     both.both_right, both.only_first, both.only_second, both.both_wrong);
  if (both.either_rejected > 0) {
    out += fmt::format("<p class=\"hint\">{} rejected by one of them, or both, and not in this table.</p>\n",
                       count_of(both.either_rejected, "text is", "texts are"));
  }
  out += fmt::format("<p class=\"hint\">McNemar’s test, whether {} against {} can be chance: p = {:.4g} exact, {:.4g} mid-p.</p>\n", both.only_first, both.only_second,
                     both.mcnemar_exact, both.mcnemar_mid_p);
}

void slice_table(const EvaluationReport& report, std::size_t begin, std::size_t end, std::string& out) {
  const std::vector<Slice>& slices = report.slices;
  std::vector<std::size_t> shown = {0};  // of the measures
  for (std::size_t at = 1; at < slices[begin].measures.size(); ++at) {
    const std::string_view name = slices[begin].measures[at].info.name;
    if (name == "coverage" || name == "macro_f1" || name == "log_loss" || name == "ece" || name == "pearson" || name == "spearman") shown.push_back(at);
  }
  double most = 1;
  if (!slices[begin].measures[0].info.is_share) {
    most = 0;
    for (std::size_t at = begin; at < end; ++at) most = std::max({most, slices[at].measures[0].measure.value, slices[at].measures[0].measure.high});
  }
  out += fmt::format("{}<table class=\"figures\"><caption>By {}</caption>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">Texts</th>{}", evaluation_scroll("Table of a slice"),
                     name_html(slices[begin].by), name_html(slices[begin].by), kNoHead);
  for (const std::size_t measure : shown) out += fmt::format("<th scope=\"col\" class=\"num\">{}</th>", escape_html(slices[begin].measures[measure].info.title));
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t at = begin; at < end; ++at) {
    const Slice& slice = slices[at];
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"track\">{}</td>", slice.value.empty() ? "(empty)" : name_html(slice.value, 48), slice.texts,
                       measure_bar(slice.measures[0].measure, most, report.evaluation.measures[0].measure.value));
    for (const std::size_t measure : shown) {
      out += fmt::format("<td class=\"num\">{}</td>", measure == 0 ? measure_html(slice.measures[0].measure) : number(slice.measures[measure].measure.value, 3));
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

}  // namespace

std::string evaluation_scroll(std::string_view label) { return fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">", label); }

std::string percent_html(double share) { return std::isnan(share) ? "–" : fmt::format("{:.1f} %", 100 * share); }

std::string measure_html(const Measure& measure) {
  std::string out = number(measure.value, 3);
  if (!std::isnan(measure.low) && !std::isnan(measure.value)) out += fmt::format(" <span class=\"range\">{} to {}</span>", number(measure.low, 3), number(measure.high, 3));
  return out;
}

std::string change_html(const Measure& change) {
  std::string out = signed_number(change.value, 3);
  if (!std::isnan(change.low)) out += fmt::format(" <span class=\"range\">{} to {}</span>", signed_number(change.low, 3), signed_number(change.high, 3));
  return out;
}

std::string measure_bar(const Measure& measure, double most, double mark) {
  if (std::isnan(measure.value) || !(most > 0)) return "";
  const auto x = [&](double value) { return std::clamp(100 * value / most, 0.0, 100.0); };
  std::string out = fmt::format("<svg class=\"ci\" viewBox=\"0 0 100 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">"
                                "<path class=\"back\" d=\"M0 2H100V10H0z\"/><path class=\"neg\" d=\"M0 2H{:.2f}V10H0z\"/>", x(measure.value));
  if (!std::isnan(measure.low)) out += fmt::format("<path class=\"whisker\" d=\"M{:.2f} 6H{:.2f}\"/>", x(measure.low), x(measure.high));
  if (!std::isnan(mark)) out += fmt::format("<path class=\"mark\" d=\"M{0:.2f} 0V12\"/>", x(mark));
  return out + "</svg>";
}

void evaluation_measures(const EvaluationReport& report, std::string& out) {
  const Evaluation& evaluation = report.evaluation;
  out += "<section class=\"card\" id=\"measures\">\n<h2>The figures</h2>\n";
  comparison_line(report, out);
  out += evaluation_scroll("Table of figures") + "<table class=\"figures\">\n<thead><tr><th scope=\"col\">Figure</th>";
  out += fmt::format("{}<th scope=\"col\" class=\"num\">{}</th>", report.against ? "" : kNoHead, report.against ? "First" : "Value");
  if (report.against) out += "<th scope=\"col\" class=\"num\">Second</th><th scope=\"col\" class=\"num\">Second less first</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t at = 0; at < evaluation.measures.size(); ++at) {
    const NamedMeasure& each = evaluation.measures[at];
    out += fmt::format("<tr><th scope=\"row\">{} <small>{}</small></th>", escape_html(each.info.title), way(each.info));
    if (!report.against) out += fmt::format("<td class=\"track\">{}</td>", each.info.is_share ? measure_bar(each.measure, 1, at == 0 ? evaluation.baseline.value_or(kNoNumber) : kNoNumber) : "");
    out += fmt::format("<td class=\"num\">{}</td>", measure_html(each.measure));
    if (report.against) {
      const Measure& change = report.comparison->differences[at].measure;
      const bool is_sure = !std::isnan(change.low) && (change.low > 0 || change.high < 0);
      out += fmt::format("<td class=\"num\">{}</td><td class=\"num\">{}{}{}</td>", measure_html(report.against->measures[at].measure), is_sure ? "<strong>" : "", change_html(change),
                         is_sure ? "</strong>" : "");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (report.against) out += "<p class=\"hint\">Bold: the interval of the change does not hold 0.</p>\n";
  if (!report.against && evaluation.baseline) out += "<p class=\"hint\">The thin line is what always saying the most frequent label would give.</p>\n";
  out += "</section>\n";
}

void evaluation_labels(const EvaluationReport& report, std::string& out) {
  if (report.evaluation.per_label.empty()) return;
  out += "<section class=\"card\" id=\"labels\">\n<h2>Label by label</h2>\n<p class=\"hint\">Precision: how many of those that get the label should have it. Recall: how many of "
         "those that should have it get it. F1 is between the two, nearer to the lower.</p>\n";
  out += evaluation_scroll("Table of labels") + "<table class=\"figures\">\n<thead><tr><th scope=\"col\">Label</th><th scope=\"col\" class=\"num\">Texts</th><th scope=\"col\" class=\"num\">Said</th>";
  const bool may_reject = report.evaluation.rejected.has_value();
  if (may_reject) out += "<th scope=\"col\" class=\"num\">Rejected</th>";
  for (const char* name : {"Precision", "Recall", "F1"}) out += fmt::format("{}<th scope=\"col\" class=\"num\">{}</th>", kNoHead, name);
  out += "</tr></thead>\n<tbody>\n";
  for (const LabelMeasures& label : report.evaluation.per_label) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td>", name_html(label.label, 48), label.texts, label.predicted);
    if (may_reject) out += fmt::format("<td class=\"num\">{}</td>", label.rejected);
    for (const Measure* measure : {&label.precision, &label.recall, &label.f1}) {
      out += fmt::format("<td class=\"track\">{}</td><td class=\"num\">{}</td>", measure_bar(*measure, 1), measure_html(*measure));
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n</section>\n";
}

void evaluation_slices(const EvaluationReport& report, std::string& out) {
  if (report.slices.empty()) return;
  out += "<section class=\"card\" id=\"slices\">\n<h2>Slice by slice</h2>\n<p class=\"hint\">The thin line is all texts together. A slice whose interval does not hold it may be different; "
         "of twenty slices one is so by chance.</p>\n";
  for (std::size_t begin = 0, end = 0; begin < report.slices.size(); begin = end) {
    for (end = begin; end < report.slices.size() && report.slices[end].by == report.slices[begin].by;) ++end;
    slice_table(report, begin, end, out);
  }
  out += "</section>\n";
}

std::string html_report(const EvaluationReport& report) {
  std::string out = document_head("How good it is on " + name_text(report.input, 60), report.version, {kReportCss, kCorpusCss, kEvaluationCss}, {});
  out += "<body>\n<a class=\"skip\" href=\"#measures\">To the figures</a>\n";
  evaluation_head(report, out);
  out += "<main>\n";
  evaluation_measures(report, out);
  evaluation_labels(report, out);
  evaluation_confusion(report, out);
  evaluation_reliability(report, out);
  evaluation_slices(report, out);
  evaluation_worst(report, out);
  evaluation_reading(report, out);
  evaluation_reproduce(report, out);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace filbert
