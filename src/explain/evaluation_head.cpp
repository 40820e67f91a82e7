// The first screen of the page of an evaluation: the questions that it answers, and what stayed out.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/evaluation_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

std::string interval_words(const Measure& measure, bool is_share) {
  if (std::isnan(measure.low)) return "";
  return is_share ? fmt::format(", likely {:.1f} to {:.1f} %", 100 * measure.low, 100 * measure.high)
                  : fmt::format(", likely {} to {}", number(measure.low, 3), number(measure.high, 3));
}

void answer_right(const EvaluationReport& report, std::string& out) {
  const Evaluation& evaluation = report.evaluation;
  const Measure& first = evaluation.measures.front().measure;
  if (evaluation.kind == EvaluationKind::regression) {
    out += fmt::format("<section>\n<h2>How far is it off?</h2>\n<p><strong>{}</strong> on average{}.</p>\n</section>\n", number(first.value, 3), interval_words(first, false));
    return;
  }
  out += fmt::format("<section>\n<h2>How often is it right?</h2>\n<p><strong>{}</strong>{}.</p>\n", percent_html(first.value), interval_words(first, true));
  if (evaluation.kind == EvaluationKind::multi_label) {
    out += fmt::format("<p>Those are texts all of whose labels are right; of single labels {} are wrong.</p>\n", percent_html(evaluation.at("hamming_loss").value));
  }
  if (report.options.ordered && evaluation.kind == EvaluationKind::single_label) {
    out += fmt::format("<p>It is off by one at most in {}.</p>\n", percent_html(evaluation.at("within_one").value));
  }
  if (evaluation.baseline) out += fmt::format("<p>Always saying the most frequent label would be right in {}.</p>\n", percent_html(*evaluation.baseline));
  if (evaluation.rejected) {
    out += fmt::format("<p>It answers <strong>{}</strong> of the texts; the others are rejected.</p>\n", percent_html(evaluation.at("coverage").value));
  }
  out += "</section>\n";
}

void answer_trust(const EvaluationReport& report, std::string& out) {
  if (report.evaluation.kind == EvaluationKind::regression) return;
  const Measure& error = report.evaluation.at("ece");
  const Measure& over = report.evaluation.at("overconfidence");
  const bool is_sure = !std::isnan(over.low) && (over.low > 0 || over.high < 0);
  out += fmt::format("<section>\n<h2>Can its scores be trusted?</h2>\n<p>They are off by <strong>{}</strong> on average (ECE).</p>\n", percent_html(error.value));
  out += fmt::format("<p>{}</p>\n</section>\n", !is_sure         ? "Neither too sure nor too modest, taken together."
                                                : over.value > 0 ? "It is surer than it should be."
                                                                 : "It is right more often than it says.");
}

void answer_mistakes(const EvaluationReport& report, std::string& out) {
  const Evaluation& evaluation = report.evaluation;
  const std::size_t labels = evaluation.labels.size();
  std::size_t worst = evaluation.confusion.size();
  for (std::size_t cell = 0; cell < evaluation.confusion.size(); ++cell) {
    if (cell / labels != cell % labels && evaluation.confusion[cell] > (worst < evaluation.confusion.size() ? evaluation.confusion[worst] : 0)) worst = cell;
  }
  if (worst == evaluation.confusion.size()) return;
  out += fmt::format("<section>\n<h2>What does it mistake?</h2>\n<p>Most often {} is taken for {}: {}.</p>\n", name_html(evaluation.labels[worst / labels]),
                     name_html(evaluation.labels[worst % labels]), count_of(evaluation.confusion[worst], "text", "texts"));
  const auto weakest = std::ranges::min_element(evaluation.per_label, {}, [](const LabelMeasures& label) { return std::isnan(label.f1.value) ? 2 : label.f1.value; });
  out += fmt::format("<p>The weakest label is {}, F1 {}.</p>\n</section>\n", name_html(weakest->label), number(weakest->f1.value, 3));
}

