// The tree of phrases as brackets under the text, and the phrases whose two sides do most together beyond what each does.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostUnits = 80;    // of brackets: more would be too deep to follow
constexpr std::size_t kMostPhrases = 8;   // of the table
constexpr std::size_t kMostHeight = 12;   // of brackets: those above share a line

// A unit or a phrase: what of the text it takes.
struct Node {
  std::size_t first = 0, end = 0;  // units
  std::size_t height = 0;
};

// [2 units − 1] by the numbering of Phrase; nothing if it is no tree of neighbours.
std::optional<std::vector<Node>> nodes_of(std::size_t units, const std::vector<Phrase>& phrases) {
  if (units < 2 || phrases.size() != units - 1) return std::nullopt;
  std::vector<Node> nodes;
  for (std::size_t unit = 0; unit < units; ++unit) nodes.push_back({unit, unit + 1, 0});
  for (const Phrase& phrase : phrases) {
    if (phrase.left >= nodes.size() || phrase.right >= nodes.size()) return std::nullopt;
    const Node &left = nodes[phrase.left], &right = nodes[phrase.right];
    if (left.end != right.first) return std::nullopt;
    const Node joined{left.first, right.end, std::max(left.height, right.height) + 1};
    nodes.push_back(joined);
  }
  if (nodes.back().first != 0 || nodes.back().end != units) return std::nullopt;
  return nodes;
}

class Brackets {
 public:
  Brackets(const ReportPage& page, const std::vector<Phrase>& phrases, const std::vector<Node>& nodes)
      : page_(page), phrases_(phrases), nodes_(nodes), first_(page.text.text, page.report.options.offset_unit),
        second_(page.text.text_pair.value_or(""), page.report.options.offset_unit) {}

  void append(std::size_t node, std::string& out) {
    const std::size_t units = page_.text.units.size();
    if (node < units) {
      out += between(node);
      out += fmt::format("<span class=\"leaf\" data-unit=\"{}\">{}</span>", node, name_html(page_.text.units[node].text));
      return;
    }
    const Phrase& phrase = phrases_[node - units];
    out += between(nodes_[node].first);
    out += fmt::format("<span class=\"phrase h{} {}\" title=\"{} together; {} beyond what both sides do\">", std::min(nodes_[node].height, kMostHeight),
                       phrase.value < 0 ? "against" : "for", page_.change(phrase.value), page_.change(phrase.interaction));
    append(phrase.left, out);
    append(phrase.right, out);
    out += "</span>";
  }

 private:
  // What stands before a unit and has not been written: once, by the largest phrase that begins there.
  std::string between(std::size_t unit) {
    if (unit == 0 || unit <= written_) return {};
    written_ = unit;
    const ExplainedUnit &before = page_.text.units[unit - 1], &after = page_.text.units[unit];
    if (before.sequence_id != after.sequence_id) return " ‖ ";
    const bool second = after.sequence_id == 1;
    const std::string_view text = second && page_.text.text_pair ? std::string_view(*page_.text.text_pair) : std::string_view(page_.text.text);
    const OffsetBytes& bytes = second ? second_ : first_;
    const std::size_t begin = bytes(before.offset.end), end = bytes(after.offset.begin);
    return begin < end ? visible_html(text.substr(begin, end - begin)) : std::string();
  }

  const ReportPage& page_;
  const std::vector<Phrase>& phrases_;
  const std::vector<Node>& nodes_;
  OffsetBytes first_, second_;
  std::size_t written_ = 0;
};

std::string words_of(const ReportPage& page, const Node& node) {
  std::string text;
  for (std::size_t unit = node.first; unit < node.end && text.size() < 400; ++unit) text += (unit > node.first ? " " : "") + page.text.units[unit].text;
  return "“" + name_html(text, 48) + "”";
}

void interactions_table(const ReportPage& page, const std::vector<Phrase>& phrases, const std::vector<Node>& nodes, std::string& out) {
  const std::size_t units = page.text.units.size();
  std::vector<double> interactions;
  for (const Phrase& phrase : phrases) interactions.push_back(phrase.interaction);
  out += fmt::format("<table class=\"phrases\">\n<caption>Where two parts do more together, or less, than each for itself</caption>\n<thead><tr><th scope=\"col\">Left</th>"
                     "<th scope=\"col\">Right</th><th scope=\"col\" class=\"num\">Phrase</th><th scope=\"col\" class=\"num\">Of that together</th></tr></thead>\n<tbody>\n");
  std::size_t rows = 0;
  for (const std::size_t at : by_size(interactions)) {
    if (rows++ == kMostPhrases) break;
    const Phrase& phrase = phrases[at];
    out += fmt::format("<tr data-first=\"{}\" data-end=\"{}\"><td>{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n", nodes[units + at].first,
                       nodes[units + at].end, words_of(page, nodes[phrase.left]), words_of(page, nodes[phrase.right]), page.change(phrase.value),
                       page.change(phrase.interaction));
  }
  out += "</tbody>\n</table>\n";
}

}  // namespace

void phrases_section(const ReportPage& page, std::string& out) {
  if (!page.report.shap || page.report.shap->values.size() != page.text.units.size()) return;
  const std::vector<Phrase>& phrases = page.report.shap->phrases;
  const std::size_t units = page.text.units.size();
  const auto nodes = nodes_of(units, phrases);
  if (!nodes) return;
  out += "<section class=\"card\" id=\"phrases\">\n<h2>Phrases</h2>\n<p class=\"hint\">SHAP joins neighbours to phrases. A solid bracket adds to the score as a whole, "
         "a dashed one takes from it.</p>\n";
  if (units <= kMostUnits) {
    out += fmt::format("<p class=\"brackets b{}\" dir=\"auto\">", std::min(nodes->back().height, kMostHeight));
    Brackets(page, phrases, *nodes).append(2 * units - 2, out);
    out += "</p>\n";
  }
  interactions_table(page, phrases, *nodes, out);
  out += "</section>\n";
}

}  // namespace filbert
