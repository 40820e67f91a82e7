// The text itself, once, as it was given: its units on the colour of their values, what stands between them as it is, what the model did not
// see struck out.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kNotSeen = static_cast<std::size_t>(-1);
constexpr std::size_t kLong = 600;  // bytes from which on the letters are smaller

struct Piece {
  std::size_t begin = 0, end = 0;  // bytes
  std::size_t unit = kNotSeen;
};

std::vector<Piece> pieces_of(const ReportPage& page, std::int32_t sequence_id, std::string_view text) {
  const OffsetBytes bytes(text, page.report.options.offset_unit);
  std::vector<Piece> pieces;
  const auto add = [&](const Offset& offset, std::size_t unit) { pieces.push_back({bytes(offset.begin), bytes(offset.end), unit}); };
  for (std::size_t unit = 0; unit < page.text.units.size(); ++unit) {
    if (page.text.units[unit].sequence_id != sequence_id) continue;
    add(page.text.units[unit].offset, unit);
    for (const Offset& offset : page.text.units[unit].also) add(offset, unit);
  }
  for (const auto& [sequence, offset] : page.text.not_seen) {
    if (sequence == sequence_id) add(offset, kNotSeen);
  }
  std::ranges::stable_sort(pieces, {}, [](const Piece& piece) { return std::tuple(piece.begin, piece.end); });
  return pieces;
}

void paragraph(const ReportPage& page, std::int32_t sequence_id, std::string_view text, std::string& out) {
  const std::vector<double> none;
  const std::vector<double>& values = page.methods.empty() ? none : page.methods.front().values;
  const double largest = largest_of(values);
  out += fmt::format("<p class=\"text{}\" id=\"text-{}\" dir=\"auto\">", text.size() > kLong ? " long" : "", sequence_id);
  std::size_t at = 0;
  for (const Piece& piece : pieces_of(page, sequence_id, text)) {
    if (piece.begin < at || piece.end <= piece.begin) continue;  // shares characters with the one before, or has none
    out += visible_html(text.substr(at, piece.begin - at));
    const std::string content = visible_html(text.substr(piece.begin, piece.end - piece.begin));
    if (piece.unit == kNotSeen) {
      out += fmt::format("<s class=\"unseen\" title=\"not seen by the model\">{}</s>", content);
    } else {
      const bool has_value = piece.unit < values.size();
      out += fmt::format("<span class=\"unit {}\" data-unit=\"{}\"{}>{}</span>", level_class(has_value ? level(values[piece.unit], largest) : 0),
                         piece.unit, page.is_of_entity(piece.unit) ? " data-entity" : "", content);
    }
    at = piece.end;
  }
  out += visible_html(text.substr(at)) + "</p>\n";
}

// What colours and lines mean, with the numbers they stand for.
void legend(const ReportPage& page, std::string& out) {
  const double largest = largest_of(page.methods.front().values);
  out += fmt::format("<p class=\"legend\"><span class=\"unit n10\" id=\"legend-low\">{}</span> <span>dashed: against</span> "
                     "<span class=\"ramp\" aria-hidden=\"true\">", page.change(-largest));
  for (const char* step : {"n8", "n6", "n4", "n2", "z", "p2", "p4", "p6", "p8"}) out += fmt::format("<i class=\"{}\"></i>", step);
  out += fmt::format("</span> <span>solid: for {}</span> <span class=\"unit p10\" id=\"legend-high\">{}</span></p>\n", page.explained(),
                     page.change(largest));
}

}  // namespace

void text_section(const ReportPage& page, std::string& out) {
  out += "<section class=\"card\" id=\"text\">\n<h2>The text</h2>\n";
  if (!page.methods.empty()) {
    out += fmt::format("<p class=\"hint\">Each {} is coloured by what it adds to {}, by <span id=\"shown-method\">{}</span>.</p>\n",
                       page.unit_word(), page.quantity(), method_html(page.methods.front().method));
    if (page.entity != nullptr) out += "<p class=\"hint\">The entity’s own are in a frame.</p>\n";
  }
  out += "<div id=\"controls\"></div>\n<div id=\"words\">\n";
  if (page.text.text_pair) out += "<h3>First text</h3>\n";
  paragraph(page, 0, page.text.text, out);
  if (page.text.text_pair) {
    out += "<h3>Second text</h3>\n";
    paragraph(page, 1, *page.text.text_pair, out);
  }
  out += "</div>\n";
  if (!page.methods.empty()) legend(page, out);
  out += "<div id=\"detail\"></div>\n</section>\n";
}

}  // namespace filbert
