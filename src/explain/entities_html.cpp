// The page of an evaluation of entities. Its first part: type by type, and slice by slice. Tested by entities_page_test.cpp.
#include <cmath>

#include <fmt/format.h>

#include "explain/entities_page.h"
#include "explain/evaluation_page.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

void comparison_lines(const EntityEvaluationReport& report, std::string& out) {
  if (!report.comparison) return;
  const EntityComparison& both = *report.comparison;
  out += fmt::format("<p class=\"hint\">First: {} in {}. Second: {} in {}. {} of {} texts get the same answer.</p>\n", name_html(report.model, 64),
                     name_html(report.dtype), name_html(report.against_model, 64), name_html(report.against_dtype), both.same_prediction,
                     report.evaluation.texts);
  out += evaluation_scroll("Table of both models") +
         "<table class=\"matrix\"><caption>How many entities which model finds</caption>\n<thead><tr><th scope=\"col\">First</th>"
         "<th scope=\"col\" class=\"num\">Second finds it</th><th scope=\"col\" class=\"num\">Second does not</th></tr></thead>\n<tbody>\n";
  out += fmt::format("<tr><th scope=\"row\">finds it</th><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n"
                     "<tr><th scope=\"row\">does not</th><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n</tbody></table></div>\n",
                     both.both_found, both.only_first, both.only_second, both.neither);
  out += fmt::format("<p class=\"hint\">McNemar’s test, whether {} against {} can be chance: p = {:.4g} exact, {:.4g} mid-p.{}</p>\n", both.only_first,
                     both.only_second, both.mcnemar_exact, both.mcnemar_mid_p,
                     std::isnan(both.bootstrap_p) ? "" : fmt::format(" Paired bootstrap of micro F1: p = {:.4g}.", both.bootstrap_p));
}

void slice_table(std::span<const EntitySlice> slices, const EntityEvaluationReport& report, std::string& out) {
  const bool is_file = slices.front().by == report.train;
  out += fmt::format("{}<table class=\"figures\"><caption>{}</caption>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">Texts</th>"
                     "<th scope=\"col\" class=\"num\">Entities</th>{}<th scope=\"col\" class=\"num\">micro F1</th>"
                     "<th scope=\"col\" class=\"num\">precision</th><th scope=\"col\" class=\"num\">recall</th></tr></thead>\n<tbody>\n",
                     evaluation_scroll("Table of a slice"), is_file ? "Entities that stand in another file with the same type, and others"
                         : slices.front().by == "tokens" ? "Texts by their length" : "Entities by their length",
                     name_html(slices.front().by, 48), kNoHead);
  for (const EntitySlice& slice : slices) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"track\">{}</td><td class=\"num\">{}</td>"
                       "<td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n",
                       name_html(slice.value, 48), slice.texts, slice.gold, measure_bar(slice.measures[0].measure, 1,
                           report.evaluation.measures[0].measure.value),
                       measure_html(slice.measures[0].measure), number(slice.measures[1].measure.value, 3), number(slice.measures[2].measure.value, 3));
  }
  out += "</tbody></table></div>\n";
}

}  // namespace

void entities_measures(const EntityEvaluationReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"measures\">\n<h2>The figures</h2>\n";
  comparison_lines(report, out);
  out += evaluation_scroll("Table of figures") + "<table class=\"figures\">\n<thead><tr><th scope=\"col\">Figure</th>";
  out += fmt::format("{}<th scope=\"col\" class=\"num\">{}</th>", report.against ? "" : kNoHead, report.against ? "First" : "Value");
  if (report.against) out += "<th scope=\"col\" class=\"num\">Second</th><th scope=\"col\" class=\"num\">Second less first</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t at = 0; at < report.evaluation.measures.size(); ++at) {
    const NamedMeasure& each = report.evaluation.measures[at];
    out += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(each.info.title));
    if (!report.against) out += fmt::format("<td class=\"track\">{}</td>", measure_bar(each.measure, 1));
    out += fmt::format("<td class=\"num\">{}</td>", measure_html(each.measure));
    if (report.against) {
      const Measure& change = report.comparison->differences[at].measure;
      const bool is_sure = !std::isnan(change.low) && (change.low > 0 || change.high < 0);
      out += fmt::format("<td class=\"num\">{}</td><td class=\"num\">{}{}{}</td>", measure_html(report.against->measures[at].measure), is_sure ? "<strong>"
          : "", change_html(change),
                         is_sure ? "</strong>" : "");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (report.against) out += "<p class=\"hint\">Bold: the interval of the change does not hold 0.</p>\n";
  out += "</section>\n";
}

void entities_types(const EntityEvaluationReport& report, std::string& out) {
  if (report.evaluation.types.empty()) return;
  out += "<section class=\"card\" id=\"types\">\n<h2>Type by type</h2>\n<p class=\"hint\">Precision: how many of those that the model says stand "
         "in the file, with this type and both ends. Recall: how many of those in the file it says. F1 is between the two, nearer to the lower.</p>\n";
  out += evaluation_scroll("Table of types") + "<table class=\"figures\">\n<thead><tr><th scope=\"col\">Type</th>"
                                               "<th scope=\"col\" class=\"num\">In the file</th><th scope=\"col\" class=\"num\">Said</th>";
  for (const char* name : {"Precision", "Recall", "F1"}) out += fmt::format("{}<th scope=\"col\" class=\"num\">{}</th>", kNoHead, name);
  out += "</tr></thead>\n<tbody>\n";
  for (const EntityTypeMeasures& type : report.evaluation.types) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td>", name_html(type.type, 48), type.gold, type.predicted);
    for (const Measure* measure : {&type.precision, &type.recall, &type.f1}) {
      out += fmt::format("<td class=\"track\">{}</td><td class=\"num\">{}</td>", measure_bar(*measure, 1), measure_html(*measure));
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n</section>\n";
}

void entities_slices(const EntityEvaluationReport& report, std::string& out) {
  if (report.slices.empty()) return;
  out += "<section class=\"card\" id=\"slices\">\n<h2>Slice by slice</h2>\n<p class=\"hint\">The thin line is all entities together. A slice whose "
         "interval does not hold it may be different; of twenty slices one is so by chance.</p>\n";
  const std::span<const EntitySlice> all = report.slices;
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    for (end = begin; end < all.size() && all[end].by == all[begin].by;) ++end;
    slice_table(all.subspan(begin, end - begin), report, out);
  }
  out += "</section>\n";
}

std::string html_report(const EntityEvaluationReport& report) {
  std::string out = document_head("How good it is on " + name_text(report.input, 60), report.version, {kReportCss, kCorpusCss, kEvaluationCss}, {});
  out += "<body>\n<a class=\"skip\" href=\"#measures\">To the figures</a>\n";
  entities_head(report, out);
  out += "<main>\n";
  entities_measures(report, out);
  entities_types(report, out);
  entities_confusion(report, out);
  entities_slices(report, out);
  entities_worst(report, out);
  entities_reading(report, out);
  entities_reproduce(report, out);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace filbert
