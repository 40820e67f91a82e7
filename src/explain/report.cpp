// The page of one text, or of an entity in it: a head of three answers, the text, and the sections that they rest on. Everything is printed here, in the order of
// reading, so that mail programs, printers and readers without a script have all of it; the script (web/report.js) only switches, links and
// looks up. It allows itself nothing: no network, no file, no style or script but the two that the policy names by their hashes.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "explain/attention_page.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

bool has_probabilities(const ExplainReport& report) {
  if (report.options.function_to_apply) return *report.options.function_to_apply != FunctionToApply::none;
  const Classification& answer = report.text.classification;
  if (!answer.logits.empty() && answer.logits.size() == answer.scores.size()) {  // scores that are the logits: no function was applied
    return !std::equal(answer.logits.begin(), answer.logits.end(), answer.scores.begin(),
                       [](float logit, const LabelScore& score) { return logit == score.score; });
  }
  return std::ranges::all_of(answer.scores, [](const LabelScore& score) { return score.score >= 0 && score.score <= 1; });
}

bool sum_to_one(const std::vector<LabelScore>& scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0, [](double before, const LabelScore& score) { return before + score.score; });
  return scores.size() > 1 && std::abs(sum - 1) < 1e-3;
}

// Three for what lies around 1, as classify prints; fewer for what is large, more for what is tiny.
int decimals_for(double largest) {
  if (largest >= 100) return 1;
  if (largest >= 10) return 2;
  return largest > 0 && largest < 0.01 ? 5 : 3;
}

std::string head_of(const ReportPage& page) {
  const std::string title = fmt::format("Why {}? – {}", name_text(page.text.label), name_text(page.entity ? page.named_entity() : page.text.text, 60));
  const std::string& version = page.report.version;
  if (!page.report.attention) {
    return page.contexts ? document_head(title, version, {kReportCss, kKwicCss}, {kReportJs}) : document_head(title, version, {kReportCss}, {kReportJs});
  }
  if (!page.contexts) return document_head(title, version, {kReportCss, kAttentionCss}, {kReportJs, kAttentionViewsJs, kAttentionJs});
  return document_head(title, version, {kReportCss, kAttentionCss, kKwicCss}, {kReportJs, kAttentionViewsJs, kAttentionJs});
}

}  // namespace

ReportPage::ReportPage(const ExplainReport& the_report, const EntityExplanation* the_entity, const ExplainedContexts* the_contexts)
    : report(the_report), entity(the_entity), contexts(the_contexts), text(the_report.text), methods(the_report.values()) {
  is_classify_score = text.target == ExplainTarget::probability;
  is_probability = is_classify_score && has_probabilities(report);
  sums_to_one = has_probabilities(report) && sum_to_one(text.classification.scores);
  double largest = std::abs(text.score);
  for (const NamedValues& method : methods) largest = std::max(largest, largest_of(method.values));
  decimals = decimals_for(largest);
}

std::string ReportPage::explained() const {
  const std::string label = name_html(text.label, 64);
  return text.target == ExplainTarget::contrast ? label + " rather than " + name_html(text.against, 64) : label;
}

std::string ReportPage::named_entity() const { return part_of(text.text, entity->entity.offset, report.options.offset_unit); }

bool ReportPage::is_of_entity(std::size_t unit) const { return entity != nullptr && std::ranges::find(entity->units, unit) != entity->units.end(); }

std::string ReportPage::quantity() const {
  const std::string label = name_html(text.label, 64);
  if (text.target == ExplainTarget::contrast) return fmt::format("the logit of {} less that of {}", label, name_html(text.against, 64));
  if (text.target == ExplainTarget::logit) return "the logit of " + label;
  return (is_probability ? "the probability of " : "the value of ") + label;
}

std::string_view ReportPage::unit_word() const {
  switch (report.options.unit) {
    case ExplainUnit::word: return "word";
    case ExplainUnit::token: return "token";
    case ExplainUnit::sentence: return "sentence";
    case ExplainUnit::regex: break;
  }
  return "part";
}

std::string ReportPage::unit_words(std::size_t count) const {
  return fmt::format("{} {}{}", count, unit_word(), count == 1 ? "" : "s");
}

std::string ReportPage::quoted(std::size_t unit) const {
  return unit < text.units.size() ? "“" + name_html(text.units[unit].text) + "”" : "“?”";
}

std::string ReportPage::value(double what) const { return number(what, decimals); }
std::string ReportPage::change(double what) const { return signed_number(what, decimals); }

std::vector<std::size_t> by_size(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto size = [&](std::size_t at) { return std::isfinite(values[at]) ? std::abs(values[at]) : -1; };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
  return order;
}

double largest_of(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  return largest;
}

int level(double value, double largest) {
  return std::isfinite(value) && largest > 0 ? static_cast<int>(std::lround(std::clamp(value / largest, -1.0, 1.0) * 10)) : 0;
}

std::string level_class(int level) { return level == 0 ? "z" : fmt::format("{}{}", level > 0 ? 'p' : 'n', std::abs(level)); }

std::string method_html(std::string_view method) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"shap", "SHAP"},
      {"lime", "LIME"},
      {"occlusion", "Occlusion"},
      {"saliency", "Saliency"},
      {"input_x_gradient", "Input × gradient"},
      {"integrated_gradients", "Integrated gradients"},
      {"smoothgrad", "SmoothGrad"},
      {"attention_rollout", "Attention rollout"},
      {"attention_gradient", "Attention × gradient"},
  };
  const auto* found = std::ranges::find(kNames, method, &std::pair<std::string_view, std::string_view>::first);
  return found != std::end(kNames) ? std::string(found->second) : name_html(method);
}

// Values that are not as many as the units belong to another text: nothing can be said with them.
std::vector<NamedValues> ExplainReport::values() const {
  std::vector<NamedValues> methods;
  const auto add = [&](std::string_view method, const auto& explanation) {
    if (explanation && explanation->values.size() == text.units.size()) methods.push_back({std::string(method), explanation->values});
  };
  add("shap", shap);
  add("lime", lime);
  add("occlusion", occlusion);
  for (const GradientExplanation& gradient : gradients) {
    if (gradient.values.size() == text.units.size()) methods.push_back({std::string(name(gradient.method)), gradient.values});
  }
  return methods;
}

namespace {

std::string html_of(const ReportPage& page) {
  const ExplainReport& report = page.report;
  std::string out = head_of(page);
  out += "<body>\n<a class=\"skip\" href=\"#text\">To the text</a>\n";
  head_section(page, out);
  out += "<main>\n";
  text_section(page, out);
  ledger_section(page, out);
  methods_section(page, out);
  faithfulness_section(page, out);
  changes_section(page, out);
  phrases_section(page, out);
  labels_section(page, out);
  contexts_section(page, out);
  if (report.attention) attention_section(*report.attention, true, out);
  reading_section(page, out);
  reproduce_section(page, out);
  out += "</main>\n";
  json_blocks(page, out);
  if (report.attention) attention_data(*report.attention, {}, out);
  out += fmt::format("<script>{}</script>\n", kReportJs);
  if (report.attention) attention_scripts(out);
  return out + "</body>\n</html>\n";
}

}  // namespace

std::string html_report(const ExplainReport& report) { return html_of(ReportPage(report)); }

std::string html_report(const ExplainReport& report, const ExplainedContexts& contexts) { return html_of(ReportPage(report, nullptr, &contexts)); }

std::string html_report(const EntityExplanation& explanation) { return html_of(ReportPage(explanation.report, &explanation)); }

}  // namespace filbert
