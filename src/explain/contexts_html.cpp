// The page of what is like a token: what the model says of its text, the tokens that are like it in their sentences, and what they have in
// common. All of it is printed here; web/contexts.js chooses heads, follows attention in the text and takes words out. Tested by
// tests/web/test_contexts.py.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "explain/contexts_page.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostRows = 10;    // of a histogram
constexpr std::size_t kMostColours = 8;  // of labels; those that are rarer share the last

std::string percent(double share) { return fmt::format("{:.0f}&nbsp;%", 100 * share); }

std::string heads_words(const SimilarReport& report) {
  if (report.heads.size() == report.num_heads) return fmt::format("all {} heads", report.num_heads);
  return fmt::format("{} {}", report.heads.size() == 1 ? "head" : "heads", fmt::join(report.heads, ", "));
}

std::string query_word(const SimilarReport& report) {
  const ContextToken& token = report.query.tokens[report.query.token];
  const std::string_view text = report.query.text;
  return token.offset.begin < token.offset.end ? std::string(text.substr(token.offset.begin, token.offset.end - token.offset.begin)) : token.token;
}

// "46 of its 50 nearest are in texts called 5 stars"
void answer_labels(const SimilarReport& report, std::string& out) {
  out += "<section>\n<h2>What are the texts called that have it so?</h2>\n";
  const std::vector<NameCount> labels = report.predicted(), gold = report.gold();
  if (labels.empty()) out += "<p>There are none.</p>\n";
  for (std::size_t at = 0; at < std::min<std::size_t>(labels.size(), 3); ++at) {
    out += fmt::format("<p><strong>{}</strong> of {}: {}</p>\n", labels[at].count, report.hits.size(), name_html(labels[at].name));
  }
  if (!gold.empty()) out += fmt::format("<p>They should be: {} {}{}</p>\n", name_html(gold[0].name), gold[0].count, gold.size() > 1 ? " …" : "");
  out += "</section>\n";
}

void answer_attention(const SimilarReport& report, std::string& out) {
  if (report.hits.empty() || !report.hits.front().most) return;
  double special = 0;
  for (const SimilarHit& hit : report.hits) special += hit.special_share / static_cast<double>(report.hits.size());
  out += "<section>\n<h2>What do they look at?</h2>\n<p>";
  const std::vector<NameCount> words = report.most_words();
  for (std::size_t at = 0; at < std::min<std::size_t>(words.size(), 4); ++at) {
    out += fmt::format("{}<span class=\"word\">{}</span> {}", at == 0 ? "" : ", ", name_html(words[at].name), words[at].count);
  }
  out += fmt::format("</p>\n<p>{} goes to special tokens.</p>\n</section>\n", percent(special));
}

void head_part(const SimilarReport& report, std::string& out) {
  out += "<header>\n<p class=\"brand\">Filbert finds</p>\n";
  out += fmt::format("<h1><span>What is like</span> <span class=\"chip\">{}</span></h1>\n", name_html(query_word(report), 64));
  out += fmt::format("<p class=\"lead\">By {}, layer {}, {}: {} of the {} tokens of {}.</p>\n",
                     report.by == SimilarBy::context ? "what the heads make of its neighbours" : "what the layer takes of it", report.layer, heads_words(report),
                     report.hits.size(), report.index.tokens, count_of(report.index.texts, "text", "texts"));
  std::string notices;
  for (const std::string& warning : report.warnings) notices += fmt::format("<li>{}.</li>\n", name_html(warning, 200));
  if (!notices.empty()) out += "<ul class=\"notices\">\n" + notices + "</ul>\n";
  out += fmt::format("<div class=\"answers\">\n<section>\n<h2>What does the model say of the text?</h2>\n<p><strong>{}</strong> <span class=\"num\">{}</span></p>\n</section>\n",
                     name_html(report.query.answer.label, 64), number(report.query.answer.score, 3));
  answer_labels(report, out);
  answer_attention(report, out);
  out += "</div>\n</header>\n";
}

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

// Tokens [first, last) with what stands between them.
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

