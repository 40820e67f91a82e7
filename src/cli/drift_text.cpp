#include "cli/drift_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/columns.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kLetterScripts = 4;

// `text` in lines of at most 80 columns, cut at spaces; each begins with `indent` spaces, those after the first with two more.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string lines, line(indent, ' ');
  std::size_t begin = 0;
  for (bool is_first = true; begin < text.size(); is_first = false) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (!is_first && columns_of(line) + 1 + columns_of(word) > kPlainColumns) {
      lines += line + '\n';
      line = std::string(indent + 2, ' ') + word;
    } else {
      line += (is_first ? "" : " ") + word;
    }
    begin = end + 1;
  }
  return lines + line + '\n';
}

std::string p_value(double p) { return p < 0.0001 ? std::string("<0.0001") : fmt::format("{:.4f}", p); }

std::string median(double value) { return std::abs(value) < 100 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value); }

std::string row(const DriftMeasure& measure, const Output& out) {
  const std::string medians = measure.info.is_number ? fmt::format("{} → {}", median(measure.reference_median), median(measure.current_median)) : std::string();
  const std::string line = fmt::format("{:<19}{:>7.3f} {:>9.3f}  {:<5}{:>7} {:>8}  {:<6}{}", measure.info.title, measure.psi, measure.chance_limit,
                                       measure.info.is_number ? "KS" : "chi2", fmt::format("{:.4g}", measure.statistic), p_value(measure.p_value),
                                       name(measure.drift), medians);
  const std::string shown = line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  return measure.drift == Drift::none ? shown : out.bold(shown.substr(0, shown.size() - 1)) + '\n';
}

std::string letters_line(const DriftSummary& summary, const char* what) {
  std::vector<std::pair<std::uint64_t, std::string>> scripts;
  double all = 0;
  for (const auto& [script, letters] : summary.letters) {
    scripts.emplace_back(letters, script);
    all += static_cast<double>(letters);
  }
  std::ranges::stable_sort(scripts, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string line = fmt::format("Letters of the {}: ", what);
  if (scripts.empty()) line += "none";
  for (std::size_t at = 0; at < std::min(scripts.size(), kLetterScripts); ++at) {
    line += fmt::format("{}{} {:.1f} %", at == 0 ? "" : ", ", scripts[at].second, 100 * static_cast<double>(scripts[at].first) / all);
  }
  return wrapped(line, 0);
}

}  // namespace

std::string text_lines(const DriftReport& report, const Output& out) {
  const auto texts = [](std::uint64_t count) { return fmt::format("{} text{}", count, count == 1 ? "" : "s"); };
  const char* verdict = report.drift == Drift::none ? "No drift" : report.drift == Drift::some ? "Some drift" : "Much drift";
  const std::string first = wrapped(fmt::format("{}: {} in {} against {} in {}", verdict, texts(report.current.texts), out.foreign(report.current.input),
                                                texts(report.reference.texts), out.foreign(report.reference.input)), 0);
  std::string lines = out.bold(verdict) + first.substr(std::string_view(verdict).size());
  for (const DriftMeasure& measure : report.measures) {
    if (measure.drift != Drift::none) lines += wrapped(fmt::format("{}: {}", name(measure.drift), out.foreign(measure.reason)), 2);
  }
  lines += fmt::format("\n{:<19}{:>7} {:>9}  {:<5}{:>7} {:>8}  {:<6}{}\n", "", "PSI", "by chance", "test", "", "p", "drift", "median");
  for (const DriftMeasure& measure : report.measures) lines += row(measure, out);
  lines += '\n' + letters_line(report.reference, "reference") + letters_line(report.current, "new texts");
  for (const std::string& note : report.notes) lines += wrapped(out.foreign(note), 0);
  for (const DriftMeasure& measure : report.measures) {
    if (measure.examples.empty()) continue;
    lines += fmt::format("\nNew in {}, {}:\n", measure.info.title, out.foreign(measure.examples.front().bin));
    for (const DriftExample& example : measure.examples) {
      const std::string text = beginning_of(one_line(example.text, out), kPlainColumns - 2);
      lines += "  " + (text.empty() ? std::string("(nothing)") : text) + '\n';
    }
  }
  return lines;
}

}  // namespace filbert::cli