void answer_models(const EvaluationReport& report, std::string& out) {
  if (!report.comparison) return;
  const NamedMeasure& first = report.comparison->differences.front();
  const Measure& change = first.measure;
  const bool is_sure = !std::isnan(change.low) && (change.low > 0 || change.high < 0);
  out += "<section>\n<h2>Which model is better?</h2>\n";
  if (first.info.is_share) {
    out += fmt::format("<p>The second is right in <strong>{}</strong> points{}.</p>\n", signed_number(100 * change.value, 1),
                       std::isnan(change.low) ? "" : fmt::format(", likely {} to {}", signed_number(100 * change.low, 1), signed_number(100 * change.high, 1)));
    out += fmt::format("<p>McNemar’s test: p = {:.3g} (mid-p), {}.</p>\n", report.comparison->mcnemar_mid_p,
                       report.comparison->mcnemar_mid_p < 0.05 ? "a difference that chance alone rarely makes" : "a difference that chance alone can make");
  } else {
    out += fmt::format("<p>The second’s error differs by <strong>{}</strong>{}.</p>\n", signed_number(change.value, 3), is_sure ? "" : ", which may be chance");
  }
  out += "</section>\n";
}

void notices(const EvaluationReport& report, std::string& out) {
  std::vector<std::string> lines;
  if (report.unlabelled > 0) lines.push_back(fmt::format("{} no label, and stay out of everything here.", count_of(report.unlabelled, "row has", "rows have")));
  if (report.unknown_texts > 0) {
    std::string names;
    for (std::size_t at = 0; at < std::min<std::size_t>(report.unknown.size(), 5); ++at) names += (names.empty() ? "" : ", ") + name_html(report.unknown[at].value);
    lines.push_back(fmt::format("{} a label that the model does not have ({}), and stay out of everything here.", count_of(report.unknown_texts, "row has", "rows have"), names));
  }
  if (!report.gold_names.empty()) {
    std::string names;
    for (std::size_t at = 0; at < std::min<std::size_t>(report.gold_names.size(), 12); ++at) {
      names += fmt::format("{}{} as {}", at == 0 ? "" : ", ", name_html(report.gold_names[at].first), name_html(report.gold_names[at].second));
    }
    lines.push_back(fmt::format("Labels of the file are read so: {}{}.", names, report.gold_names.size() > 12 ? ", …" : ""));
  }
  if (!report.decision.empty()) lines.push_back(fmt::format("Labels and scores are those of {}.", name_html(report.decision, 200)));
  if (report.evaluation.rejected.value_or(0) > 0) {
    lines.push_back(fmt::format("{} rejected: all figures but the coverage are of the others.", count_of(*report.evaluation.rejected, "text is", "texts are")));
  }
  if (report.truncated > 0) lines.push_back(fmt::format("{} too long for the model, which saw the beginning.", count_of(report.truncated, "text is", "texts are")));
  if (report.invalid_utf8 > 0) lines.push_back(fmt::format("{} ill-formed UTF-8, which was replaced.", count_of(report.invalid_utf8, "text has", "texts have")));
  if (lines.empty()) return;
  out += "<ul class=\"notices\">\n";
  for (const std::string& line : lines) out += fmt::format("<li>{}</li>\n", line);
  out += "</ul>\n";
}

}  // namespace

void evaluation_head(const EvaluationReport& report, std::string& out) {
  out += "<header>\n<p class=\"brand\">Filbert evaluates</p>\n";
  out += fmt::format("<h1>How good it is on {}</h1>\n", name_html(report.input, 64));
  out += fmt::format("<p class=\"lead\">{} of {}, classified by {} in {} and held against their labels{}.</p>\n", count_of(report.evaluation.texts, "text", "texts"),
                     count_of(report.rows, "row", "rows"), name_html(report.model, 64), name_html(report.dtype),
                     report.against ? fmt::format("; beside it {} in {}", name_html(report.against_model, 64), name_html(report.against_dtype)) : "");
  out += "<div class=\"answers\">\n";
  answer_right(report, out);
  answer_models(report, out);
  answer_trust(report, out);
  answer_mistakes(report, out);
  out += "</div>\n";
  notices(report, out);
  out += "</header>\n";
}

}  // namespace filbert
