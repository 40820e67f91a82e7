#include "cli/explain_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/columns.h"
#include "cli/help.h"

namespace filbert::cli {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "?";
  return std::abs(value) < 0.0005 ? "0.000" : fmt::format("{:+.3f}", value);
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

// The words with a row of numbers a method, in blocks as wide as the terminal.
std::string word_blocks(const ExplainReport& report, const std::vector<NamedValues>& methods, const Output& out) {
  const std::vector<ExplainedUnit>& units = report.text.units;
  std::size_t margin = 0;
  for (const NamedValues& method : methods) margin = std::max(margin, method.method.size());
  const double scale = std::max(largest(methods.front().values), 1e-12);
  std::string lines;
  for (std::size_t first = 0; first < units.size();) {
    std::string words(margin, ' ');
    std::vector<std::string> rows;
    for (const NamedValues& method : methods) rows.push_back(fmt::format("{:<{}}", method.method, margin));
    std::size_t used = margin;
    std::size_t unit = first;
    for (; unit < units.size(); ++unit) {
      const Word word = shown(units[unit].text, out);
      std::size_t width = word.columns;
      for (const NamedValues& method : methods) width = std::max(width, number(method.values[unit]).size());
      if (unit > first && used + 2 + width > out.columns()) break;
      used += 2 + width;
      words += std::string(2 + width - word.columns, ' ') + out.shaded(word.text, methods.front().values[unit] / scale);
      for (std::size_t row = 0; row < rows.size(); ++row) rows[row] += fmt::format("  {:>{}}", number(methods[row].values[unit]), width);
    }
    if (first > 0) lines += '\n';
    lines += words + '\n';
    for (const std::string& row : rows) lines += row + '\n';
    first = unit;
  }
  return lines;
}

std::string target_words(const ExplainedText& text, const Output& out) {
  const std::string label = out.foreign(text.label);
  switch (text.target) {
    case ExplainTarget::probability: return fmt::format("score of {}", label);
    case ExplainTarget::logit: return fmt::format("logit of {}", label);
    case ExplainTarget::contrast: break;
  }
  return fmt::format("logit of {} less that of {}", label, out.foreign(text.against));
}

// A sentence on lines of 80 columns, those after the first one indented.
std::string shap_lines(const ShapExplanation& shap, double score) {
  double sum = 0, half_width = 0;
  for (std::size_t unit = 0; unit < shap.values.size(); ++unit) {
    sum += shap.values[unit];
    if (!shap.low.empty()) half_width = std::max(half_width, (shap.high[unit] - shap.low[unit]) / 2);
  }
  std::string line = fmt::format("shap: {:.3f} with every word masked {:+.3f} by the words = {:.3f}; {}, {} evaluations", shap.base_value, sum,
                                 score, shap.algorithm, shap.evaluations);
  if (!shap.low.empty()) line += fmt::format(", 95 % within ±{:.3f}", half_width);
  if (shap.truncated) line += "; what was not asked for is spread evenly over the words of a phrase";
  if (shap.stopped) line += "; stopped when the time was up";
  return sentence(line);
}

std::string lime_lines(const LimeExplanation& lime, double score) {
  return sentence(fmt::format("lime: its line says {:.3f} where the model says {:.3f}, R² {:.2f}; {} samples, {} evaluations{}", lime.local_pred,
                              score, lime.r2, lime.num_samples, lime.evaluations, lime.stopped ? "; stopped when the time was up" : ""));
}

std::string gradient_lines(const std::vector<GradientExplanation>& gradients) {
  std::string lines;
  for (const GradientExplanation& gradient : gradients) {
    if (gradient.method == GradientMethod::integrated_gradients) {
      double sum = 0;
      for (const double value : gradient.values) sum += value;
      lines += sentence(fmt::format("integrated_gradients: {:.3f} of the baseline {:+.3f} by the words {:+.3f} by special tokens {:+.5f} left over = {:.3f}; {} steps",
                                    gradient.base_value, sum, gradient.special, gradient.gap, gradient.score, gradient.num_steps));
    }
    if (gradient.stopped) lines += fmt::format("{}: stopped when the time was up\n", name(gradient.method));
  }
  return lines;
}

std::string set_words(const std::vector<std::size_t>& set, const ExplainedText& text, const Output& out) {
  std::string words;
  for (const std::size_t unit : set) words += fmt::format("{}“{}”", words.empty() ? "" : " ", shown(text.units[unit].text, out).text);
  return words;
}

std::string counterfactual_lines(const CounterfactualExplanation& found, const ExplainedText& text, const Output& out) {
  std::string lines;
  const auto add = [&](const char* format, const std::vector<Counterfactual>& sets) {
    if (sets.empty()) return;
    const Counterfactual& set = sets.front();
    lines += sentence(fmt::format(fmt::runtime(format), set_words(set.units, text, out), out.foreign(set.label), set.score));
  };
  add("without {}: {} ({:.3f})", found.flips);
  if (!found.keeps.empty() && found.keeps.front().units.empty()) {
    add("with every word masked{}: still {} ({:.3f})", found.keeps);
  } else {
    add("{} alone: {} ({:.3f})", found.keeps);
  }
  return lines;
}

}  // namespace

std::string text_lines(const ExplainReport& report, const Output& out) {
  const ExplainedText& text = report.text;
  std::string_view trimmed = text.text;
  while (trimmed.ends_with('\n') || trimmed.ends_with('\r')) trimmed.remove_suffix(1);
  std::string lines = fmt::format("text: {}\n", out.foreign(trimmed));
  if (text.text_pair) lines += fmt::format("text_pair: {}\n", out.foreign(*text.text_pair));
  lines += out.bold(fmt::format("{:<7}:\t{:.3f}", out.foreign(text.classification.label), text.classification.score)) + '\n';
  lines += fmt::format("why: {}, {:.3f}\n", target_words(text, out), text.score);
  std::vector<NamedValues> methods = report.values();
  for (std::size_t unit = 0; report.shap && unit < report.shap->low.size(); ++unit) {  // of which nothing is known yet
    if (std::isinf(report.shap->low[unit])) methods.front().values[unit] = std::nan("");
  }
  if (!methods.empty() && !text.units.empty()) lines += '\n' + word_blocks(report, methods, out);
  lines += '\n';
  if (text.units.empty()) lines += "there is nothing to mask: the text has no words\n";
  if (report.shap) lines += shap_lines(*report.shap, text.score);
  if (report.lime) lines += lime_lines(*report.lime, text.score);
  if (report.occlusion && report.occlusion->stopped) lines += "occlusion: stopped when the time was up\n";
  lines += gradient_lines(report.gradients);
  if (report.counterfactuals) lines += counterfactual_lines(*report.counterfactuals, text, out);
  return lines;
}

}  // namespace filbert::cli
