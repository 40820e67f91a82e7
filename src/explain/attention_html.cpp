// The page of where a model looked, and the section that the report of an explanation has of it. What is printed here is the frame and the table
// of the layers; web/attention.js draws the three views into the frame. Tested by attention_page_test.cpp and tests/web/test_attention.py.
#include <algorithm>

#include <fmt/format.h>

#include "explain/attention_page.h"
#include "explain/attention_summary.h"
#include "explain/report_assets.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kMostNamed = 4;     // tokens of a layer's row
constexpr std::size_t kMostUnseen = 400;  // characters of what the model did not see

std::string percent_cell(double share) { return fmt::format("<td class=\"num\">{:.0f}&nbsp;%</td>", 100 * share); }

std::string most_looked_at(const AttentionMap& map, const LayerSummary& summary) {
  std::string out;
  for (const std::size_t token : largest(summary.received, kMostNamed)) {
    out += fmt::format("{}{}&nbsp;<span class=\"num\">{:.0f}&nbsp;%</span>", out.empty() ? "" : ", ", name_html(map.tokens[token].text, 24),
                       100 * summary.received[token]);
  }
  return out;
}

void layers_table(const AttentionMap& map, std::string& out) {
  const bool is_pair = map.sentence_b_start.has_value();
  out += "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"What each layer looks at\">\n<table class=\"layers\">\n"
         "<caption>What each layer looks at: shares of the weight, the mean of its heads and tokens</caption>\n<thead><tr><th scope=\"col\">Layer</th>"
         "<th scope=\"col\" class=\"num\">Itself</th><th scope=\"col\" class=\"num\">One before</th><th scope=\"col\" class=\"num\">One behind</th>"
         "<th scope=\"col\" class=\"num\">Special tokens</th>";
  if (is_pair) out += "<th scope=\"col\" class=\"num\">The other text</th>";
  out += "<th scope=\"col\" class=\"num\">Spread over</th><th scope=\"col\">Most looked at</th></tr></thead>\n<tbody>\n";
  for (const AttentionLayer& layer : map.layers) {
    const LayerSummary summary = summarize(map, layer);
    out += fmt::format("<tr><th scope=\"row\">{}</th>{}{}{}{}{}<td class=\"num\">{:.1f} tokens</td><td class=\"most\">{}</td></tr>\n", layer.layer,
                       percent_cell(summary.itself), percent_cell(summary.before), percent_cell(summary.after), percent_cell(summary.special),
                       is_pair ? percent_cell(summary.other_text) : "", summary.spread, most_looked_at(map, summary));
  }
  out += "</tbody>\n</table>\n</div>\n";
}

void head_part(const AttentionMap& map, std::string& out) {
  const Classification& answer = map.classification;
  out += "<header>\n<p class=\"brand\">Where the model looked</p>\n";
  if (answer.label.empty()) {
    out += fmt::format("<h1>{}</h1>\n", name_html(map.text, 60));
  } else {
    out += fmt::format("<h1><span>The model says</span> <span class=\"chip\">{}</span> <span class=\"num\">{}</span></h1>\n", name_html(answer.label, 64),
                       number(answer.score, 3));
  }
  out += fmt::format("<p class=\"lead\">{}, {}, {}{}</p>\n", count_of(map.tokens.size(), "token", "tokens"), count_of(map.layers.size(), "layer", "layers"),
                     count_of(map.heads.size(), "head", "heads"), map.layers.size() < map.num_layers || map.heads.size() < map.num_heads
                         ? fmt::format(", of the model’s {} and {}", map.num_layers, map.num_heads) : "");
  std::string notices;
  if (answer.truncated) {
    notices += fmt::format("<li><strong>Not seen by the model</strong> is the end of the text: it takes {} of the {} tokens.</li>\n", answer.tokens_used,
                           answer.tokens_total);
  }
  if (answer.invalid_utf8 > 0) {
    notices += fmt::format("<li>{} replaced by U+FFFD.</li>\n", count_of(answer.invalid_utf8, "ill-formed byte sequence was", "ill-formed byte sequences were"));
  }
  if (!notices.empty()) out += "<ul class=\"notices\">\n" + notices + "</ul>\n";
  out += "</header>\n";
}