void list_part(const SimilarReport& report, std::string& out) {
  const std::vector<NameCount> labels = report.predicted();
  const bool has_gold = !report.gold().empty();
  out += "<section class=\"card\" id=\"list\">\n<h2>In their sentences</h2>\n";
  if (report.hits.empty()) {
    out += "<p>There is nothing like it: the index has no tokens, or the vector has no length.</p>\n</section>\n";
    return;
  }
  out += "<p class=\"hint\" id=\"list-hint\">The deeper the ground, the more the found word looks at a token; the strip is the label that the model gives the text.</p>\n"
         "<div id=\"list-controls\"></div>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"The found tokens in their sentences\">\n"
         "<table class=\"kwic\">\n<colgroup><col class=\"like\"><col class=\"mark\"><col class=\"called\">";
  out += has_gold ? "<col class=\"mark\"><col class=\"called\"><col><col class=\"found\"><col><col class=\"row\"></colgroup>\n"
                  : "<col><col class=\"found\"><col><col class=\"row\"></colgroup>\n";
  out += "<thead><tr><th scope=\"col\" class=\"num\">Like</th><th scope=\"col\" colspan=\"2\">Label</th>";
  if (has_gold) out += "<th scope=\"col\" colspan=\"2\">Should be</th>";
  out += "<th scope=\"col\" class=\"num\">Before</th><th scope=\"col\">Found</th><th scope=\"col\">After</th><th scope=\"col\" class=\"num\">Row</th></tr></thead>\n<tbody>\n";
  for (std::size_t at = 0; at < report.hits.size(); ++at) hit_row(report, at, labels, has_gold, out);
  out += "</tbody>\n</table>\n</div>\n</section>\n";
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
                       "<path class=\"total\" d=\"M0 0H{:.1f}V10H0Z\"/></svg></td><td class=\"num\">{}</td><td class=\"num share\">{}</td></tr>\n",
                       name_html(counts[at].name, 24), 100.0 * static_cast<double>(counts[at].count) / static_cast<double>(largest), counts[at].count,
                       percent(static_cast<double>(counts[at].count) / static_cast<double>(std::max<std::size_t>(hits, 1))));
  }
  if (rest > 0) out += fmt::format("<tr><th scope=\"row\">others</th><td></td><td class=\"num\">{}</td><td class=\"num share\"></td></tr>\n", rest);
  out += "</tbody>\n</table>\n";
}

void counts_part(const SimilarReport& report, std::string& out) {
  if (report.hits.empty()) return;
  const std::size_t hits = report.hits.size();
  out += "<section class=\"card\" id=\"counts\">\n<h2>What they have in common</h2>\n<div class=\"histograms\">\n";
  histogram("What the model calls their texts", report.predicted(), hits, out);
  histogram("What their texts should be called", report.gold(), hits, out);
  histogram("The words themselves", report.words(), hits, out);
  histogram("Of what kind they are", report.classes(), hits, out);
  histogram("What follows", report.next_words(), hits, out);
  histogram("What they look at most", report.most_words(), hits, out);
  histogram("How far away that is, in tokens", report.most_offsets(), hits, out);
  out += "</div>\n</section>\n";
}

void text_part(const SimilarReport& report, std::string& out) {
  const SimilarQuery& query = report.query;
  std::vector<double> attention(query.tokens.size());
  for (const std::size_t head : report.heads) {
    for (std::size_t key = 0; key < attention.size(); ++key) {
      attention[key] += double{query.attention[head][query.token * attention.size() + key]} / static_cast<double>(report.heads.size());
    }
  }
  out += fmt::format("<section class=\"card\" id=\"text\">\n<h2>The text</h2>\n<p class=\"hint\">The deeper the ground, the more the word looks at a token.</p>\n"
                     "<p class=\"text long\" id=\"query\" dir=\"auto\">{}</p>\n<div id=\"query-views\"></div>\n</section>\n",
                     tokens_html(query.tokens, query.text, attention, 0, query.tokens.size(), query.token));
}

void reading_part(std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n"
         "<li>Like is a cosine: 1 is the same direction. By context it is the mean of the heads’ cosines, each weighed by how long the query’s part for it is.</li>\n"
         "<li>Every token of the index was looked at; special tokens are not in it.</li>\n"
         "<li>Labels are what the model says of the whole text, not of the word. That most of the nearest are called the same says what this use of the word "
         "goes with in these texts, not what it means.</li>\n"
         "<li>Attention says where a head looked, not why the model answered so.</li>\n</ul>\n</section>\n";
}

void reproduce_part(const SimilarReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("Texts", name_html(report.index.input, 200), out);
  fact("Texts, sha256", hash_html(report.index.input_sha256), out);
  fact("Model", name_html(report.model, 200), out);
  fact("Weights, sha256", hash_html(report.index.model_sha256), out);
  fact("Tokenizer, sha256", hash_html(report.index.tokenizer_sha256), out);
  fact("Computed in", name_html(report.dtype), out);
  fact("Vectors in", std::string(name(report.index.vector_dtype)), out);
  fact("Filbert", name_html(report.version), out);
  fact("Time", fmt::format("{:.0f} ms for the text, {:.1f} ms for the search, {:.0f} ms for the attention", report.query_milliseconds, report.search_milliseconds,
                           report.attention_milliseconds), out);
  out += "</dl>\n";
  out += command_html(report.command);
  out += "</section>\n";
}

}  // namespace

std::size_t first_shown(const SimilarHit& hit) { return hit.match > kShownAround ? hit.match - kShownAround : 0; }
std::size_t last_shown(const SimilarHit& hit) { return std::min(hit.tokens.size(), hit.match + 1 + kShownAround); }

std::string html_report(const SimilarReport& report) {
  std::string out = document_head("What is like " + name_text(query_word(report)) + "? – " + name_text(report.query.text, 60), report.version,
                                  {kReportCss, kContextsCss}, {kContextsJs});
  out += "<body>\n<a class=\"skip\" href=\"#list\">To the list</a>\n";
  head_part(report, out);
  out += "<main>\n";
  text_part(report, out);
  list_part(report, out);
  counts_part(report, out);
  reading_part(out);
  reproduce_part(report, out);
  out += "</main>\n";
  contexts_data(report, out);
  out += fmt::format("<script>{}</script>\n</body>\n</html>\n", kContextsJs);
  return out;
}

}  // namespace filbert
