// The end of the page of many texts: texts that stand for the others, how to read it all, and how to have it again.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "explain/corpus_page.h"
#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

// A text of it with each place of each word on the colour of its value.
void shaded(const RepresentativeText& picked, std::string_view text, const std::vector<Offset> TextWord::*places_in_it, std::string& out) {
  std::vector<std::pair<Offset, double>> places;
  double largest = 0;
  for (const TextWord& word : picked.explanation.words) {
    if (std::isfinite(word.value)) largest = std::max(largest, std::abs(word.value));
    for (const Offset& place : word.*places_in_it) places.emplace_back(place, word.value);
  }
  std::ranges::sort(places, {}, [](const auto& place) { return std::pair(place.first.begin, place.first.end); });
  out += "<p class=\"text\" dir=\"auto\">";
  std::size_t at = 0;
  for (const auto& [place, value] : places) {
    if (place.begin < at || place.end <= place.begin || place.end > text.size()) continue;
    out += fmt::format("{}<span class=\"unit {}\" title=\"{}\">{}</span>", visible_html(text.substr(at, place.begin - at)), level_class(level(value, largest)),
                       signed_number(value, 3), visible_html(text.substr(place.begin, place.end - place.begin)));
    at = place.end;
  }
  out += visible_html(text.substr(at)) + (picked.shortened ? "…" : "") + "</p>\n";
}

std::string_view method_sentence(std::string_view method) {
  if (method == "shap") return "A word’s value in a text is the sum of the SHAP values of its places, which share the score out among all words.";
  if (method == "lime") return "A word’s value in a text is the sum of its weights in the line that LIME fits to the text with words taken away at random.";
  return "A word’s value in a text is what the score loses when all of its places there are masked, and nothing else.";
}

}  // namespace

void corpus_representatives(const CorpusReport& report, std::string& out) {
  if (report.representatives.empty()) return;
  out += "<section class=\"card\" id=\"texts\">\n<h2>Texts that show the most</h2>\n"
         "<p class=\"hint\">Together they hold the words that matter most over all texts (SP-LIME). Solid, orange: for the label of the text; dashed, "
         "blue: against it.</p>\n";
  for (const RepresentativeText& picked : report.representatives) {
    out += fmt::format("<article>\n<h3>Row {}: {} <span class=\"num\">{}</span>", picked.text.row, name_html(picked.explanation.label, 64),
                       number(double{picked.explanation.score}, 3));
    if (picked.text.gold && *picked.text.gold != picked.explanation.label) out += fmt::format(", should be {}", name_html(*picked.text.gold, 64));
    out += "</h3>\n";
    shaded(picked, picked.text.text, &TextWord::places, out);
    if (picked.text.text_pair) {
      out += "<h4>With it</h4>\n";
      shaded(picked, *picked.text.text_pair, &TextWord::pair_places, out);
    }
    out += "</article>\n";
  }
  out += "</section>\n";
}

void corpus_reading(const CorpusReport& report, std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n";
  out += fmt::format("<li>{} A word that takes part in every sentence, as a full stop does, can have a value too.</li>\n", method_sentence(report.options.method));
  out += "<li>A table of a label is of the texts that the model calls so. The mean is over those that hold the word; the bar is the mean, the line "
         "over it the 95 % interval, by bootstrap over texts; “For” is the share of them where the word speaks for the label.</li>\n";
  out += fmt::format("<li>The order is by the end of the interval that is nearer to zero, so that a word of few texts does not lead by chance. Words of fewer than {} "
                     "are in no table. Of many words some are there by luck all the same.</li>\n", count_of(report.options.min_texts, "text", "texts"));
  out += "<li>It shows what this model does with these texts, not what is true of the world; a word can stand for what comes with it.</li>\n";
  out += "<li>A masked text is one that nobody writes: what the model says of it is part of the answer, and can mislead.</li>\n</ul>\n</section>\n";
}

void corpus_reproduce(const CorpusReport& report, std::string& out) {
  const CorpusOptions& options = report.options;
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("File", name_html(report.input, 200), out);
  fact("File, sha256", hash_html(report.input_sha256), out);
  fact("Model", name_html(report.model, 200), out);
  fact("Weights, sha256", hash_html(report.model_sha256), out);
  fact("Tokenizer, sha256", hash_html(report.tokenizer_sha256), out);
  fact("Computed in", name_html(report.dtype), out);
  fact("Filbert", name_html(report.version), out);
  fact("Method", fmt::format("{}, of {}, masked: {}, seed {}", method_html(options.method), corpus_quantity(report),
                              report.mask.empty() ? "taken out" : name_html(report.mask), options.seed), out);
  fact("Masked texts", fmt::format("{}", report.evaluations), out);
  out += "</dl>\n";
  out += command_html(report.command);
  out += "</section>\n";
}

}  // namespace filbert