// Struck out; of much the beginning.
std::string unseen(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t cut = OffsetBytes(text, OffsetUnit::code_points)(kMostUnseen);
  return fmt::format("<s class=\"unseen\" title=\"not seen by the model\">{}{}</s>", visible_html(text.substr(0, cut)), cut < text.size() ? "…" : "");
}

void paragraph(const AttentionMap& map, std::int32_t sequence_id, std::string_view text, std::string& out) {
  std::size_t begin = 0, end = text.size();
  if (map.classification.truncated) {  // what lies before the first token and behind the last one was cut off
    const OffsetBytes bytes(text, OffsetUnit::code_points);
    begin = end, end = 0;
    for (const AttentionToken& token : map.tokens) {
      if (token.sequence_id != sequence_id) continue;
      begin = std::min(begin, bytes(token.offset.begin));
      end = std::max(end, bytes(token.offset.end));
    }
    if (begin >= end) begin = end = 0;
  }
  out += fmt::format("<p class=\"text long\" id=\"text-{}\" dir=\"auto\">{}{}{}</p>\n", sequence_id, unseen(text.substr(0, begin)),
                     visible_html(text.substr(begin, end - begin)), unseen(text.substr(end)));
}

void text_part(const AttentionMap& map, std::string& out) {
  out += "<section class=\"card\" id=\"text\">\n<h2>The text</h2>\n";
  paragraph(map, 0, map.text, out);
  if (map.text_pair) paragraph(map, 1, *map.text_pair, out);
  out += "</section>\n";
}

void attention_reading_part(std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n"
         "<li>In each layer every token takes in what other tokens hold: of each head’s weights, which sum to one, a line shows one, the darker the "
         "larger.</li>\n"
         "<li>Weights on [SEP], [CLS] or their like often mean that a head found nothing to do.</li>\n"
         "<li>From the second layer on a token holds some of all the others: a line to it is not a line to the word alone.</li>\n"
         "<li>It is where the model looked and not why it answered so: other weights can give the same answer. What the words add to the score says "
         "<code>filbert explain</code>.</li>\n</ul>\n</section>\n";
}

void reproduce_part(const AttentionMap& map, std::string& out) {
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("Model", name_html(map.model, 200), out);
  fact("Computed in", name_html(map.dtype), out);
  fact("Filbert", name_html(map.version), out);
  fact("Tokens", fmt::format("{} of {}", map.classification.tokens_used, map.classification.tokens_total), out);
  out += "</dl>\n";
  out += command_html(map.command);
  out += "</section>\n";
}

}  // namespace

void attention_section(const AttentionMap& map, bool collapsed, std::string& out) {
  out += "<section class=\"card\" id=\"attention\">\n";
  out += collapsed ? "<details>\n<summary><h2>Attention</h2></summary>\n" : "<h2>Attention</h2>\n";
  out += "<p class=\"hint\">Where the model looked, not a cause: a weight says how much of a token goes into another, not what that does to the answer.</p>\n"
         "<div id=\"attention-views\"><p class=\"hint\">The pictures are drawn by a script; the table below is there without one.</p></div>\n";
  layers_table(map, out);
  out += collapsed ? "</details>\n</section>\n" : "</section>\n";
}

void attention_scripts(std::string& out) { out += fmt::format("<script>{}</script>\n<script>{}</script>\n", kAttentionViewsJs, kAttentionJs); }

std::string attention_html(const AttentionMap& map, const AttentionPageOptions& options) {
  std::string out = document_head("Where the model looked – " + name_text(map.text, 60), map.version, {kReportCss, kAttentionCss}, {kAttentionViewsJs, kAttentionJs});
  out += "<body>\n<a class=\"skip\" href=\"#attention\">To the pictures</a>\n";
  head_part(map, out);
  out += "<main>\n";
  attention_section(map, false, out);
  text_part(map, out);
  attention_reading_part(out);
  reproduce_part(map, out);
  out += "</main>\n";
  attention_data(map, options, out);
  attention_scripts(out);
  return out + "</body>\n</html>\n";
}

}  // namespace filbert
