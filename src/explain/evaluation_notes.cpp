// What the page of an evaluation says beside its figures: the texts that the model is most wrong about, how to read it, how to have it again.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/evaluation_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

std::string verdict(const EvaluationReport& report, const WrongText& text) {
  if (report.evaluation.kind == EvaluationKind::regression) return fmt::format("should be {}, is {}", number(text.gold_score, 3), number(text.score, 3));
  if (report.evaluation.kind == EvaluationKind::multi_label) return fmt::format("should be {}; is {}", name_html(text.gold, 200), name_html(text.predicted, 200));
  return fmt::format("should be <span class=\"word for\">{}</span> ({}), is <span class=\"word against\">{}</span> ({})", name_html(text.gold), number(text.gold_score, 3),
                     name_html(text.predicted), number(text.score, 3));
}

}  // namespace

void evaluation_worst(const EvaluationReport& report, std::string& out) {
  if (report.worst.empty()) return;
  out += "<section class=\"card\" id=\"worst\">\n<h2>The worst mistakes</h2>\n<p class=\"hint\">The texts with the highest loss. Look here first: often it is the label of the file that is wrong.</p>\n";
  for (const WrongText& text : report.worst) {
    out += fmt::format("<article>\n<h3>Row {}{}</h3>\n<p>{}</p>\n", text.row, text.truncated ? ", of which the model saw the beginning" : "", verdict(report, text));
    out += fmt::format("<p class=\"wrong\" dir=\"auto\">{}{}</p>\n", visible_html(text.text), text.shortened ? "…" : "");
    if (text.text_pair) out += fmt::format("<p class=\"wrong\" dir=\"auto\">{}</p>\n", visible_html(*text.text_pair));
    out += "</article>\n";
  }
  out += "</section>\n";
}

void evaluation_reading(const EvaluationReport& report, std::string& out) {
  const bool is_regression = report.evaluation.kind == EvaluationKind::regression;
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n";
  if (report.options.bootstrap > 0) {
    out += fmt::format("<li>The ends of an interval are those of {:g} % of {} samples of these texts, drawn with replacement. They tell what other texts of the same kind would give, not what "
                       "texts of another kind would.</li>\n", 100 * report.options.confidence, report.options.bootstrap);
  }
  if (!is_regression) {
    out += "<li>Accuracy is easy where one label is frequent; macro F1 counts every label alike, however rare.</li>\n"
           "<li>Log loss and the Brier score are of the scores, not only of the best label: they punish a model that is sure and wrong.</li>\n";
    out += fmt::format("<li>The calibration error (ECE) is the mean distance between what scores say and how often that is right, over {} bins of equal width. It is above 0 even for a perfect model, "
                       "the more so the fewer texts there are; and a model that always says the same can have a low one.</li>\n", report.options.bins);
  } else {
    out += "<li>R² is the share of the targets’ variance that the model explains: 0 is what always saying their mean gives, below 0 is worse than that.</li>\n";
  }
  out += "<li>All of it is no better than the labels of the file. Two people who label the same texts do not always agree either.</li>\n</ul>\n</section>\n";
}

void evaluation_reproduce(const EvaluationReport& report, std::string& out) {
  const EvaluateOptions& options = report.options;
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("File", name_html(report.input, 200), out);
  fact("File, sha256", hash_html(report.input_sha256), out);
  fact("Labels", name_html(report.label_column, 200), out);
  fact("Model", name_html(report.model, 200), out);
  fact("Weights, sha256", hash_html(report.model_sha256), out);
  fact("Tokenizer, sha256", hash_html(report.tokenizer_sha256), out);
  fact("Computed in", name_html(report.dtype), out);
  fact("Decision", name_html(report.decision, 200), out);
  fact("What it says, sha256", hash_html(report.decision_sha256), out);
  fact("Second model", name_html(report.against_model, 200), out);
  fact("Its weights, sha256", hash_html(report.against_sha256), out);
  fact("It computes in", name_html(report.against_dtype), out);
  fact("Its decision", name_html(report.against_decision, 200), out);
  fact("What that says, sha256", hash_html(report.against_decision_sha256), out);
  fact("Filbert", name_html(report.version), out);
  fact("Measured with", fmt::format("{} bins, {} samples, intervals of {:g} %, seed {}{}", options.bins, options.bootstrap, 100 * options.confidence, options.seed,
                                    report.evaluation.kind == EvaluationKind::multi_label ? fmt::format(", threshold {:g}", options.threshold) : ""), out);
  out += "</dl>\n";
  out += command_html(report.command);
  out += "</section>\n";
}

}  // namespace filbert
