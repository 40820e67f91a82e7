// The page of what is like a token: what the model says of its text, the tokens that are like it in their sentences, and what they have in
// common. All of it is printed here; web/contexts.js chooses heads, follows attention in the text and takes words out. Tested by
// tests/web/test_contexts.py.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "explain/contexts_page.h"
#include "explain/contexts_words.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

std::string heads_words(const SimilarReport& report) {
  if (report.heads.size() == report.num_heads) return fmt::format("all {} heads", report.num_heads);
  return fmt::format("{} {}", report.heads.size() == 1 ? "head" : "heads", fmt::join(report.heads, ", "));
}

std::string query_word(const SimilarReport& report) {
  const ContextToken& token = report.query.tokens[report.query.token];
  const std::string word = word_at(text_of({report.query.text, report.query.text_pair}, token), token.offset);
  return word.empty() ? token.token : word;
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

void list_part(const SimilarReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"list\">\n<h2>In their sentences</h2>\n";
  if (report.hits.empty()) {
    out += "<p>There is nothing like it: the index has no tokens, or the vector has no length.</p>\n</section>\n";
    return;
  }
  out += "<p class=\"hint\" id=\"list-hint\">The deeper the ground, the more the found word looks at a token; the strip is the label that the model gives the text.</p>\n"
         "<div id=\"list-controls\"></div>\n";
  hits_table(report, "The found tokens in their sentences", out);
  out += "</section>\n";
}

void counts_part(const SimilarReport& report, std::string& out) {
  if (report.hits.empty()) return;
  const std::size_t hits = report.hits.size();
  out += "<section class=\"card\" id=\"counts\">\n<h2>What they have in common</h2>\n<div class=\"histograms\">\n";
  histogram("What the model calls their texts", report.predicted(), hits, out);
  histogram("What their texts should be called", report.gold(), hits, out);
  histogram("The words themselves", report.words(), hits, out);
  histogram("Of what kind they are", report.classes(), hits, out);
  histogram("What stands before them", report.previous_words(), hits, out);
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
  out += "<section class=\"card\" id=\"text\">\n<h2>The text</h2>\n<p class=\"hint\">The deeper the ground, the more the word looks at a token.</p>\n"
         "<div id=\"query\">\n";
  // Of a pair each text with the special tokens that follow it.
  const auto second = std::ranges::find(query.tokens, 1, &ContextToken::sequence_id);
  const auto split = static_cast<std::size_t>(second - query.tokens.begin());
  const auto paragraph = [&](std::string_view text, std::size_t first, std::size_t last) {
    out += fmt::format("<p class=\"text long\" dir=\"auto\">{}</p>\n", tokens_html(query.tokens, text, attention, first, last, query.token));
  };
  paragraph(query.text, 0, query.text_pair ? split : query.tokens.size());
  if (query.text_pair) paragraph(*query.text_pair, split, query.tokens.size());
  out += "</div>\n<div id=\"query-views\"></div>\n</section>\n";
}

void contexts_reading_part(std::string& out) {
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

std::string html_report(const SimilarReport& report) {
  std::string out = document_head("What is like " + name_text(query_word(report)) + "? – " + name_text(report.query.text, 60), report.version,
                                  {kReportCss, kKwicCss, kContextsCss}, {kContextsViewsJs, kContextsJs});
  out += "<body>\n<a class=\"skip\" href=\"#list\">To the list</a>\n";
  head_part(report, out);
  out += "<main>\n";
  text_part(report, out);
  list_part(report, out);
  counts_part(report, out);
  contexts_reading_part(out);
  reproduce_part(report, out);
  out += "</main>\n";
  contexts_data(report, out);
  out += fmt::format("<script>{}</script>\n<script>{}</script>\n</body>\n</html>\n", kContextsViewsJs, kContextsJs);
  return out;
}

}  // namespace filbert
