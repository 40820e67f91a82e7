// The first screen of the page of an evaluation of entities, how to read it, and how to have it again.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/entities_page.h"
#include "explain/evaluation_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

std::string likely(const Measure& measure) {
  return std::isnan(measure.low) ? "" : fmt::format(", likely {} to {}", number(measure.low, 3), number(measure.high, 3));
}

void answer_right(const EntityEvaluation& evaluation, std::string& out) {
  const Measure& f1 = evaluation.at("micro_f1");
  out += fmt::format("<section>\n<h2>How good is it?</h2>\n<p>Micro F1 <strong>{}</strong>{}.</p>\n", number(f1.value, 3), likely(f1));
  out += fmt::format("<p>It finds {} of {} entities, and says {}.</p>\n</section>\n", evaluation.right, evaluation.gold, evaluation.predicted);
}

void answer_models(const EntityEvaluationReport& report, std::string& out) {
  if (!report.comparison) return;
  const Measure& change = report.comparison->differences.front().measure;
  out += fmt::format("<section>\n<h2>Which model is better?</h2>\n<p>The second has <strong>{}</strong> micro F1{}.</p>\n", signed_number(change.value, 3),
                     std::isnan(change.low) ? "" : fmt::format(", likely {} to {}", signed_number(change.low, 3), signed_number(change.high, 3)));
  const double p = report.comparison->bootstrap_p;
  if (!std::isnan(p)) out += fmt::format("<p>Paired bootstrap: p = {:.3g}, {}.</p>\n", p, p < 0.05 ? "a difference that chance alone rarely makes"
      : "a difference that chance alone can make");
  out += "</section>\n";
}

void answer_ends(const EntityEvaluation& evaluation, std::string& out) {
  out += fmt::format("<section>\n<h2>Is it nearly right?</h2>\n<p>With overlaps of the same type counted as right F1 is <strong>{}</strong>.</p>\n"
                     "<p>With any type and both ends it is {}.</p>\n</section>\n",
                     number(evaluation.at("overlap_f1").value, 3), number(evaluation.at("boundary_f1").value, 3));
}

void answer_mistakes(const EntityEvaluation& evaluation, std::string& out) {
  constexpr const char* kSentences[] = {"", "It gives them another type.", "It finds them, but not where they begin and end.",
      "It says something else, and elsewhere.", "It misses them.",
                                        "It says entities that are none."};
  std::size_t worst = 0;
  for (std::size_t outcome = 1; outcome < kEntityOutcomes; ++outcome) {
    if (evaluation.outcomes[outcome] > (worst == 0 ? 0 : evaluation.outcomes[worst])) worst = outcome;
  }
  if (worst == 0) return;
  out += fmt::format("<section>\n<h2>What goes wrong most?</h2>\n<p>{} <strong>{}</strong> {}.</p>\n</section>\n", kSentences[worst],
      evaluation.outcomes[worst],
                     evaluation.outcomes[worst] == 1 ? "time" : "times");
}

std::string names_of(std::vector<std::string> names) {
  constexpr std::size_t kNamed = 12;
  std::string list;
  for (std::size_t at = 0; at < std::min(names.size(), kNamed); ++at) list += (at == 0 ? "" : ", ") + names[at];
  return names.size() > kNamed ? list + ", …" : list;
}

