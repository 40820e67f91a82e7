// Found tokens in their sentences, and what they have in common, as HTML that needs no script: what the page of similar tokens and the report of
// an explanation share. Their styles are web/kwic.css.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/contexts_page.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostRows = 10;    // of a histogram
constexpr std::size_t kMostColours = 8;  // of labels; those that are rarer share the last

// A token as the list shows it: the deeper its ground, the more attention it gets.
std::string token_html(const ContextToken& token, std::string_view text, double attention, double largest, std::size_t at, bool is_match) {
  const std::string classes = fmt::format("t {}{}{}", level_class(-std::abs(level(attention, largest))), token.special ? " s" : "", is_match ? " m" : "");
  const std::string word = token.special ? name_html(token.token) : name_html(text.substr(token.offset.begin, token.offset.end - token.offset.begin), 60);
  return fmt::format("<span class=\"{}\" data-t=\"{}\">{}</span>", classes, at, word);
}

double largest_of_text(const std::vector<ContextToken>& tokens, const std::vector<double>& values) {
  double largest = 0;
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (!tokens[at].special) largest = std::max(largest, values[at]);
  }
  return largest;
}

std::string colour_of(std::string_view label, const std::vector<NameCount>& labels) {
  const auto found = std::ranges::find(labels, label, &NameCount::name);
  return fmt::format("c{}", std::min<std::size_t>(static_cast<std::size_t>(found - labels.begin()), kMostColours - 1));
}

void hit_row(const SimilarReport& report, std::size_t at, const std::vector<NameCount>& labels, bool has_gold, std::string& out) {
  const SimilarHit& hit = report.hits[at];
  const std::size_t first = first_shown(hit), last = last_shown(hit);
  const std::string_view text = hit.text.text;
  out += fmt::format("<tr data-hit=\"{}\"><td class=\"num\">{}</td><td class=\"strip {}\"></td><td class=\"label\">{}&nbsp;<span class=\"num\">{}</span></td>", at,
                     number(hit.similarity, 3), colour_of(hit.label, labels), name_html(hit.label, 20), number(hit.text.score, 2));
  if (has_gold) {
    out += hit.text.gold ? fmt::format("<td class=\"strip {}\"></td><td class=\"label\">{}</td>", colour_of(*hit.text.gold, labels), name_html(*hit.text.gold, 20))
                         : std::string("<td></td><td></td>");
  }
  out += fmt::format("<td class=\"before\"><div><span>{}{}</span></div></td><td class=\"match\">{}</td><td class=\"after\"><div>{}{}</div></td>", first > 0 ? "… " : "",
                     tokens_html(hit.tokens, text, hit.mean_out, first, hit.match, hit.match),
                     tokens_html(hit.tokens, text, hit.mean_out, hit.match, hit.match + 1, hit.match),
                     tokens_html(hit.tokens, text, hit.mean_out, hit.match + 1, last, hit.match), last < hit.tokens.size() ? " …" : "");
  out += fmt::format("<td class=\"num row\">{}</td></tr>\n", hit.text.row);
}

}  // namespace

std::string percent(double share) { return fmt::format("{:.0f}&nbsp;%", 100 * share); }

std::size_t first_shown(const SimilarHit& hit) { return hit.match > kShownAround ? hit.match - kShownAround : 0; }
std::size_t last_shown(const SimilarHit& hit) { return std::min(hit.tokens.size(), hit.match + 1 + kShownAround); }

std::string tokens_html(const std::vector<ContextToken>& tokens, std::string_view text, const std::vector<double>& attention, std::size_t first, std::size_t last,
                        std::size_t match) {
  const double largest = largest_of_text(tokens, attention);
  std::string out;
  std::size_t end = 0;
  for (std::size_t at = first; at < last; ++at) {
    const ContextToken& token = tokens[at];
    const bool has_gap = at > 0 && (token.special || tokens[at - 1].special || token.offset.begin > end);
    if (at > first && !token.special && end > 0 && token.offset.begin > end) {
      const std::string_view between = text.substr(end, token.offset.begin - end);
      out += between.find_first_not_of(" \t\r\n") == std::string_view::npos ? " " : name_html(between, 40);
    } else if (at > first && has_gap) {
      out += ' ';
    }
    out += token_html(token, text, attention.empty() ? 0 : attention[at], largest, at, at == match);
    if (!token.special) end = token.offset.end;
  }
  return out;
}

void hits_table(const SimilarReport& report, std::string_view name, std::string& out) {
  const std::vector<NameCount> labels = report.predicted();
  const bool has_gold = !report.gold().empty();
  out += fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n"
                     "<table class=\"kwic\">\n<colgroup><col class=\"like\"><col class=\"mark\"><col class=\"called\">", name);
  out += has_gold ? "<col class=\"mark\"><col class=\"called\"><col><col class=\"found\"><col><col class=\"row\"></colgroup>\n"
                  : "<col><col class=\"found\"><col><col class=\"row\"></colgroup>\n";
  out += "<thead><tr><th scope=\"col\" class=\"num\">Like</th><th scope=\"col\" colspan=\"2\">Label</th>";
  if (has_gold) out += "<th scope=\"col\" colspan=\"2\">Should be</th>";
  out += "<th scope=\"col\" class=\"num\">Before</th><th scope=\"col\">Found</th><th scope=\"col\">After</th><th scope=\"col\" class=\"num\">Row</th></tr></thead>\n<tbody>\n";
  for (std::size_t at = 0; at < report.hits.size(); ++at) hit_row(report, at, labels, has_gold, out);
  out += "</tbody>\n</table>\n</div>\n";
}

void histogram(std::string_view title, const std::vector<NameCount>& counts, std::size_t hits, std::string& out) {
  if (counts.empty()) return;
  std::size_t largest = 1, rest = 0;
  for (const NameCount& each : counts) largest = std::max(largest, each.count);
  out += fmt::format("<table class=\"histogram\">\n<caption>{}</caption>\n<tbody>\n", title);
  for (std::size_t at = 0; at < counts.size(); ++at) {
    if (at >= kMostRows) {
      rest += counts[at].count;
      continue;
    }
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"track\"><svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                       "<path class=\"total\" d=\"M0 0H{:.1f}V10H0Z\"/></svg></td><td class=\"num\">{}</td><td class=\"num portion\">{}</td></tr>\n",
                       name_html(counts[at].name, 24), 100.0 * static_cast<double>(counts[at].count) / static_cast<double>(largest), counts[at].count,
                       percent(static_cast<double>(counts[at].count) / static_cast<double>(std::max<std::size_t>(hits, 1))));
  }
  if (rest > 0) out += fmt::format("<tr><th scope=\"row\">others</th><td></td><td class=\"num\">{}</td><td class=\"num portion\"></td></tr>\n", rest);
  out += "</tbody>\n</table>\n";
}

}  // namespace filbert
