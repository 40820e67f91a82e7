// The page of many texts: what decides, label by label, with the tables and the texts that this rests on. It wears the style of the page of a
// single text (report.cpp) and needs no script: its policy allows none. Tested by corpus_page_test.cpp.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/corpus_page.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kLabelsInHead = 6;
constexpr std::size_t kWordsInHead = 5;

std::vector<const CorpusLabel*> by_texts(const CorpusReport& report) {
  std::vector<const CorpusLabel*> labels;
  for (const CorpusLabel& label : report.labels) labels.push_back(&label);
  std::ranges::stable_sort(labels, [](const CorpusLabel* a, const CorpusLabel* b) { return a->texts > b->texts; });
  return labels;
}

void answer_words(const CorpusReport& report, std::string& out) {
  out += "<section>\n<h2>Which words speak for which label?</h2>\n";
  const std::vector<const CorpusLabel*> labels = by_texts(report);
  for (std::size_t at = 0; at < std::min(labels.size(), kLabelsInHead); ++at) {
    out += fmt::format("<p>{}: ", name_html(labels[at]->label));
    const auto& words = labels[at]->words_for;
    for (std::size_t word = 0; word < std::min(words.size(), kWordsInHead); ++word) {
      out += fmt::format("{}<span class=\"word for\">{}</span>", word == 0 ? "" : ", ", name_html(words[word].word));
    }
    out += words.empty() ? "no word, surely</p>\n" : "</p>\n";
  }
  if (labels.size() > kLabelsInHead) out += fmt::format("<p>and {} more labels below</p>\n", labels.size() - kLabelsInHead);
  if (labels.empty()) out += "<p>There are no texts.</p>\n";
  out += "</section>\n";
}

void answer_leaks(const CorpusReport& report, std::string& out) {
  if (!report.has_scores_of_labels) return;
  out += "<section>\n<h2>Does one word decide a label?</h2>\n";
  if (report.leaks.empty()) {
    out += fmt::format("<p><strong>No.</strong> No word decides {:g} % of a label’s texts by itself.</p>\n", 100 * report.options.leak_share);
  }
  for (std::size_t leak = 0; leak < std::min<std::size_t>(report.leaks.size(), 3); ++leak) {
    const Leak& each = report.leaks[leak];
    out += fmt::format("<p>{}“<span class=\"word for\">{}</span>” decides <strong>{:.0f} %</strong> of the texts called {}; of all texts with it {:.0f} % are called "
                       "so.</p>\n", leak == 0 ? "<strong>Yes.</strong> " : "", name_html(each.word), 100 * each.explained, name_html(each.label),
                       100 * each.precision);
  }
  if (report.leaks.size() > 3) out += fmt::format("<p><a href=\"#leaks\">and {} more</a></p>\n", report.leaks.size() - 3);
  out += "</section>\n";
}

void answer_gold(const CorpusReport& report, std::string& out) {
  if (!report.gold || report.gold->texts == 0) return;
  const GoldReport& gold = *report.gold;
  out += fmt::format("<section>\n<h2>How often is it right?</h2>\n<p><strong>{:.1f} %</strong>: {} of {} texts.</p>\n",
                     100 * static_cast<double>(gold.correct) / static_cast<double>(gold.texts), gold.correct, gold.texts);
  const Confusion* worst = nullptr;
  for (const Confusion& each : gold.confusions) {
    if (each.gold != each.predicted && (!worst || each.texts > worst->texts)) worst = &each;
  }
  if (worst) {
    out += fmt::format("<p>Most often {} is taken for {}: {}.</p>\n", name_html(worst->gold), name_html(worst->predicted),
                       count_of(worst->texts, "text", "texts"));
  }
  if (!gold.misleading.empty()) {
    out += fmt::format("<p>When it is wrong, “<span class=\"word against\">{}</span>” speaks most for the wrong label.</p>\n", name_html(gold.misleading[0].word));
  }
  out += "</section>\n";
}

void notices(const CorpusReport& report, std::string& out) {
  std::vector<std::string> lines;
  if (report.truncated > 0) {
    lines.push_back(fmt::format("{} too long for the model: what it did not see is not explained.", count_of(report.truncated, "text is", "texts are")));
  }
  if (report.invalid_utf8 > 0) lines.push_back(fmt::format("{} ill-formed UTF-8, which was replaced.", count_of(report.invalid_utf8, "text has", "texts have")));
  if (report.empty > 0) lines.push_back(fmt::format("{} no word.", count_of(report.empty, "text has", "texts have")));
  if (report.forgotten_words > 0) {
    lines.push_back(fmt::format("There were too many different words: {} of few texts were let go, and may be counted too low.", report.forgotten_words));
  }
  if (report.gold && report.gold->unknown > 0) {
    std::string names;
    for (const std::string& name : report.gold->unknown_labels) names += (names.empty() ? "" : ", ") + name_html(name);
    lines.push_back(fmt::format("{} a label that the model does not know ({}), and stay out of what is said of right and wrong.",
                                count_of(report.gold->unknown, "text has", "texts have"), names));
  }
  if (lines.empty()) return;
  out += "<ul class=\"notices\">\n";
  for (const std::string& line : lines) out += fmt::format("<li>{}</li>\n", line);
  out += "</ul>\n";
}

}  // namespace

std::string corpus_quantity(const CorpusReport& report) {
  if (report.options.explain.target == ExplainTarget::logit) return "the logit of the label";
  return report.has_scores_of_labels ? "the score of the label" : "the value";
}

void corpus_head(const CorpusReport& report, std::string& out) {
  out += "<header>\n<p class=\"brand\">Filbert explains</p>\n";
  out += fmt::format("<h1>What decides in {}</h1>\n", name_html(report.input, 64));
  out += fmt::format("<p class=\"lead\">{}, explained word by word: what {} loses without a word.</p>\n", count_of(report.texts, "text", "texts"),
                     corpus_quantity(report));
  out += "<div class=\"answers\">\n";
  answer_words(report, out);
  answer_leaks(report, out);
  answer_gold(report, out);
  out += "</div>\n";
  notices(report, out);
  out += "</header>\n";
}

std::string html_report(const CorpusReport& report) {
  std::string out = document_head("What decides in " + name_text(report.input, 60), report.version, {kReportCss, kCorpusCss}, {});
  out += "<body>\n<a class=\"skip\" href=\"#labels\">To the labels</a>\n";
  corpus_head(report, out);
  out += "<main>\n";
  corpus_labels(report, out);
  corpus_leaks(report, out);
  corpus_gold(report, out);
  corpus_representatives(report, out);
  corpus_reading(report, out);
  corpus_reproduce(report, out);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace filbert
