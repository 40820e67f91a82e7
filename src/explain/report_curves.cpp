// How good the explanation is, measured on the model: what the score does while the strongest units are taken away, or put back, one after the
// other, beside what random orders do.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr double kWidth = 360, kHeight = 220, kLeft = 44, kRight = 10, kTop = 10, kBottom = 34;

struct Chart {
  double low = 0, high = 1;
  std::size_t points = 0;  // units + 1

  double x(std::size_t at) const { return kLeft + (kWidth - kLeft - kRight) * static_cast<double>(at) / static_cast<double>(points - 1); }
  double y(double value) const { return kTop + (kHeight - kTop - kBottom) * (1 - (value - low) / (high - low)); }
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(values.size());
}

// Of a long text every nth point: no screen shows more.
std::string points_of(const Chart& chart, const std::vector<double>& values, bool backwards = false) {
  std::string out;
  const std::size_t stride = (values.size() + 127) / 128;
  for (std::size_t step = 0; step < values.size(); step += stride) {
    const std::size_t at = backwards ? values.size() - 1 - step : step;
    if (std::isfinite(values[at])) out += fmt::format("{:.1f},{:.1f} ", chart.x(at), chart.y(values[at]));
  }
  return out;
}

void axes(const ReportPage& page, const Chart& chart, std::string_view what, std::string& out) {
  for (int tick = 0; tick <= 4; ++tick) {
    const double value = chart.low + (chart.high - chart.low) * tick / 4;
    out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kLeft, chart.y(value),
                       kWidth - kRight, kLeft - 5, chart.y(value) + 4, number(value, page.is_probability ? 2 : std::min(page.decimals, 2)));
  }
  out += fmt::format("<text x=\"{0}\" y=\"{1}\">0</text><text x=\"{2}\" y=\"{1}\" text-anchor=\"end\">{3}</text>"
                     "<text x=\"{4}\" y=\"{1}\" text-anchor=\"middle\">{5}</text>",
                     kLeft, kHeight - 14, kWidth - kRight, chart.points - 1, (kLeft + kWidth - kRight) / 2, what);
}

// Four colours, each with its own dashes; a fifth method has the first colour and the next dashes.
std::string line_class(std::size_t method) { return fmt::format("line line{} dash{}", method % 4, (method + method / 4) % 4); }

using Curve = std::vector<double> Faithfulness::*;

void chart_figure(const ReportPage& page, const FaithfulnessExplanation& measured, Curve curve, const std::vector<double>& random_low,
                  const std::vector<double>& random_high, std::string_view id, std::string_view title, std::string_view what, std::string& out) {
  Chart chart{0, page.is_probability ? 1.0 : -std::numeric_limits<double>::infinity(), page.text.units.size() + 1};
  if (!page.is_probability) {
    chart.low = std::numeric_limits<double>::infinity();
    for (const Faithfulness& method : measured.methods) {
      for (const double value : method.*curve) {
        if (std::isfinite(value)) chart.low = std::min(chart.low, value), chart.high = std::max(chart.high, value);
      }
    }
  }
  if (!(chart.high > chart.low) || !std::isfinite(chart.high - chart.low)) chart.low = 0, chart.high = 1;
  out += fmt::format("<figure>\n<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}\"><title id=\"{}\">{}</title>", kWidth, kHeight, id, id,
                     title);
  if (random_low.size() == chart.points && random_high.size() == chart.points) {
    out += fmt::format("<polygon class=\"band\" points=\"{}{}\"/>", points_of(chart, random_low), points_of(chart, random_high, true));
  }
  axes(page, chart, what, out);
  for (std::size_t at = 0; at < measured.methods.size(); ++at) {
    const std::vector<double>& values = measured.methods[at].*curve;
    if (values.size() != chart.points) continue;
    out += fmt::format("<polyline class=\"{}\" points=\"{}\"/>", line_class(at), points_of(chart, values));
  }
  out += fmt::format("</svg>\n<figcaption>{}</figcaption>\n</figure>\n", title);
}

void legend(const FaithfulnessExplanation& measured, std::string& out) {
  out += "<ul class=\"keys\">";
  for (std::size_t at = 0; at < measured.methods.size(); ++at) {
    out += fmt::format("<li><svg class=\"key\" viewBox=\"0 0 30 10\" aria-hidden=\"true\"><path class=\"{}\" d=\"M1 5H29\"/></svg> {}</li>", line_class(at),
                       method_html(measured.methods[at].method));
  }
  if (!measured.random_deletion_low.empty()) {
    out += "<li><svg class=\"key\" viewBox=\"0 0 30 10\" aria-hidden=\"true\"><path class=\"band\" d=\"M0 0H30V10H0z\"/></svg> random orders</li>";
  }
  out += "</ul>\n";
}

