#include "tokenize/normalizer_steps.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

bool is_space(char32_t c) { return (unicode::flags(c) & unicode::kSpace) != 0; }

// ---- the steps -------------------------------------------------------------------------------------------------------

void apply(const BertNormalizer& rules, const AlignedText& in, AlignedText& out) {
  NormalizedText normalized;
  normalized.keeps_runs = out.keeps_origins;
  rules.normalize(in.text, 0, in.text.size(), normalized);
  out.text = normalized.text;
  if (!out.keeps_origins) return;
  for (std::size_t at = 0; at < out.text.size();) {
    const std::uint32_t bytes = unicode::decode(out.text, at).bytes;
    const NormalizedText::Range from = normalized.original(at, at + bytes);
    const AlignedText::Range origin =
        from.begin < from.end ? in.original(from.begin, from.end) : AlignedText::Range{in.base, in.base};
    out.origins.insert(out.origins.end(), bytes, origin);
    at += bytes;
  }
}

struct Part {
  char32_t c;
  int change;
  std::uint8_t combining_class;
};

void decompose(char32_t c, bool compatible, std::vector<Part>& parts) {
  auto add = [&, change = 0](char32_t part) mutable {
    parts.push_back({part, std::exchange(change, 1), unicode::combining_class(part)});
  };
  if (const auto mapping = compatible ? unicode::decompose_compatible(c) : std::span<const std::uint32_t>();
      !mapping.empty()) {
    for (const std::uint32_t part : mapping) add(part);
  } else {
    const unicode::Mapping canonical = unicode::decompose(c);
    for (std::size_t i = 0; i < canonical.size; ++i) add(canonical.code_points[i]);
  }
}

// NFC: a starter takes in what follows it unless something of the same or a higher class stands between.
void compose(std::vector<Part>& parts) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t starter = kNone, kept = 0;
  int last_class = -1;  // of what stands between the starter and here; -1: nothing
  for (const Part part : std::vector<Part>(parts)) {
    if (starter != kNone && last_class < part.combining_class) {
      if (const char32_t both = unicode::compose(parts[starter].c, part.c)) {
        parts[starter].c = both;
        parts[starter].change += part.change - 1;
        continue;
      }
    }
    if (part.combining_class == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = part.combining_class;
    }
    parts[kept++] = part;
  }
  parts.resize(kept);
}

void apply(const Composition& form, const AlignedText& in, AlignedText& out) {
  std::vector<Part> parts;
  parts.reserve(in.text.size());
  for (std::size_t at = 0; at < in.text.size();) {
    const unicode::Char c = unicode::decode(in.text, at);
    decompose(c.code_point, form.compatible, parts);
    at += c.bytes;
  }
  for (auto first = parts.begin(); first != parts.end();) {
    if (first->combining_class == 0) {
      ++first;
      continue;
    }
    const auto last = std::find_if(first, parts.end(), [](const Part& part) { return part.combining_class == 0; });
    std::stable_sort(first, last, [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; });
    first = last;
  }
  if (form.composes) compose(parts);
  Rewriter rewriter(in, 0, in.text.size(), out);
  for (const Part& part : parts) rewriter.put(part.c, part.change);
}

// Calls change(rewriter, char) for each character; it must use up the character.
template <typename Change>
void for_each_char(const AlignedText& in, AlignedText& out, Change change) {
  Rewriter rewriter(in, 0, in.text.size(), out);
  while (rewriter.at() < in.text.size()) change(rewriter, unicode::decode(in.text, rewriter.at()));
}

void apply(LowercaseStep, const AlignedText& in, AlignedText& out) {
  for_each_char(in, out, [](Rewriter& rewriter, unicode::Char c) {
    const unicode::Mapping mapping = unicode::lower(c.code_point);
    for (std::size_t i = 0; i < mapping.size; ++i) rewriter.put(mapping.code_points[i], i > 0);
  });
}

void apply(StripAccentsStep, const AlignedText& in, AlignedText& out) {
  for_each_char(in, out, [](Rewriter& rewriter, unicode::Char c) {
    if ((unicode::more_flags(c.code_point) & unicode::kMark) != 0) {
      rewriter.skip(1);
    } else {
      rewriter.copy(c.bytes);
    }
  });
}

