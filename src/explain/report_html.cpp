#include "explain/report_html.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "base/text.h"

namespace filbert {
namespace {

void append_escaped(char32_t c, std::string& out) {
  switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    case '\r': out += "&#13;"; break;  // raw, a parser makes a line feed of it
    default: append_utf8(c, out);
  }
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> points;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    points.push_back(decoded.code_point);
    at += decoded.bytes;
  }
  return points;
}

// The flags of England, Scotland and Wales are spelled with invisible letters; everywhere else those hide something.
bool is_flag_letter(char32_t c) { return c >= 0xE0020 && c <= 0xE007F; }

std::string code(char32_t c) { return fmt::format("U+{:04X}", static_cast<unsigned>(c)); }

void append_mark(char32_t c, std::string_view sign, std::string& out) {
  out += fmt::format("<span class=\"ctl\" title=\"{}, a character that is not visible\">{}</span>", code(c), sign);
}

// As JSON has it: in UTF-16.
void append_escape(char32_t c, std::string& out) {
  const auto number = static_cast<unsigned>(c);
  out += number < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (number >> 10), 0xDC00 + (number & 0x3FF));
}

// What stays of a long name, and where something is left out; past its end if nothing is.
std::vector<char32_t> shortened(std::string_view text, std::size_t most, std::size_t& cut_at) {
  std::vector<char32_t> points = code_points(text);
  cut_at = points.size();
  if (points.size() <= most) return points;
  const std::size_t end = most / 4, begin = most - end;
  points.erase(points.begin() + static_cast<std::ptrdiff_t>(begin), points.end() - static_cast<std::ptrdiff_t>(end));
  cut_at = begin;
  return points;
}

}  // namespace

bool is_invisible(char32_t c) {
  static constexpr struct {
    char32_t first, last;
  } kRanges[] = {{0, 8},           {0xB, 0x1F},      {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},
                 {0x180E, 0x180E}, {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                 {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
  return std::ranges::any_of(kRanges, [c](const auto& range) { return c >= range.first && c <= range.last; });
}

std::string hash_source(std::string_view content) { return "'sha256-" + base64_of_hex(sha256_of(content)) + "'"; }

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char32_t c : code_points(text)) append_escaped(c, out);
  return out;
}

std::string visible_html(std::string_view text) {
  std::string out;
  const std::vector<char32_t> points = code_points(text);
  bool in_flag = false;
  for (std::size_t at = 0; at < points.size(); ++at) {
    const char32_t c = points[at];
    const bool line_end = c == '\r' && at + 1 < points.size() && points[at + 1] == '\n';
    in_flag = c == 0x1F3F4 || (in_flag && is_flag_letter(c));
    if (is_invisible(c) && !line_end && !in_flag) {
      append_mark(c, code(c), out);
    } else {
      append_escaped(c, out);
    }
  }
  return out;
}

std::string name_html(std::string_view text, std::size_t most) {
  std::size_t cut_at = 0;
  const std::vector<char32_t> points = shortened(text, most, cut_at);
  std::string out = "<bdi>";
  for (std::size_t at = 0; at < points.size(); ++at) {
    if (at == cut_at) out += "…";
    const char32_t c = points[at];
    if (c == '\n' || c == '\t') {
      append_mark(c, c == '\n' ? "↵" : "⇥", out);
    } else if (is_invisible(c)) {
      append_mark(c, code(c), out);
    } else {
      append_escaped(c, out);
    }
  }
  return out + "</bdi>";
}

std::string plain_name(std::string_view text, std::size_t most) {
  std::size_t cut_at = 0;
  const std::vector<char32_t> points = shortened(text, most, cut_at);
  std::string out;
  for (std::size_t at = 0; at < points.size(); ++at) {
    if (at == cut_at) out += "…";
    if (is_invisible(points[at]) || points[at] == '\n' || points[at] == '\t') {
      out += '[' + code(points[at]) + ']';
    } else {
      append_utf8(points[at], out);
    }
  }
  return out;
}

std::string name_text(std::string_view text, std::size_t most) { return escape_html(plain_name(text, most)); }

std::string document_head(std::string_view title, std::string_view version, std::initializer_list<std::string_view> styles,
                          std::initializer_list<std::string_view> scripts) {
  const auto sources = [](std::string_view directive, std::initializer_list<std::string_view> contents) {
    std::string out;
    for (const std::string_view content : contents) out += ' ' + hash_source(content);
    return out.empty() ? out : fmt::format("{}{}; ", directive, out);
  };
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; {}{}img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"generator\" content=\"Filbert {}\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n",
      sources("script-src", scripts), sources("style-src", styles), name_text(version), title);
  for (const std::string_view style : styles) out += fmt::format("<style>{}</style>\n", style);
  return out + "</head>\n";
}

// An HTML parser ends the element at "</script", and at "<!--" begins to look for another end: no "<" is left to it. Invisible characters
// stand only in strings, and are written as escapes, so that the source of the page hides nothing either.
std::string data_block(std::string_view id, std::string_view json) {
  std::string safe;
  safe.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    const DecodedChar c = decode_utf8(json, at);
    if (c.code_point == '<' || is_invisible(c.code_point)) {
      append_escape(c.code_point, safe);
    } else {
      safe += json.substr(at, c.bytes);
    }
    at += c.bytes;
  }
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id, safe);
}

void fact(std::string_view term, const std::string& html, std::string& out) {
  if (!html.empty() && html != "<bdi></bdi>") out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", term, html);
}

std::string hash_html(std::string_view sha256) { return sha256.empty() ? "" : fmt::format("<code class=\"hash\">{}</code>", name_html(sha256, 64)); }

std::string command_html(std::string_view command) {
  return command.empty() ? "" : fmt::format("<h3>Command</h3>\n<p class=\"command\" dir=\"ltr\"><code>{}</code></p>\n", visible_html(command));
}

std::string number(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  const std::string digits = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !zero ? "−" + digits : digits;
}

std::string signed_number(double value, int decimals) {
  const std::string digits = number(value, decimals);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return value > 0 && !zero && std::isfinite(value) ? "+" + digits : digits;
}

std::string count_of(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string part_of(std::string_view text, const Offset& place, OffsetUnit unit) {
  const OffsetBytes bytes(text, unit);
  const std::size_t begin = bytes(place.begin), end = bytes(place.end);
  return std::string(text.substr(begin, std::max(begin, end) - begin));
}

OffsetBytes::OffsetBytes(std::string_view text, OffsetUnit unit) : bytes_(text.size()) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    std::size_t offsets = 1;
    if (unit == OffsetUnit::bytes) offsets = decoded.bytes;
    if (unit == OffsetUnit::utf16 && decoded.code_point > 0xFFFF) offsets = 2;
    starts_.insert(starts_.end(), offsets, at);
    at += decoded.bytes;
  }
}

}  // namespace filbert