struct Measure {
  std::string_view name;
  double Faithfulness::* member;
  bool high_is_good;
};
constexpr Measure kMeasures[] = {{"Deletion area", &Faithfulness::deletion_area, false},
                                 {"Insertion area", &Faithfulness::insertion_area, true},
                                 {"Comprehensiveness", &Faithfulness::comprehensiveness, true},
                                 {"Sufficiency", &Faithfulness::sufficiency, false},
                                 {"τ with occlusion", &Faithfulness::tau_occlusion, true}};

void measures_table(const ReportPage& page, const FaithfulnessExplanation& measured, std::string& out) {
  out += "<div class=\"scroll\" role=\"region\" aria-labelledby=\"measures-caption\" tabindex=\"0\"><table class=\"measures\">\n"
         "<caption id=\"measures-caption\">The same in numbers; the best of each row is bold</caption>\n<thead><tr><th scope=\"col\">Measure</th>";
  for (const Faithfulness& method : measured.methods) out += fmt::format("<th scope=\"col\" class=\"num\">{}</th>", method_html(method.method));
  out += "</tr></thead>\n<tbody>\n";
  for (const Measure& measure : kMeasures) {
    const double sign = measure.high_is_good ? 1 : -1;
    double best = -std::numeric_limits<double>::infinity();  // by what is printed
    for (const Faithfulness& method : measured.methods) {
      if (std::isfinite(method.*measure.member)) best = std::max(best, sign * method.*measure.member);
    }
    out += fmt::format("<tr><th scope=\"row\">{} <small>{} is better</small></th>", measure.name, measure.high_is_good ? "higher" : "lower");
    for (const Faithfulness& method : measured.methods) {
      const double value = method.*measure.member;
      const std::string text = number(value, page.decimals);
      out += fmt::format("<td class=\"num\">{}</td>", measured.methods.size() > 1 && text == number(sign * best, page.decimals) ? "<strong>" + text + "</strong>" : text);
    }
    out += "</tr>\n";
  }
  out += "</tbody>\n</table></div>\n";
}

}  // namespace

std::string faithfulness_sentence(const ReportPage& page) {
  const auto& measured = page.report.faithfulness;
  if (!measured || measured->methods.empty()) return {};
  const Faithfulness& best = *std::ranges::min_element(measured->methods, {}, &Faithfulness::deletion_area);
  std::vector<std::string> names;  // all that are as good on the page
  for (const Faithfulness& method : measured->methods) {
    if (page.value(method.deletion_area) == page.value(best.deletion_area)) names.push_back(method_html(method.method));
  }
  const double random_low = mean_of(measured->random_deletion_low), random_high = mean_of(measured->random_deletion_high);
  std::string verdict;
  if (std::isfinite(random_low)) {
    verdict = best.deletion_area < random_low
                  ? fmt::format(", faster than random orders ({} to {})", page.value(random_low), page.value(random_high))
                  : fmt::format(", but <strong>no faster than random orders</strong> ({} to {})", page.value(random_low), page.value(random_high));
  }
  const std::string how = fmt::format("{} on average{}.", page.value(best.deletion_area), verdict);
  if (measured->methods.size() == 1) {
    return fmt::format("Taking {}s away in the order of {} lowers the score to {}", page.unit_word(), names.front(), how);
  }
  if (names.size() == measured->methods.size()) {
    return fmt::format("The orders of {} fit this text equally well: taking their {}s away lowers the score to {}", fmt::join(names, " and "), page.unit_word(), how);
  }
  return fmt::format("The order of {} fits this text best: taking its {}s away lowers the score to {}", fmt::join(names, " or "), page.unit_word(), how);
}

void faithfulness_section(const ReportPage& page, std::string& out) {
  const auto& measured = page.report.faithfulness;
  if (!measured || measured->methods.empty() || page.text.units.empty()) return;
  out += "<section class=\"card\" id=\"faithfulness\">\n<h2>How good the explanation is</h2>\n";
  out += fmt::format("<p class=\"hint\">{} Measured on the model itself, for this text and {}.</p>\n", faithfulness_sentence(page), page.explained());
  out += "<div class=\"charts\">\n";
  const std::string away = fmt::format("{}s taken away, strongest first", page.unit_word());
  const std::string back = fmt::format("{}s put back, strongest first", page.unit_word());
  chart_figure(page, *measured, &Faithfulness::deletion, measured->random_deletion_low, measured->random_deletion_high, "deletion-title",
               "Deletion: a good order falls fast", away, out);
  chart_figure(page, *measured, &Faithfulness::insertion, measured->random_insertion_low, measured->random_insertion_high, "insertion-title",
               "Insertion: a good order rises fast", back, out);
  out += "</div>\n";
  legend(*measured, out);
  measures_table(page, *measured, out);
  out += "</section>\n";
}

}  // namespace filbert
