// The page of drift: what has changed, and each measure as two histograms over each other. It wears the style of the page of a text (report.cpp) and
// needs no script: its policy allows none. Tested by drift_page_test.cpp.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <filbert/drift.h>

#include "evaluate/drift.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kShownBins = 12;  // of kinds: those that add most

std::string p_value(double p) { return p < 0.0001 ? std::string("&lt; 0.0001") : number(p, 4); }

const char* verdict(Drift drift) { return drift == Drift::none ? "No drift" : drift == Drift::some ? "Some drift" : "Much drift"; }

std::string origin(const DriftSummary& summary) { return fmt::format("{} in {}", count_of(summary.texts, "text", "texts"), name_html(summary.input, 64)); }

void head(const DriftReport& report, std::string& out) {
  out += "<header>\n<p class=\"brand\">Filbert drift</p>\n";
  out += fmt::format("<h1>{}</h1>\n<p class=\"lead\">Compared are {} with {}.</p>\n", verdict(report.drift), origin(report.current), origin(report.reference));
  if (!report.notes.empty()) {
    out += "<ul class=\"notices\">\n";
    for (const std::string& note : report.notes) out += fmt::format("<li>{}</li>\n", visible_html(note));
    out += "</ul>\n";
  }
  out += "<div class=\"answers\">\n<section>\n<h2>What has changed?</h2>\n";
  for (const DriftMeasure& measure : report.measures) {
    if (measure.drift != Drift::none) out += fmt::format("<p><strong>{}</strong>: {}</p>\n", name(measure.drift), visible_html(measure.reason));
  }
  if (report.drift == Drift::none) out += "<p>Nothing that is more than chance and large enough to matter.</p>\n";
  out += "</section>\n</div>\n</header>\n";
}

void overview(const DriftReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"measures\">\n<h2>Measure by measure</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Measures\">\n"
         "<table class=\"measures\">\n<thead><tr><th scope=\"col\">Measure</th><th scope=\"col\" class=\"num\">PSI</th><th scope=\"col\" class=\"num\">by chance up "
         "to</th><th scope=\"col\">Test</th><th scope=\"col\" class=\"num\">Statistic</th><th scope=\"col\" class=\"num\">p</th><th scope=\"col\">Drift</th></tr></thead>\n<tbody>\n";
  for (const DriftMeasure& measure : report.measures) {
    out += fmt::format("<tr class=\"drift-{}\"><th scope=\"row\"><a href=\"#{}\">{}</a></th><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{}</td>"
                       "<td class=\"num\">{}</td><td>{}</td></tr>\n", name(measure.drift), measure.info.name, measure.info.title, number(measure.psi, 3),
                       number(measure.chance_limit, 3), measure.info.is_number ? "KS" : "chi-square", number(measure.statistic, 3), p_value(measure.p_value),
                       name(measure.drift));
  }
  out += "</tbody>\n</table>\n</div>\n</section>\n";
}

// One distribution as steps, of bars [0, 1000] wide and 100 high.
std::string steps(const DriftMeasure& measure, bool is_reference, double highest) {
  const double width = 1000 / static_cast<double>(measure.histogram.size());
  std::string path = "M0 100";
  for (std::size_t bar = 0; bar < measure.histogram.size(); ++bar) {
    const HistogramBar& each = measure.histogram[bar];
    const double height = is_reference ? share(each.reference, measure.reference_texts) : share(each.current, measure.current_texts);
    path += fmt::format("V{:.2f}H{:.2f}", 100 - (highest > 0 ? 96 * height / highest : 0), width * static_cast<double>(bar + 1));
  }
  return path + "V100";
}

void histogram(const DriftMeasure& measure, std::string& out) {
  double highest = 0;
  for (const HistogramBar& bar : measure.histogram) {
    highest = std::max({highest, share(bar.reference, measure.reference_texts), share(bar.current, measure.current_texts)});
  }
  out += fmt::format("<svg class=\"both\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}: the median goes from {:g} to {:g}; the table below has "
                     "the shares\"><path class=\"old\" d=\"{}Z\"/><path class=\"new\" d=\"{}\"/></svg>\n", measure.info.title, measure.reference_median, measure.current_median,
                     steps(measure, true, highest), steps(measure, false, highest));
  const HistogramBar &first = measure.histogram.front(), &last = measure.histogram.back();
  const bool has_rest = last.high - last.low > 1.01 * (first.high - first.low);
  out += fmt::format("<p class=\"axis\"><span>{:g}</span><span>{}</span></p>\n", first.low, has_rest ? fmt::format("{:g} and more", last.low) : fmt::format("{:g}", last.high));
  out += fmt::format("<p>Median {:g} → {:g}, mean {:.4g} → {:.4g}.</p>\n", measure.reference_median, measure.current_median, measure.reference_mean, measure.current_mean);
}

