#include "tokenize/normalizer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

// What an ASCII byte becomes; 0: it is removed.
using AsciiMap = std::array<char, 128>;

AsciiMap make_ascii_map(bool clean_text, bool lowercase) {
  AsciiMap map{};
  for (char32_t c = 0; c < 128; ++c) {
    const auto flags = unicode::flags(c);
    char32_t out = c;
    if (clean_text && (flags & unicode::kSpace) != 0) out = ' ';
    if (clean_text && (flags & unicode::kRemoved) != 0) out = 0;
    if (lowercase && c >= 'A' && c <= 'Z') out = c + ('a' - 'A');
    map[c] = static_cast<char>(out);
  }
  return map;
}

const AsciiMap& ascii_map(const BertNormalizer& rules) {
  static const std::array<AsciiMap, 4> maps = {make_ascii_map(false, false), make_ascii_map(false, true),
                                               make_ascii_map(true, false), make_ascii_map(true, true)};
  return maps[std::size_t{rules.clean_text} * 2 + std::size_t{rules.lowercase}];
}

// One walk over a text. Characters that combine are held back until the next starter, because NFD sorts them.
class Walk {
 public:
  Walk(const BertNormalizer& rules, std::string_view source, NormalizedText& out)
      : rules_(rules), strips_(rules.strips_accents()), source_(source), out_(out), ascii_(ascii_map(rules)) {}

  void over(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end;) {
      at = ascii_stretch(at, end);
      at = unchanged_stretch(at, end);
      if (at == end) break;
      if (static_cast<unsigned char>(source_[at]) < 0x80) continue;
      const unicode::Char c = unicode::decode(source_, at);
      one(c.code_point, {at, at + c.bytes});
      at += c.bytes;
    }
    flush();
  }

 private:
  using Range = NormalizedText::Range;

  struct Held {
    std::uint8_t combining_class;
    char32_t code_point;
    bool first;    // of its source character's decomposition
    Range source;  // of that character
  };

  // Copies ASCII up to the first other byte; returns where it stopped. Removed characters do not end what is held back.
  std::size_t ascii_stretch(std::size_t at, std::size_t end) {
    const auto byte = [&] { return static_cast<unsigned char>(source_[at]); };
    const auto is_removed = [&] { return ascii_[byte()] == 0 && rules_.clean_text; };
    while (at < end && byte() < 0x80) {
      if (is_removed()) {
        ++at;
        continue;
      }
      const std::size_t begin = at;
      while (at < end && byte() < 0x80 && !is_removed()) ++at;
      start_copy(begin);
      const std::size_t out_begin = out_.text.size();  // behind what was held back
      out_.text.append(source_, begin, at - begin);
      for (std::size_t i = out_begin; i < out_.text.size(); ++i) {
        out_.text[i] = ascii_[static_cast<unsigned char>(out_.text[i])];
      }
      last_source_ = {at - 1, at};
    }
    return at;
  }

  // Copies characters past ASCII up to the first that any rule may change; returns where it stopped.
  std::size_t unchanged_stretch(std::size_t begin, std::size_t end) {
    std::size_t at = begin, last = begin;
    while (at < end && static_cast<unsigned char>(source_[at]) >= 0x80) {
      const unicode::Char c = unicode::decode(source_, at);
      if (!unicode::is_left_alone(c.code_point)) break;
      last = at;
      at += c.bytes;
    }
    if (begin == at) return at;
    start_copy(begin);
    out_.text.append(source_, begin, at - begin);
    last_source_ = {last, at};
    return at;
  }

  void start_copy(std::size_t begin) {
    flush();
    out_.copied_from(begin);
  }

  void one(char32_t c, Range source) {
    std::uint8_t flags = unicode::flags(c);
    if (rules_.clean_text) {
      if ((flags & unicode::kRemoved) != 0) return;
      if ((flags & unicode::kSpace) != 0) {
        c = ' ';
        flags = unicode::flags(c);
      }
    }
    const bool spaced = rules_.handle_chinese_chars && unicode::is_chinese(c);
    if (spaced) starter(' ', source);
    if (strips_ && (flags & (unicode::kDecomposes | unicode::kReorders)) != 0) {
      decomposed(c, source);
    } else if (!strips_ || (flags & unicode::kNonspacingMark) == 0) {
      starter(c, source);
    } else {
      flush();
      last_source_ = source;
    }
    if (spaced) starter(' ', source);
  }

  void decomposed(char32_t c, Range source) {
    const unicode::Mapping mapping = unicode::decompose(c);
    for (std::size_t i = 0; i < mapping.size; ++i) {
      const char32_t part = mapping.code_points[i];
      const std::uint8_t combining_class = unicode::combining_class(part);
      const bool stripped = (unicode::flags(part) & unicode::kNonspacingMark) != 0;
      if (combining_class != 0) {
        held_.push_back({combining_class, part, i == 0, source});
        any_kept_ = any_kept_ || !stripped;
      } else if (stripped) {
        flush();
        last_source_ = source;
      } else {
        starter(part, source);
      }
    }
  }

  void starter(char32_t c, Range source) {
    flush();
    emit(c, source);
    last_source_ = source;
  }

  // Emits what was held back, in NFD's order. As in tokenizers, places do not move with the characters that are sorted:
  // the n-th source character's place goes to the n-th character that begins a decomposition; the others share the
  // place of the one before.
  void flush() {
    if (held_.empty()) return;
    if (any_kept_) {
      sources_.clear();
      for (const Held& held : held_) {
        if (held.first) sources_.push_back(held.source);
      }
      std::stable_sort(held_.begin(), held_.end(),
                       [](const Held& a, const Held& b) { return a.combining_class < b.combining_class; });
      std::size_t taken = 0;
      for (const Held& held : held_) {
        if (held.first) last_source_ = sources_[taken++];
        if ((unicode::flags(held.code_point) & unicode::kNonspacingMark) == 0) emit(held.code_point, last_source_);
      }
    }
    held_.clear();
    any_kept_ = false;
  }

  void emit(char32_t c, Range source) {
    if (rules_.lowercase && (unicode::flags(c) & unicode::kLowers) != 0) {
      const unicode::Mapping mapping = unicode::lower(c);
      if (mapping.size > 1) {
        out_.made_from(source.begin, source.end);
        for (std::size_t i = 0; i < mapping.size; ++i) append_utf8(mapping.code_points[i], out_.text);
        return;
      }
      c = mapping.code_points[0];
    }
    if (unicode::utf8_length(c) == source.end - source.begin) {
      out_.copied_from(source.begin);
    } else {
      out_.made_from(source.begin, source.end);
    }
    append_utf8(c, out_.text);
  }

  const BertNormalizer& rules_;
  const bool strips_;
  const std::string_view source_;
  NormalizedText& out_;
  const AsciiMap& ascii_;
  std::vector<Held> held_;
  std::vector<Range> sources_;
  Range last_source_{0, 0};
  bool any_kept_ = false;
};

}  // namespace

