// The tables of the page of many texts: labels, their words with intervals, words that give a label away, right and wrong.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "explain/corpus_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kOpenLabels = 6;         // of more labels the others are folded
constexpr std::size_t kCorpusMatrixLabels = 12;  // of more labels confusions are a list
constexpr std::size_t kListedConfusions = 30;

std::string share_text(double share) { return fmt::format("{:.1f} %", 100 * share); }

double percent_of(std::size_t part, std::size_t whole) { return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole); }

// The widest end of the intervals: what a full bar is.
double widest(std::initializer_list<const std::vector<CorpusWord>*> tables) {
  double most = 0;
  for (const auto* words : tables) {
    for (const CorpusWord& word : *words) {
      for (const double end : {word.mean, word.low, word.high}) most = std::isfinite(end) ? std::max(most, std::abs(end)) : most;
    }
  }
  return most > 0 ? most : 1;
}

int bar_decimals(double most) { return most >= 10 ? 1 : most >= 0.02 ? 3 : 5; }

// A bar up to the mean and a line over the interval; `both`: 0 is in the middle.
std::string bar(const CorpusWord& word, double most, bool both) {
  const auto x = [&](double value) {
    const double at = both ? 50 + 50 * value / most : 100 * std::abs(value) / most;
    return std::clamp(std::isfinite(at) ? at : (at > 0 ? 100.0 : 0.0), 0.0, 100.0);
  };
  const double zero = both ? 50 : 0;
  return fmt::format("<svg class=\"ci\" viewBox=\"0 0 100 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">"
                     "<path class=\"{}\" d=\"M{:.1f} 2H{:.1f}V10H{:.1f}z\"/><path class=\"whisker\" d=\"M{:.1f} 6H{:.1f}\"/></svg>",
                     word.mean < 0 ? "neg" : "pos", zero, x(word.mean), zero, x(word.low), x(word.high));
}

void word_row(const CorpusWord& word, double most, bool both, std::string& out) {
  const int decimals = bar_decimals(most);
  out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"track\">{}</td><td class=\"num\">{}</td><td class=\"num range\">{} to {}</td>"
                     "<td class=\"num\">{}</td><td class=\"num\">{:.0f} %</td></tr>\n",
                     name_html(word.word), bar(word, most, both), signed_number(word.mean, decimals), signed_number(word.low, decimals),
                     signed_number(word.high, decimals), word.texts, 100 * word.share_for);
}

void word_table(const std::string& caption, const std::vector<CorpusWord>& words, double most, bool both, std::string& out) {
  if (words.empty()) return;
  out += fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of words\"><table class=\"words\"><caption>{}</caption>\n<thead><tr><th scope=\"col\">Word</th>"
                     "<th scope=\"col\"><span class=\"unseen-head\">Bar</span></th><th scope=\"col\" class=\"num\">Mean</th><th scope=\"col\" class=\"num range\">95 %</th>"
                     "<th scope=\"col\" class=\"num\">Texts</th><th scope=\"col\" class=\"num\">For</th></tr></thead>\n<tbody>\n", caption);
  for (const CorpusWord& word : words) word_row(word, most, both, out);
  out += "</tbody></table></div>\n";
}

void context(const std::optional<WordInContext>& found, std::string_view side, std::string_view way, std::string& out) {
  if (!found) return;
  out += fmt::format("<li><span class=\"num\">{}</span> <span class=\"place\">row {}</span> <bdi>{}<span class=\"word {}\">{}</span>{}</bdi>"
                     "<span class=\"unseen-head\"> ({})</span></li>\n", signed_number(found->value, 3), found->row, visible_html(found->before), way,
                     visible_html(found->word), visible_html(found->after), side);
}