bool nmt_removes(char32_t c) {
  return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}
bool nmt_spaces(char32_t c) {
  return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
         c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

void apply(NmtStep, const AlignedText& in, AlignedText& out) {
  for_each_char(in, out, [](Rewriter& rewriter, unicode::Char c) {
    if (nmt_removes(c.code_point)) {
      rewriter.skip(1);
    } else {
      rewriter.put(nmt_spaces(c.code_point) ? U' ' : c.code_point, 0);
    }
  });
}

void apply(StripStep strip, const AlignedText& in, AlignedText& out) {
  std::size_t begin = 0, end = in.text.size();
  while (strip.left && begin < end) {
    const unicode::Char c = unicode::decode(in.text, begin);
    if (!is_space(c.code_point)) break;
    begin += c.bytes;
  }
  while (strip.right && end > begin) {
    const unicode::Char c = unicode::decode_before(in.text, end);
    if (!is_space(c.code_point)) break;
    end -= c.bytes;
  }
  Rewriter(in, begin, end, out).copy(end - begin);
}

void apply(const ReplaceStep& step, const AlignedText& in, AlignedText& out) {
  Rewriter rewriter(in, 0, in.text.size(), out);
  Finds finds(step.pattern, in.text);
  while (const auto found = finds.next()) {
    if (found->begin == found->end) {
      throw Error(ErrorKind::unsupported, "normalizer: expected a Replace that finds characters, found one that finds the place between two");
    }
    rewriter.copy(found->begin - rewriter.at());
    rewriter.replace(found->end - found->begin, step.content);
  }
  rewriter.copy(in.text.size() - rewriter.at());
}

void apply(const PrependStep& step, const AlignedText& in, AlignedText& out) {
  Rewriter rewriter(in, 0, in.text.size(), out);
  if (in.text.empty()) return;
  const std::uint32_t first = unicode::decode(in.text, 0).bytes;
  rewriter.replace(first, step.prefix + in.text.substr(0, first));
  rewriter.copy(in.text.size() - first);
}

void apply(const Precompiled& map, const AlignedText& in, AlignedText& out) { map.normalize(in, out); }

// ---- reading ---------------------------------------------------------------------------------------------------------

template <bool compatible, bool composes>
NormalizerStep read_composition(const JsonValue&) {
  return Composition{compatible, composes};
}
template <typename Step>
NormalizerStep read_plain(const JsonValue&) {
  return Step{};
}

struct NormalizerReader {
  std::string_view type;
  NormalizerStep (*read)(const JsonValue& value);
};
constexpr NormalizerReader kNormalizerReaders[] = {
    {"BertNormalizer", [](const JsonValue& value) -> NormalizerStep { return BertNormalizer::from_json(value); }},
    {"NFD", read_composition<false, false>},
    {"NFC", read_composition<false, true>},
    {"NFKD", read_composition<true, false>},
    {"NFKC", read_composition<true, true>},
    {"Lowercase", read_plain<LowercaseStep>},
    {"StripAccents", read_plain<StripAccentsStep>},
    {"Nmt", read_plain<NmtStep>},
    {"Strip",
     [](const JsonValue& value) -> NormalizerStep {
       return StripStep{value.flag("strip_left", true), value.flag("strip_right", true)};
     }},
    {"Replace",
     [](const JsonValue& value) -> NormalizerStep {
       return ReplaceStep{Pattern::from_json(value.at("pattern")), std::string(value.at("content").as_string())};
     }},
    {"Prepend",
     [](const JsonValue& value) -> NormalizerStep { return PrependStep{std::string(value.at("prepend").as_string())}; }},
    {"Precompiled",
     [](const JsonValue& value) -> NormalizerStep {
       const JsonValue map = value.at("precompiled_charsmap");
       return Precompiled::from_base64(map.as_string(), map.where());
     }},
};

struct KnownRegex {
  std::string_view text;
  Pattern::Kind kind;
};
constexpr KnownRegex kRegexes[] = {{" {2,}", Pattern::Kind::two_spaces},
                                   {R"(\s{2,}|[\n\r\t])", Pattern::Kind::blanks_or_break},
                                   {R"(\s+)", Pattern::Kind::blanks}};

}  // namespace

