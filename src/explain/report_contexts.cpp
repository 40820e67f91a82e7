// Where else the words that carry most of an explanation stand as they stand here, and what the model calls those texts: of an index of many texts, in
// tables that need no script. docs/contexts.md says what is compared.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "explain/contexts_page.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

// "The model calls the texts of the 10 nearest: 5 stars (8), 4 stars (2)"
std::string labels_sentence(const SimilarReport& report) {
  static constexpr std::size_t kMostNamed = 3;
  const std::vector<NameCount> labels = report.predicted(), gold = report.gold();
  const auto listed = [](const std::vector<NameCount>& counts) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < std::min(counts.size(), kMostNamed); ++at) {
      parts.push_back(fmt::format("{} ({})", name_html(counts[at].name), counts[at].count));
    }
    return fmt::format("{}{}", fmt::join(parts, ", "), counts.size() > kMostNamed ? " …" : "");
  };
  std::string sentence = fmt::format("The model calls the texts of the {} nearest: {}", report.hits.size(), listed(labels));
  if (!gold.empty()) sentence += fmt::format("; they should be: {}", listed(gold));
  return sentence;
}

void unit_part(const ReportPage& page, std::size_t at, std::string& out) {
  const ExplainedContext& context = page.contexts->units[at];
  const SimilarReport& report = context.similar;
  out += fmt::format("<h3>{} <span class=\"num\">{}</span></h3>\n", page.quoted(context.unit), page.change(context.value));
  if (context.tokens > 1) {
    out += fmt::format("<p class=\"hint\">It is {} tokens; what is searched for is the first, <code>{}</code>.</p>\n", context.tokens,
                       name_html(report.query.tokens[report.query.token].token));
  }
  if (report.hits.empty()) {
    out += "<p>There is nothing like it: the index has no tokens, or the vector has no length.</p>\n";
    return;
  }
  out += fmt::format("<p>{}</p>\n", labels_sentence(report));
  hits_table(report, fmt::format("{}: where else {} stands so", at + 1, name_text(page.text.units[context.unit].text)), out);
  const std::size_t hits = report.hits.size();
  out += "<div class=\"histograms\">\n";
  histogram("What the model calls their texts", report.predicted(), hits, out);
  histogram("The words themselves", report.words(), hits, out);
  histogram("What stands before them", report.previous_words(), hits, out);
  histogram("What follows", report.next_words(), hits, out);
  histogram("What they look at most", report.most_words(), hits, out);
  out += "</div>\n";
}

}  // namespace

void contexts_section(const ReportPage& page, std::string& out) {
  if (page.contexts == nullptr) return;
  const ExplainedContexts& contexts = *page.contexts;
  out += "<section class=\"card\" id=\"contexts\">\n<h2>Where else these words stand so</h2>\n";
  if (contexts.units.empty()) {
    out += "<p>No word adds anything: there is nothing to search for.</p>\n</section>\n";
    return;
  }
  const SimilarReport& first = contexts.units.front().similar;
  const std::string by = first.by == SimilarBy::context ? "what the heads make of its neighbours" : "what the layer takes of it";
  out += fmt::format("<p class=\"hint\">The {} that carry most by {}, each with what is most like it among the {} tokens of {}: by {}, layer {}. The strip is the label "
                     "that the model gives the text; the deeper the ground, the more the found word looks at a token.</p>\n",
                     page.unit_words(contexts.units.size()), method_html(contexts.method), first.index.tokens, count_of(first.index.texts, "text", "texts"), by, first.layer);
  std::vector<std::string> told;
  for (const ExplainedContext& each : contexts.units) {
    for (const std::string& warning : each.similar.warnings) {
      if (std::ranges::find(told, warning) == told.end()) told.push_back(warning);
    }
  }
  if (!told.empty()) out += "<ul class=\"notices\">\n";
  for (const std::string& warning : told) out += fmt::format("<li>{}.</li>\n", name_html(warning, 200));
  if (!told.empty()) out += "</ul>\n";
  for (std::size_t at = 0; at < contexts.units.size(); ++at) unit_part(page, at, out);
  out += "<p class=\"hint\">That most of the nearest are called the same says what this use of a word goes with in these texts, not what it means, and not that it is "
         "why the model answered so here.</p>\n</section>\n";
}

}  // namespace filbert
