#include "tokenize/precompiled.h"

#include <cstring>

#include <fmt/format.h>

#include <filbert/error.h>

#include <simdjson.h>

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr std::size_t kShortGrapheme = 6;  // bytes; longer ones go character by character

// The parts of a unit of the double array.
std::uint32_t label(std::uint32_t unit) { return unit & (1u << 31 | 0xFF); }
std::uint32_t value(std::uint32_t unit) { return unit & ~(1u << 31); }
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t offset(std::uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// What stands in the way of characters, with their changes as AlignedText counts them.
struct Change {
  char32_t c;
  int change;
};

void put_replacement(std::string_view before, std::string_view after, std::vector<Change>& changes) {
  const auto difference = static_cast<std::ptrdiff_t>(count_code_points(after)) - static_cast<std::ptrdiff_t>(count_code_points(before));
  for (std::size_t at = 0; at < after.size();) {
    const unicode::Char c = unicode::decode(after, at);
    changes.push_back({c.code_point, 0});
    at += c.bytes;
  }
  if (difference < 0 && !changes.empty()) changes.back().change += static_cast<int>(difference);
  for (std::ptrdiff_t i = 0; i < difference; ++i) changes[changes.size() - 1 - static_cast<std::size_t>(i)].change = 1;
}

}  // namespace

Precompiled Precompiled::from_bytes(std::string_view charsmap, std::string_view name) {
  std::uint32_t bytes = 0;
  if (charsmap.size() >= sizeof bytes) std::memcpy(&bytes, charsmap.data(), sizeof bytes);
  if (charsmap.size() < sizeof bytes || bytes % 4 != 0 || bytes == 0 || bytes > charsmap.size() - sizeof bytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a trie and its size, found {} bytes that say {}", name,
                                                charsmap.size(), bytes));
  }
  Precompiled map;
  map.units_.resize(bytes / 4);
  std::memcpy(map.units_.data(), charsmap.data() + sizeof bytes, bytes);
  map.replacements_ = charsmap.substr(sizeof bytes + bytes);
  if (!simdjson::validate_utf8(map.replacements_)) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected replacements in UTF-8, found other bytes", name));
  }
  for (char c = 1; c > 0 && c < 127; ++c) map.maps_ascii_[static_cast<std::size_t>(c)] = map.find({&c, 1}).has_value();
  map.maps_ascii_[127] = map.maps_ascii_[0] = true;
  return map;
}

Precompiled Precompiled::from_base64(std::string_view base64, std::string_view name) {
  std::string bytes;
  bytes.reserve(base64.size() / 4 * 3);
  while (base64.ends_with('=')) base64.remove_suffix(1);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    const int digit = base64_digit(c);
    if (digit < 0) throw Error(ErrorKind::corrupt, fmt::format("{}: expected base64, found byte {}", name, int{c}));
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return from_bytes(bytes, name);
}

std::optional<std::string_view> Precompiled::find(std::string_view chunk) const {
  std::uint32_t node = offset(units_[0]);
  for (const char byte : chunk) {
    if (byte == 0) break;
    node ^= static_cast<unsigned char>(byte);
    if (node >= units_.size() || label(units_[node]) != static_cast<unsigned char>(byte)) return std::nullopt;
    const std::uint32_t unit = units_[node];
    node ^= offset(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) return std::nullopt;
    const std::uint32_t begin = value(units_[node]);
    if (begin >= replacements_.size()) return std::string_view();
    // A place inside a character would be one in a broken file.
    if (!starts_char(replacements_[begin])) return std::string_view();
    return std::string_view(replacements_.c_str() + begin);
  }
  return std::nullopt;
}

void Precompiled::normalize(const AlignedText& in, AlignedText& out) const {
  out.clear();
  out.base = in.base;
  if (!out.keeps_origins) return normalize_text(in.text, out.text);
  const std::string_view text = in.text;
  std::vector<Change> changes;
  changes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = unicode::grapheme_end(text, at);
    const std::string_view grapheme = text.substr(at, end - at);
    const auto whole = grapheme.size() < kShortGrapheme ? find(grapheme) : std::nullopt;
    if (whole) {
      put_replacement(grapheme, *whole, changes);
      at = end;
    }
    while (at < end) {
      const unicode::Char c = unicode::decode(text, at);
      const std::string_view part = text.substr(at, c.bytes);
      if (const auto known = find(part)) {
        put_replacement(part, *known, changes);
      } else {
        changes.push_back({c.code_point, 0});
      }
      at += c.bytes;
    }
  }
  Rewriter rewriter(in, 0, text.size(), out);
  for (const Change change : changes) rewriter.put(change.c, change.change);
}

// The same without places.
void Precompiled::normalize_text(std::string_view text, std::string& out) const {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    // ASCII that stays, up to the last character before any other: that one may have something attached.
    std::size_t plain = at;
    while (plain < text.size() && byte(plain) < 0x80 && !maps_ascii_[byte(plain)]) ++plain;
    if (plain < text.size() && byte(plain) >= 0x80 && plain > at) --plain;
    out += text.substr(at, plain - at);
    at = plain;
    if (at == text.size()) return;
    const std::size_t end = unicode::grapheme_end(text, at);
    const std::string_view grapheme = text.substr(at, end - at);
    const auto whole = grapheme.size() < kShortGrapheme ? find(grapheme) : std::nullopt;
    if (whole) {
      out += *whole;
      at = end;
    }
    while (at < end) {
      const std::string_view part = text.substr(at, unicode::decode(text, at).bytes);
      out += find(part).value_or(part);
      at += part.size();
    }
  }
}

}  // namespace filbert
