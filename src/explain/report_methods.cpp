// What each method says of each unit, side by side; and of the other labels.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

// A share of −1 to 1 of the half width, as the script draws it too.
std::string bar(double share) {
  if (!std::isfinite(share)) return {};
  const double width = std::clamp(share, -1.0, 1.0) * 50;
  return fmt::format("<svg class=\"bar\" viewBox=\"-50 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"{}\" d=\"M0 0h{:.1f}v8H0z\"/></svg>",
                     width < 0 ? "neg" : "pos", width);
}

double sum_of_sizes(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::isfinite(value) ? std::abs(value) : 0;
  return sum;
}

// Values of methods have different sizes: their shares of the whole can be compared. The longest bar of all fills its cell.
double longest_share(const std::vector<NamedValues>& methods) {
  double longest = 0;
  for (const NamedValues& method : methods) {
    const double sum = sum_of_sizes(method.values);
    if (sum > 0) longest = std::max(longest, largest_of(method.values) / sum);
  }
  return longest;
}

std::string interval(const ReportPage& page, std::string_view method, std::size_t unit) {
  const auto& shap = page.report.shap;
  if (method != "shap" || !shap || unit >= shap->low.size() || unit >= shap->high.size()) return {};
  return fmt::format(" <span class=\"pm\">±{}</span>", page.value((shap->high[unit] - shap->low[unit]) / 2));
}

void unit_rows(const ReportPage& page, std::string& out) {
  const double longest = longest_share(page.methods);
  std::vector<double> scales;
  for (const NamedValues& method : page.methods) {
    const double sum = sum_of_sizes(method.values);
    scales.push_back(sum > 0 && longest > 0 ? 1 / (sum * longest) : 0);
  }
  for (std::size_t unit = 0; unit < page.text.units.size(); ++unit) {
    out += fmt::format("<tr data-unit=\"{}\"><th scope=\"row\">{}</th>", unit, name_html(page.text.units[unit].text, 24));
    for (std::size_t at = 0; at < page.methods.size(); ++at) {
      const NamedValues& method = page.methods[at];
      const double value = method.values[unit];
      out += fmt::format("<td class=\"num\">{}<span class=\"v\">{}</span>{}</td>", bar(value * scales[at]), page.change(value),
                         interval(page, method.method, unit));
    }
    out += "</tr>\n";
  }
}

// Kendall's τ of each method with the first; faithfulness may know more methods than the table, or fewer.
void agreement_row(const ReportPage& page, std::string& out) {
  const auto& measured = page.report.faithfulness;
  if (!measured || page.methods.size() < 2 || measured->agreement.size() != measured->methods.size() * measured->methods.size()) return;
  const auto place = [&](std::string_view name) {
    return std::ranges::find(measured->methods, name, &Faithfulness::method) - measured->methods.begin();
  };
  const auto count = static_cast<std::ptrdiff_t>(measured->methods.size());
  const auto first = place(page.methods.front().method);
  out += fmt::format("<tfoot><tr id=\"agreement\"><th scope=\"row\">Agreement with {} (Kendall’s τ)</th>", method_html(page.methods.front().method));
  for (const NamedValues& method : page.methods) {
    const auto at = place(method.method);
    const bool known = first < count && at < count;
    out += fmt::format("<td class=\"num\">{}</td>", known ? number(measured->agreement[static_cast<std::size_t>(first * count + at)], 2) : "–");
  }
  out += "</tr></tfoot>\n";
}

std::string short_list(const ReportPage& page, const NamedValues& method, int sign) {
  std::vector<std::string> names;
  for (const std::size_t unit : by_size(method.values)) {
    const double value = method.values[unit];
    if (names.size() == 4 || !std::isfinite(value) || value == 0) break;
    if (value * sign > 0) names.push_back(fmt::format("{} <span class=\"num\">{}</span>", page.quoted(unit), page.change(value)));
  }
  return names.empty() ? "–" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

void methods_section(const ReportPage& page, std::string& out) {
  if (page.methods.empty() || page.text.units.empty()) return;
  out += "<section class=\"card\" id=\"methods\">\n<h2>Methods side by side</h2>\n";
  const bool has_lengths = std::ranges::any_of(page.report.gradients, [](const GradientExplanation& gradient) {
    return gradient.method != GradientMethod::input_x_gradient && gradient.method != GradientMethod::integrated_gradients;
  });
  out += fmt::format("<p class=\"hint\">Numbers are in the unit of the score{}; bars show each method’s share, so that they can be compared.</p>\n",
                     has_lengths ? ", but those of saliency, SmoothGrad and attention, which say how much and not which way" : "");
  out += fmt::format("<div class=\"scroll\" role=\"region\" aria-labelledby=\"methods-caption\" tabindex=\"0\">\n<table class=\"methods{}\">\n"
                     "<caption id=\"methods-caption\">What each {} adds to the score of <span id=\"table-label\">{}</span></caption>\n"
                     "<thead><tr><th scope=\"col\">{}</th>",
                     page.methods.size() > 4 ? " many" : "", page.unit_word(), page.explained(), page.report.options.unit == ExplainUnit::word ? "Word" : "Part");
  for (const NamedValues& method : page.methods) {
    out += fmt::format("<th scope=\"col\" class=\"num\" data-method=\"{}\">{}</th>", escape_html(method.method), method_html(method.method));
  }
  out += "</tr></thead>\n<tbody>\n";
  unit_rows(page, out);
  out += "</tbody>\n";
  agreement_row(page, out);
  out += "</table>\n</div>\n</section>\n";
}

void labels_section(const ReportPage& page, std::string& out) {
  const std::size_t units = page.text.units.size();
  std::string rows;
  for (const LabelValues& other : page.report.other_labels) {
    const auto usable = std::ranges::find_if(other.methods, [&](const NamedValues& method) { return method.values.size() == units; });
    if (usable == other.methods.end()) continue;
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td>{}</td><td>{}</td></tr>\n", name_html(other.label, 40),
                        page.value(other.score), short_list(page, *usable, 1), short_list(page, *usable, -1));
  }
  if (rows.empty()) return;
  out += fmt::format("<section class=\"card\" id=\"labels\">\n<h2>The other labels</h2>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"labels-caption\" tabindex=\"0\"><table class=\"labels\">\n<caption id=\"labels-caption\">What speaks for the other labels, and what "
                     "against them</caption>\n<thead><tr><th scope=\"col\">Label</th><th scope=\"col\" class=\"num\">Score</th><th scope=\"col\">For</th><th scope=\"col\">Against</th></tr>"
                     "</thead>\n<tbody>\n{}</tbody>\n</table></div>\n</section>\n", rows);
}

}  // namespace filbert