void NormalizedText::clear() {
  text.clear();
  runs_.clear();
  cursor_ = 0;
}

void NormalizedText::copied_from(std::size_t source) {
  if (!keeps_runs) return;
  if (!runs_.empty() && runs_.back().source_end == kCopied &&
      source - runs_.back().source_begin == text.size() - runs_.back().begin) {
    return;  // the same stretch goes on
  }
  runs_.push_back({text.size(), source, kCopied});
}

void NormalizedText::made_from(std::size_t begin, std::size_t end) {
  if (keeps_runs) runs_.push_back({text.size(), begin, end});
}

NormalizedText::Range NormalizedText::original(std::size_t begin, std::size_t end) {
  if (begin < runs_[cursor_].begin) cursor_ = 0;
  while (run_end(cursor_) <= begin) ++cursor_;
  const Run& first = runs_[cursor_];
  std::size_t last_run = cursor_;
  while (run_end(last_run) < end) ++last_run;
  const Run& last = runs_[last_run];
  return {first.source_end == kCopied ? first.source_begin + (begin - first.begin) : first.source_begin,
          last.source_end == kCopied ? last.source_begin + (end - last.begin) : last.source_end};
}

BertNormalizer BertNormalizer::from_json(const JsonValue& normalizer) {
  const JsonValue type = normalizer.at("type");
  if (type.as_string() != "BertNormalizer") {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: expected BertNormalizer, found {}", type.where(), type.as_string()));
  }
  BertNormalizer rules;
  rules.clean_text = normalizer.at("clean_text").as_bool();
  rules.handle_chinese_chars = normalizer.at("handle_chinese_chars").as_bool();
  if (const auto strip = normalizer.find("strip_accents")) rules.strip_accents = strip->as_bool();
  rules.lowercase = normalizer.at("lowercase").as_bool();
  return rules;
}

void BertNormalizer::normalize(std::string_view source, std::size_t begin, std::size_t end, NormalizedText& out) const {
  out.clear();
  Walk(*this, source, out).over(begin, end);
}

void copy_unchanged(std::string_view source, std::size_t begin, std::size_t end, NormalizedText& out) {
  out.clear();
  out.copied_from(begin);
  out.text = source.substr(begin, end - begin);
}

}  // namespace filbert
