// What would change the label: the smallest sets whose removal does, the smallest that keep it alone, each as the model read it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostText = 400, kMostNames = 12;  // characters and units that a row shows

std::string names_of(const ReportPage& page, const std::vector<std::size_t>& units) {
  std::vector<std::string> names;
  for (const std::size_t unit : units) {
    if (names.size() == kMostNames) break;
    names.push_back(page.quoted(unit));
  }
  std::string out = units.empty() ? "nothing" : fmt::format("{}", fmt::join(names, " "));
  if (units.size() > names.size()) out += fmt::format(" and {} more", units.size() - names.size());
  return out;
}

void sets_table(const ReportPage& page, const std::vector<Counterfactual>& sets, std::string_view caption, std::string_view column, std::string& out) {
  if (sets.empty()) return;
  out += fmt::format("<div class=\"scroll\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\"><table class=\"sets\">\n<caption>{0}</caption>\n<thead><tr><th scope=\"col\">{1}</th>"
                     "<th scope=\"col\">What the model read</th><th scope=\"col\">It says</th><th scope=\"col\" class=\"num\">{2}</th></tr></thead>\n<tbody>\n",
                     caption, column, "Explained score");
  for (const Counterfactual& set : sets) {
    std::string read = name_html(set.text, kMostText);
    if (set.text_pair) read += " ‖ " + name_html(*set.text_pair, kMostText);
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"read\">{}</td><td>{} <span class=\"num\">{}</span></td><td class=\"num\">{}</td></tr>\n",
                       names_of(page, set.units), read, name_html(set.label, 40), number(set.score, 3), page.value(set.target));
  }
  out += "</tbody>\n</table></div>\n";
}

}  // namespace

void changes_section(const ReportPage& page, std::string& out) {
  const auto& found = page.report.counterfactuals;
  if (!found) return;
  out += "<section class=\"card\" id=\"changes\">\n<h2>What would change it</h2>\n";
  if (found->flips.empty()) {
    out += fmt::format("<p>No set of {}s was found whose removal changes the label; {} tried.</p>\n", page.unit_word(),
                       count_of(found->evaluations, "text was", "texts were"));
  }
  sets_table(page, found->flips, "The smallest sets found whose removal changes the label", "Without", out);
  if (!found->flips.empty()) {
    out += fmt::format("<p class=\"hint\">{}</p>\n", found->flips_exact ? "No smaller set does: all were tried." : "A smaller set may exist: not all were tried.");
  }
  sets_table(page, found->keeps, "The smallest sets found that keep the label on their own", "Only", out);
  if (!found->keeps.empty()) {
    out += fmt::format("<p class=\"hint\">{}</p>\n", found->keeps_exact ? "No smaller set does: all were tried." : "A smaller set may exist: not all were tried.");
  }
  out += fmt::format("<p class=\"hint\">The label was changed by masking only. {} tried in all.</p>\n</section>\n", count_of(found->evaluations, "text was", "texts were"));
}

}  // namespace filbert