void mixed_words(const CorpusLabel& label, std::string& out) {
  if (label.mixed.empty()) return;
  std::vector<CorpusWord> words;
  for (const MixedWord& mixed : label.mixed) words.push_back(mixed.word);
  const double most = widest({&words});
  word_table(fmt::format("Now for {0}, now against it, as the context has it", name_html(label.label)), words, most, true, out);
  out += "<details class=\"contexts\"><summary>In which contexts</summary>\n<dl>\n";
  for (const MixedWord& mixed : label.mixed) {
    if (!mixed.most_for && !mixed.most_against) continue;
    out += fmt::format("<dt>{}</dt><dd><ul>\n", name_html(mixed.word.word));
    context(mixed.most_for, "for it", "for", out);
    context(mixed.most_against, "against it", "against", out);
    out += "</ul></dd>\n";
  }
  out += "</dl></details>\n";
}

void label_words(const CorpusReport& report, std::size_t index, std::string& out) {
  const CorpusLabel& label = report.labels[index];
  const double most = widest({&label.words_for, &label.words_against});
  const std::string name = name_html(label.label, 64);
  out += fmt::format("<details class=\"card label\" id=\"label-{}\"{}>\n<summary><h2>{} <span class=\"place\">{}</span></h2></summary>\n", index,
                     index < kOpenLabels ? " open" : "", name, count_of(label.texts, "text", "texts"));
  if (label.words_for.empty() && label.words_against.empty()) out += "<p class=\"hint\">No word of these texts is surely for or against it.</p>\n";
  out += "<div class=\"pair\">\n";
  word_table(report.has_scores_of_labels ? fmt::format("Without them {} is less likely", name) : "Without them the value is lower", label.words_for, most, false, out);
  word_table(report.has_scores_of_labels ? fmt::format("Without them {} is likelier", name) : "Without them the value is higher", label.words_against, most, false, out);
  out += "</div>\n";
  mixed_words(label, out);
  out += "</details>\n";
}

void matrix(const CorpusReport& report, std::string& out) {
  std::map<std::pair<std::string, std::string>, std::size_t> cells;
  std::vector<std::string> golds, predictions;
  const auto note = [](std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const CorpusLabel& label : report.labels) predictions.push_back(label.label);
  std::size_t largest = 1;
  for (const Confusion& each : report.gold->confusions) {
    cells[{each.gold, each.predicted}] = each.texts;
    note(golds, each.gold);
    largest = std::max(largest, each.texts);
  }
  out += "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of right and wrong\"><table class=\"matrix\"><caption>Rows: the label it should be. Columns: what the model says. Framed: right.</caption>\n"
         "<thead><tr><th scope=\"col\">Label</th>";
  for (const std::string& name : predictions) out += fmt::format("<th scope=\"col\" class=\"num\">{}</th>", name_html(name));
  out += "</tr></thead>\n<tbody>\n";
  for (const std::string& gold : golds) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", name_html(gold));
    for (const std::string& predicted : predictions) {
      const auto cell = cells.find({gold, predicted});
      const std::size_t texts = cell == cells.end() ? 0 : cell->second;
      const auto shade = static_cast<int>(std::lround(10 * std::sqrt(percent_of(texts, largest))));
      out += fmt::format("<td class=\"num {}{}\">{}</td>", shade == 0 ? "z" : fmt::format("n{}", shade), gold == predicted ? " right" : "", texts);
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

void confusion_list(const GoldReport& gold, std::string& out) {
  std::vector<Confusion> wrong;
  std::ranges::copy_if(gold.confusions, std::back_inserter(wrong), [](const Confusion& each) { return each.gold != each.predicted; });
  std::ranges::stable_sort(wrong, [](const Confusion& a, const Confusion& b) { return a.texts > b.texts; });
  if (wrong.size() > kListedConfusions) wrong.resize(kListedConfusions);
  out += "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of mistakes\"><table><caption>What is most often taken for what</caption>\n<thead><tr><th scope=\"col\">It should be</th>"
         "<th scope=\"col\">The model says</th><th scope=\"col\" class=\"num\">Texts</th></tr></thead>\n<tbody>\n";
  for (const Confusion& each : wrong) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\">{}</td></tr>\n", name_html(each.gold), name_html(each.predicted), each.texts);
  }
  out += "</tbody></table></div>\n";
}

}  // namespace

