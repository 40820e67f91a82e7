// The ledger: from the text with everything masked to the score, step by step, and what is left over. A table whose rows carry their step of the
// waterfall as a drawing, so that it is as legible on a telephone as in print.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostLedgerSteps = 8;

struct Step {
  std::string name;        // HTML
  std::string title;       // of the drawing
  double from = 0, to = 0;
  bool total = false;      // a score, not a change
  std::size_t unit = static_cast<std::size_t>(-1);
};

struct Ledger {
  std::string_view method;
  std::string label;       // as it was named
  std::size_t label_index = 0;  // 0: the explained one, else of other_labels, from 1
  std::string_view base_name;
  double base = 0;
  const std::vector<double>& values;
  std::string_view residual_name;
  double score = 0;
};

std::vector<Step> steps_of(const ReportPage& page, const Ledger& ledger) {
  std::vector<Step> steps = {{std::string(ledger.base_name), std::string(ledger.base_name), ledger.base, ledger.base, true}};
  double at = ledger.base, others = 0;
  std::size_t other_count = 0;
  const auto add = [&](std::string name, std::string title, double change, std::size_t unit) {
    steps.push_back({std::move(name), std::move(title), at, at + change, false, unit});
    at += change;
  };
  for (const std::size_t unit : by_size(ledger.values)) {
    const double value = ledger.values[unit];
    if (!std::isfinite(value) || value == 0) continue;
    if (steps.size() <= kMostLedgerSteps) {
      add(page.quoted(unit), name_text(page.text.units[unit].text), value, unit);
    } else {
      others += value;
      ++other_count;
    }
  }
  if (other_count > 0) add(count_of(other_count, "other", "others"), count_of(other_count, "other", "others"), others, steps[0].unit);
  add(std::string(ledger.residual_name), std::string(ledger.residual_name), ledger.score - at, steps[0].unit);
  steps.push_back({"<strong>Score</strong>", "Score", ledger.score, ledger.score, true});
  return steps;
}

// The drawing of a step: 1,000 wide whatever the page is, lines of constant width.
std::string drawing(const ReportPage& page, const Step& step, double low, double high, bool last) {
  const auto x = [&](double value) { return std::clamp((value - low) / (high - low), 0.0, 1.0) * 980 + 10; };
  const double change = step.to - step.from;
  std::string out = fmt::format("<svg class=\"step\" viewBox=\"0 0 1000 24\" preserveAspectRatio=\"none\" role=\"img\"><title>{}: {}</title>", step.title,
                                step.total ? page.value(step.to) : page.change(change));
  if (!last) out += fmt::format("<path class=\"link\" d=\"M{0:.1f} 12V24\"/>", x(step.to));
  if (step.total) {
    if (low <= 0 && high >= 0) out += fmt::format("<path class=\"total\" d=\"M{:.1f} 5H{:.1f}v14H{:.1f}z\"/>", x(0), x(step.to), x(0));
    out += fmt::format("<path class=\"tick\" d=\"M{:.1f} 2v20\"/>", x(step.to));
  } else if (page.change(change) != page.change(0)) {
    const double begin = x(std::min(step.from, step.to)), width = std::max(std::abs(x(step.to) - x(step.from)), 2.0);
    out += fmt::format("<path class=\"{}\" d=\"M{:.1f} 4h{:.1f}v16h-{:.1f}z\"/>", change < 0 ? "neg" : "pos", begin, width, width);
  }
  return out + "</svg>";
}

void ledger_table(const ReportPage& page, const Ledger& ledger, std::string& out) {
  const std::vector<Step> steps = steps_of(page, ledger);
  double low = page.is_probability ? 0 : steps[0].from, high = low;
  for (const Step& step : steps) {
    low = std::min({low, step.from, step.to});
    high = std::max({high, step.from, step.to});
  }
  if (!(high > low)) high = low + 1;
  out += fmt::format("<table class=\"ledger\" data-method=\"{}\" data-label=\"{}\"{}>\n<caption>{}, for {}</caption>\n<thead><tr><th scope=\"col\">Step</th>"
                     "<th scope=\"col\">From {} to {}</th><th scope=\"col\" class=\"num\">Change</th></tr></thead>\n<tbody>\n",
                     escape_html(ledger.method), ledger.label_index, ledger.label_index > 0 ? " hidden" : "", method_html(ledger.method),
                     ledger.label, page.value(low), page.value(high));
  for (const Step& step : steps) {
    const bool last = &step == &steps.back();
    const std::string unit = step.unit < page.text.units.size() ? fmt::format(" data-unit=\"{}\"", step.unit) : "";
    out += fmt::format("<tr{}{}><th scope=\"row\">{}</th><td class=\"track\">{}</td><td class=\"num\">{}</td></tr>\n", step.total ? " class=\"sum\"" : "", unit,
                       step.name, drawing(page, step, low, high, last), step.total ? page.value(step.to) : page.change(step.to - step.from));
  }
  out += "</tbody>\n</table>\n";
}

constexpr std::string_view kAllMasked = "All masked";
constexpr std::string_view kNoResidual = "Left over";
constexpr std::string_view kIntercept = "LIME’s intercept";
constexpr std::string_view kLimeResidual = "What LIME’s line misses";
constexpr std::string_view kGradientResidual = "Special tokens, and the gap";

// Shapley values add up, so that a further label's base is its score less their sum.
void other_ledgers(const ReportPage& page, std::string& out) {
  for (std::size_t at = 0; at < page.report.other_labels.size(); ++at) {
    const LabelValues& other = page.report.other_labels[at];
    for (const NamedValues& method : other.methods) {
      if (method.method != "shap" || method.values.size() != page.text.units.size()) continue;
      double base = other.score;
      for (const double value : method.values) base -= std::isfinite(value) ? value : 0;
      ledger_table(page, {"shap", name_html(other.label, 64), at + 1, kAllMasked, base, method.values, kNoResidual, other.score}, out);
    }
  }
}

}  // namespace

void ledger_section(const ReportPage& page, std::string& out) {
  const auto has = [&](std::string_view name) { return std::ranges::any_of(page.methods, [&](const NamedValues& each) { return each.method == name; }); };
  if (page.methods.empty() || (page.entity != nullptr && !has("integrated_gradients"))) return;  // nothing that adds up
  out += "<section class=\"card\" id=\"ledger\">\n<h2>How the score comes about</h2>\n";
  if (has("shap")) {
    const ShapExplanation& shap = *page.report.shap;
    ledger_table(page, {"shap", page.explained(), 0, kAllMasked, shap.base_value, shap.values, kNoResidual, page.text.score}, out);
    other_ledgers(page, out);
  }
  if (has("lime")) {
    const LimeExplanation& lime = *page.report.lime;
    ledger_table(page, {"lime", page.explained(), 0, kIntercept, lime.intercept, lime.values, kLimeResidual, page.text.score}, out);
  }
  const auto integrated = std::ranges::find(page.report.gradients, GradientMethod::integrated_gradients, &GradientExplanation::method);
  if (has("integrated_gradients")) {
    const std::string base = fmt::format("Baseline, {}", name(page.report.gradient_options.baseline));
    ledger_table(page, {"integrated_gradients", page.explained(), 0, base, integrated->base_value, integrated->values, kGradientResidual, page.text.score}, out);
  }
  out += fmt::format("<p class=\"hint ledger-none\"{}>There is no ledger for what this shows: the values do not add up to the score, or their base for "
                     "another label is not kept.</p>\n", has("shap") || has("lime") || has("integrated_gradients") ? " hidden" : "");
  out += "</section>\n";
}

}  // namespace filbert