void notices(const EntityEvaluationReport& report, std::string& out) {
  std::vector<std::string> lines, never_said, never_gold, names;
  for (const auto& [type, count] : report.never_said) never_said.push_back(fmt::format("{} ({})", name_html(type), count));
  for (const std::string& type : report.never_gold) never_gold.push_back(name_html(type));
  for (const auto& [name, type] : report.gold_names) names.push_back(fmt::format("{} as {}", name_html(name), name_html(type)));
  if (!never_said.empty()) lines.push_back(fmt::format("The model never says {}, which count as missed.", names_of(never_said)));
  if (!never_gold.empty()) lines.push_back(fmt::format("The file has no {}: what the model says of them counts as wrong.", names_of(never_gold)));
  if (!names.empty()) lines.push_back(fmt::format("Labels of the file are read so: {}.", names_of(names)));
  if (report.truncated > 0) lines.push_back(fmt::format("{} too long for the model, which saw the beginning.",
      count_of(report.truncated, "text is", "texts are")));
  if (report.windowed > 0) lines.push_back(fmt::format("{} too long for the model, and read in windows.", count_of(report.windowed, "text is", "texts are")));
  if (report.unseen_words > 0) lines.push_back(fmt::format("Of {} the tokenizer makes no token: they have no label.",
      count_of(report.unseen_words, "word", "words")));
  if (report.invalid_utf8 > 0) lines.push_back(fmt::format("{} ill-formed UTF-8, which was replaced.",
      count_of(report.invalid_utf8, "text has", "texts have")));
  if (lines.empty()) return;
  out += "<ul class=\"notices\">\n";
  for (const std::string& line : lines) out += fmt::format("<li>{}</li>\n", line);
  out += "</ul>\n";
}

}  // namespace

void entities_head(const EntityEvaluationReport& report, std::string& out) {
  out += "<header>\n<p class=\"brand\">Filbert evaluates</p>\n";
  out += fmt::format("<h1>How good it is on {}</h1>\n", name_html(report.input, 64));
  out += fmt::format("<p class=\"lead\">{} with {}, read by {} in {} and held against their labels{}.</p>\n",
      count_of(report.evaluation.texts, "text", "texts"),
                     count_of(report.evaluation.gold, "entity", "entities"), name_html(report.model, 64), name_html(report.dtype),
                     report.against ? fmt::format("; beside it {} in {}", name_html(report.against_model, 64), name_html(report.against_dtype)) : "");
  out += "<div class=\"answers\">\n";
  answer_right(report.evaluation, out);
  answer_models(report, out);
  answer_ends(report.evaluation, out);
  answer_mistakes(report.evaluation, out);
  out += "</div>\n";
  notices(report, out);
  out += "</header>\n";
}

void entities_reading(const EntityEvaluationReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n";
  if (report.options.bootstrap > 0) {
    out += fmt::format("<li>The ends of an interval are those of {:g} % of {} samples of these texts, drawn with replacement. They tell what other texts of "
                       "the same kind would give, not what texts of another kind would.</li>\n", 100 * report.options.confidence, report.options.bootstrap);
  }
  out += "<li>Micro figures are of all entities together; macro ones are the mean over types, each counting alike, however rare; weighted ones "
         "count each type as often as the file has it.</li>\n"
         "<li>An entity of which one end is wrong counts twice, as missed and as spurious. Overlap figures count it as right, boundary figures do not look at "
         "the type.</li>\n"
         "<li>Label accuracy is high for any model, since most words are no entity.</li>\n"
         "<li>All of it is no better than the labels of the file. Two people who label the same texts do not always agree either.</li>\n</ul>\n</section>\n";
}

void entities_reproduce(const EntityEvaluationReport& report, std::string& out) {
  const EvaluateOptions& options = report.options;
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("File", name_html(report.input, 200), out);
  fact("File, sha256", hash_html(report.input_sha256), out);
  fact("Compared with", name_html(report.train, 200), out);
  fact("Its labels are read by", name_html(report.gold_rules), out);
  fact("Model", name_html(report.model, 200), out);
  fact("Weights, sha256", hash_html(report.model_sha256), out);
  fact("Tokenizer, sha256", hash_html(report.tokenizer_sha256), out);
  fact("Computed in", name_html(report.dtype), out);
  fact("The model’s labels", fmt::format("{}, aggregation strategy {}, {}", name_html(report.model_rules), name_html(report.aggregation_strategy),
      name_html(report.decoding)), out);
  fact("Second model", name_html(report.against_model, 200), out);
  fact("Its weights, sha256", hash_html(report.against_sha256), out);
  fact("It computes in", name_html(report.against_dtype), out);
  fact("Filbert", name_html(report.version), out);
  fact("Measured with", fmt::format("{} samples, intervals of {:g} %, seed {}", options.bootstrap, 100 * options.confidence, options.seed), out);
  out += "</dl>\n";
  out += command_html(report.command);
  out += "</section>\n";
}

}  // namespace filbert