void corpus_labels(const CorpusReport& report, std::string& out) {
  if (report.labels.empty()) return;
  out += fmt::format("<section class=\"card\" id=\"labels\">\n<h2>What the model says</h2>\n<table class=\"scores\"><thead><tr><th scope=\"col\">Label</th>"
                     "<th scope=\"col\">Share of the texts</th><th scope=\"col\" class=\"num\">Texts</th><th scope=\"col\" class=\"num\">Mean {}</th></tr></thead>\n<tbody>\n",
                     report.has_scores_of_labels ? "score" : "value");
  for (std::size_t label = 0; label < report.labels.size(); ++label) {
    const CorpusLabel& each = report.labels[label];
    const double share = percent_of(each.texts, report.texts);
    out += fmt::format("<tr><th scope=\"row\"><a href=\"#label-{}\">{}</a></th><td class=\"track\"><svg class=\"score\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
                       "aria-hidden=\"true\" focusable=\"false\"><path d=\"M0 0H{:.1f}V10H0z\"/></svg></td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n",
                       label, name_html(each.label, 64), 100 * share, each.texts, number(each.mean_score, 3));
  }
  out += "</tbody></table>\n</section>\n";
  for (std::size_t label = 0; label < report.labels.size(); ++label) label_words(report, label, out);
}

void corpus_leaks(const CorpusReport& report, std::string& out) {
  if (report.leaks.empty()) return;
  out += "<section class=\"card\" id=\"leaks\">\n<h2>Words that decide a label by themselves</h2>\n"
         "<p class=\"hint\">Without such a word the model says another label, or is not half as sure, in most of the texts that hold it. If nearly all "
         "texts with it get the label, it may give the label away, as a signature or a heading does: look whether it is what the label means. If few do, "
         "the model hangs on a trifle there.</p>\n"
         "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of words that decide a label\"><table class=\"leaks\"><thead><tr><th scope=\"col\">Word</th><th scope=\"col\">Label</th><th scope=\"col\" class=\"num\">Decides</th>"
         "<th scope=\"col\" class=\"num\">Of the label’s texts</th><th scope=\"col\" class=\"num\">Stands in</th><th scope=\"col\" class=\"num\">Texts with it that get the label</th></tr></thead>\n<tbody>\n";
  for (const Leak& leak : report.leaks) {
    out += fmt::format("<tr><th scope=\"row\"><span class=\"word for\">{}</span></th><td>{}</td><td class=\"num\">{} of {}</td><td class=\"num\">{}</td>"
                       "<td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n", name_html(leak.word), name_html(leak.label), leak.decided, leak.texts,
                       share_text(leak.explained), share_text(leak.coverage), share_text(leak.precision));
  }
  out += "</tbody></table></div>\n</section>\n";
}

void corpus_gold(const CorpusReport& report, std::string& out) {
  if (!report.gold || report.gold->texts == 0) return;
  const GoldReport& gold = *report.gold;
  out += fmt::format("<section class=\"card\" id=\"gold\">\n<h2>Right and wrong</h2>\n<p class=\"hint\">{} of {} texts get the label they should have.</p>\n",
                     gold.correct, gold.texts);
  std::set<std::string> names;
  for (const Confusion& each : gold.confusions) names.insert(each.gold);
  for (const CorpusLabel& label : report.labels) names.insert(label.label);
  if (names.size() <= kCorpusMatrixLabels) {
    matrix(report, out);
  } else {
    confusion_list(gold, out);
  }
  word_table("Where the model is wrong: words that speak for the label it says", gold.misleading, widest({&gold.misleading}), false, out);
  out += "</section>\n";
}

}  // namespace filbert