void bins(const DriftMeasure& measure, std::string& out) {
  std::vector<const DriftBin*> shown;
  for (const DriftBin& bin : measure.bins) shown.push_back(&bin);
  if (!measure.info.is_number && shown.size() > kShownBins) {
    std::ranges::stable_sort(shown, [](const DriftBin* a, const DriftBin* b) { return a->psi > b->psi; });
    shown.resize(kShownBins);
  }
  out += "<table class=\"bins\">\n<thead><tr><th scope=\"col\">Bin</th><th scope=\"col\">Old above new</th><th scope=\"col\" class=\"num\">Old</th><th scope=\"col\" "
         "class=\"num\">New</th><th scope=\"col\" class=\"num\">PSI</th></tr></thead>\n<tbody>\n";
  for (const DriftBin* bin : shown) {
    const double old_share = share(bin->reference, measure.reference_texts), new_share = share(bin->current, measure.current_texts);
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"track\"><svg class=\"pairs\" viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path "
                       "class=\"old-bar\" d=\"M0 1h{:.0f}v8H0z\"/><path class=\"new-bar\" d=\"M0 11h{:.0f}v8H0z\"/></svg></td><td class=\"num\">{} %</td><td class=\"num\">{} %</td>"
                       "<td class=\"num\">{}</td></tr>\n", name_html(bin->name), 1000 * old_share, 1000 * new_share, number(100 * old_share, 1), number(100 * new_share, 1),
                       number(bin->psi, 3));
  }
  out += "</tbody>\n</table>\n";
  if (shown.size() < measure.bins.size()) out += fmt::format("<p class=\"hint\">and {} more that add less</p>\n", measure.bins.size() - shown.size());
}

void measure_card(const DriftMeasure& measure, std::string& out) {
  std::string title(measure.info.title);
  title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(title.front())));
  out += fmt::format("<section class=\"card\" id=\"{}\">\n<h2>{}</h2>\n<p class=\"hint\">Drift: <span class=\"verdict\">{}</span>. PSI {}; chance alone gives up to {}.</p>\n",
                     measure.info.name, title, name(measure.drift), number(measure.psi, 3), number(measure.chance_limit, 3));
  out += "<p class=\"legend\"><span><span class=\"key is-old\"></span>old</span><span><span class=\"key is-new\"></span>new</span></p>\n";
  if (!measure.histogram.empty()) histogram(measure, out);
  bins(measure, out);
  if (!measure.examples.empty()) {
    out += fmt::format("<h3>New texts: {}</h3>\n<ul class=\"new-texts\">\n", name_html(measure.examples.front().bin));
    for (const DriftExample& example : measure.examples) out += fmt::format("<li><bdi>{}</bdi></li>\n", visible_html(example.text));
    out += "</ul>\n";
  }
  out += "</section>\n";
}

void reading(const DriftReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n";
  out += fmt::format("<p>The PSI sums (new − old) · ln(new ∕ old) over the bins’ shares; numbers are cut into {} bins by the quantiles of the old texts. From {:g} on it is some "
                     "drift, from {:g} on much, if it is also above what chance gives: of {} pairs of samples as large as these, drawn from old and new together, only {:g} % reach the "
                     "limit in any measure. KS is the two-sample test of Kolmogorov and Smirnov. With many texts its p is small for differences that do not matter, and so is "
                     "that of chi-square: they do not decide.</p>\n", report.options.bins, report.options.some, report.options.much, report.options.replicates,
                     100 * report.options.false_alarms);
  out += "<p>A label that is predicted more often may be a change of the world or of the texts. Whether the model is still right, only gold labels tell.</p>\n</section>\n";
}

void reproduce(const DriftReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"again\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("Old", origin(report.reference), out);
  fact("New", origin(report.current), out);
  fact("Model", name_html(report.current.model, 64), out);
  fact("Its weights", hash_html(report.current.model_sha256), out);
  fact("Its tokenizer", hash_html(report.current.tokenizer_sha256), out);
  fact("Its decision", hash_html(report.current.decision_sha256), out);
  fact("Seed", fmt::format("{}", report.options.seed), out);
  fact("Filbert", name_html(report.current.version), out);
  out += "</dl>\n" + command_html(report.command) + "</section>\n";
}

}  // namespace

std::string html_report(const DriftReport& report) {
  std::string out = document_head(fmt::format("{}: {}", verdict(report.drift), name_text(report.current.input, 60)), report.current.version, {kReportCss, kDriftCss}, {});
  out += "<body>\n<a class=\"skip\" href=\"#measures\">To the measures</a>\n";
  head(report, out);
  out += "<main>\n";
  overview(report, out);
  for (const DriftMeasure& measure : report.measures) measure_card(measure, out);
  reading(report, out);
  reproduce(report, out);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace filbert