Pattern Pattern::from_json(const JsonValue& pattern) {
  if (const auto literal = pattern.find("String")) return {.literal = std::string(literal->as_string())};
  const JsonValue regex = pattern.at("Regex");
  for (const KnownRegex& known : kRegexes) {
    if (known.text == regex.as_string()) return {.kind = known.kind};
  }
  try {
    return {.kind = Kind::regex, .regex = std::make_shared<const Regex>(regex.as_string(), RegexSyntax::ruby, regex.where())};
  } catch (const Error& error) {
    throw Error(ErrorKind::unsupported, error.what());
  }
}

std::optional<Regex::Match> Finds::next() {
  if (pattern_.kind == Pattern::Kind::regex) return next_of_regex();
  while (at_ < text_.size()) {
    const std::size_t begin = at_, end = pattern_.match(text_, begin, text_.size());
    at_ = end > begin ? end : begin + unicode::decode(text_, begin).bytes;
    if (end > begin) return Regex::Match{begin, end};
  }
  return std::nullopt;
}

std::optional<Regex::Match> Finds::next_of_regex() {
  while (at_ <= text_.size()) {
    const auto found = pattern_.regex->search(text_, at_);
    if (!found) return std::nullopt;
    if (found->begin == found->end && last_end_ == found->end) {
      at_ += at_ < text_.size() ? unicode::decode(text_, at_).bytes : 1;
      continue;
    }
    at_ = found->end;
    last_end_ = found->end;
    return found;
  }
  return std::nullopt;
}

std::size_t Pattern::match(std::string_view text, std::size_t at, std::size_t end) const {
  if (kind == Kind::literal) return text.substr(at, end - at).starts_with(literal) ? at + literal.size() : at;
  std::size_t last = at, count = 0;
  if (kind == Kind::two_spaces) {
    while (last < end && text[last] == ' ') ++last;
    return last - at >= 2 ? last : at;
  }
  while (last < end) {
    const unicode::Char c = unicode::decode(text, last);
    if (!is_space(c.code_point)) break;
    last += c.bytes;
    ++count;
  }
  if (kind == Kind::blanks || count != 1) return last;
  return text[at] == '\n' || text[at] == '\r' || text[at] == '\t' ? last : at;
}

void normalizer_steps_from_json(const JsonValue& normalizer, std::vector<NormalizerStep>& steps) {
  const JsonValue type = normalizer.at("type");
  if (type.as_string() == "Sequence") {
    normalizer.at("normalizers").for_each_element([&](const JsonValue& step) { normalizer_steps_from_json(step, steps); });
    return;
  }
  for (const NormalizerReader& reader : kNormalizerReaders) {
    if (reader.type == type.as_string()) return steps.push_back(reader.read(normalizer));
  }
  throw Error(ErrorKind::unsupported,
              fmt::format("{}: expected a normalizer that this version knows, found {}", type.where(), type.as_string()));
}

void normalize(const std::vector<NormalizerStep>& steps, AlignedText& text, AlignedText& scratch) {
  for (const NormalizerStep& step : steps) {
    scratch.clear();
    scratch.base = text.base;
    scratch.keeps_origins = text.keeps_origins;
    std::visit([&](const auto& rules) { apply(rules, text, scratch); }, step);
    std::swap(text, scratch);
  }
}

bool keeps_spaces_apart(const std::vector<NormalizerStep>& steps) {
  return std::all_of(steps.begin(), steps.end(), [](const NormalizerStep& step) {
    if (const auto* map = std::get_if<Precompiled>(&step)) return !map->find(" ").has_value();
    if (const auto* replace = std::get_if<ReplaceStep>(&step)) {
      return replace->pattern.kind == Pattern::Kind::literal && replace->pattern.literal.find(' ') == std::string::npos;
    }
    return std::holds_alternative<Composition>(step) || std::holds_alternative<LowercaseStep>(step) ||
           std::holds_alternative<StripAccentsStep>(step);
  });
}

}  // namespace filbert
