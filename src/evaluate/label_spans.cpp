// From labels to spans, by the rules of conlleval.pl or of a scheme: what the package seqeval 1.2.2 does in its two modes, its oddities included. Tested
// by entity_metrics_test.cpp and, against seqeval itself, by tests/parity/seqeval_parity.py.
#include "evaluate/label_spans.h"

#include <array>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/text.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"conlleval", "iob1", "iob2", "ioe1", "ioe2", "iobes", "bilou"};

using Letters = std::uint8_t;
constexpr Letters kI = 1, kO = 2, kB = 4, kE = 8, kS = 16, kU = 32, kL = 64, kAny = 127;
constexpr std::pair<char32_t, Letters> kLetters[] = {{U'I', kI}, {U'O', kO}, {U'B', kB}, {U'E', kE}, {U'S', kS}, {U'U', kU}, {U'L', kL}};

// What two neighbours may be. The types of both are the same, differ, or do not matter.
enum class Types { any, same, differ };
struct Pattern {
  Letters previous, next;
  Types types;
};

struct Scheme {
  Letters allowed;
  std::span<const Pattern> starts, insides, ends;
};

constexpr Pattern kIob1Starts[] = {{kO, kI, Types::any}, {kI, kI, Types::differ}, {kB, kI, Types::any}, {kI, kB, Types::same}, {kB, kB, Types::same}};
constexpr Pattern kIobInsides[] = {{kB, kI, Types::same}, {kI, kI, Types::same}};
constexpr Pattern kIob1Ends[] = {{kI, kI, Types::differ}, {kI, kO, Types::any}, {kI, kB, Types::any}, {kB, kO, Types::any}, {kB, kI, Types::differ},
    {kB, kB, Types::same}};
constexpr Pattern kIob2Starts[] = {{kAny, kB, Types::any}};
constexpr Pattern kIob2Ends[] = {{kI, kO, Types::any}, {kI, kI, Types::differ}, {kI, kB, Types::any}, {kB, kO, Types::any}, {kB, kI, Types::differ},
    {kB, kB, Types::any}};
constexpr Pattern kIoe1Starts[] = {{kO, kI, Types::any}, {kI, kI, Types::differ}, {kE, kI, Types::any}, {kE, kE, Types::same}};
constexpr Pattern kIoeInsides[] = {{kI, kI, Types::same}, {kI, kE, Types::same}};
constexpr Pattern kIoe1Ends[] = {{kI, kI, Types::differ}, {kI, kO, Types::any}, {kI, kE, Types::differ}, {kE, kI, Types::same}, {kE, kE, Types::same}};
constexpr Pattern kIoe2Starts[] = {{kO, kI | kE, Types::any}, {kE, kI | kE, Types::any}, {kI, kI | kE, Types::differ}};
constexpr Pattern kIoe2Ends[] = {{kE, kAny, Types::any}};
constexpr Pattern kIobesStarts[] = {{kAny, kB | kS, Types::any}};
constexpr Pattern kIobesInsides[] = {{kB | kI, kI | kE, Types::same}};
constexpr Pattern kIobesEnds[] = {{kS | kE, kAny, Types::any}};
constexpr Pattern kBilouStarts[] = {{kAny, kB | kU, Types::any}};
constexpr Pattern kBilouInsides[] = {{kB | kI, kI | kL, Types::same}};
constexpr Pattern kBilouEnds[] = {{kU | kL, kAny, Types::any}};

// In the order of SpanRules, from iob1 on.
constexpr Scheme kSchemes[] = {
    {kI | kO | kB, kIob1Starts, kIobInsides, kIob1Ends},
    {kI | kO | kB, kIob2Starts, kIobInsides, kIob2Ends},
    {kI | kO | kE, kIoe1Starts, kIoeInsides, kIoe1Ends},
    {kI | kO | kE, kIoe2Starts, kIoeInsides, kIoe2Ends},
    {kI | kO | kB | kE | kS, kIobesStarts, kIobesInsides, kIobesEnds},
    {kI | kO | kB | kL | kU, kBilouStarts, kBilouInsides, kBilouEnds},
};

// A label's letter and what is left of it.
struct Split {
  char32_t letter;
  std::string_view rest;
};

Split split(std::string_view label, bool suffix) {
  if (label.empty()) throw Error(ErrorKind::invalid_argument, "labels: expected \"O\" or one of a type, found an empty one");
  const std::size_t at = suffix ? character_before(label, label.size() - 1) : 0;
  const DecodedChar first = decode_utf8(label, at);
  return {first.code_point, suffix ? label.substr(0, at) : label.substr(first.bytes)};
}

std::string_view or_none(std::string_view type) { return type.empty() ? "_" : type; }

// The type of a label in seqeval's default mode: what follows the first hyphen, or precedes the last.
std::string_view loose_type(std::string_view rest, bool suffix) {
  const std::size_t hyphen = suffix ? rest.rfind('-') : rest.find('-');
  if (hyphen == std::string_view::npos) return or_none(rest);
  return or_none(suffix ? rest.substr(0, hyphen) : rest.substr(hyphen + 1));
}

// The same in its strict mode: without hyphens at either end.
std::string_view strict_type(std::string_view rest) {
  const std::size_t begin = rest.find_first_not_of('-');
  if (begin == std::string_view::npos) return "_";
  return rest.substr(begin, rest.find_last_not_of('-') - begin + 1);
}

struct Token {
  Letters letter = kO;
  std::string_view type = "_";
};

Token token_of(std::string_view label, SpanRules rules, bool suffix) {
  const Split parts = split(label, suffix);
  const Scheme& scheme = kSchemes[static_cast<std::size_t>(rules) - 1];
  for (const auto& [letter, bit] : kLetters) {
    if (parts.letter == letter && (scheme.allowed & bit) != 0) return {bit, strict_type(parts.rest)};
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("labels: expected those of {}, found \"{}\"", name(rules), label));
}

bool is_one_of(std::span<const Pattern> patterns, const Token& previous, const Token& next) {
  for (const Pattern& pattern : patterns) {
    if ((pattern.previous & previous.letter) == 0 || (pattern.next & next.letter) == 0) continue;
    if (pattern.types == Types::any || (previous.type == next.type) == (pattern.types == Types::same)) return true;
  }
  return false;
}

void strict_spans(std::span<const std::string> labels, SpanRules rules, bool suffix, std::size_t first, std::vector<LabelSpan>& spans) {
  const Scheme& scheme = kSchemes[static_cast<std::size_t>(rules) - 1];
  std::vector<Token> tokens = {{}};  // none before the first
  for (const std::string& label : labels) tokens.push_back(token_of(label, rules, suffix));
  tokens.push_back({});
  for (std::size_t at = 1; at < tokens.size();) {
    if (!is_one_of(scheme.starts, tokens[at - 1], tokens[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at++;
    while (at < tokens.size() && is_one_of(scheme.insides, tokens[at - 1], tokens[at])) ++at;
    if (is_one_of(scheme.ends, tokens[at - 1], tokens[at])) spans.push_back({std::string(tokens[begin].type), first + begin - 1, first + at - 1});
  }
}

bool is_end(char32_t previous, char32_t next, bool same_type) {
  if (previous == U'E' || previous == U'S') return true;
  if ((previous == U'B' || previous == U'I') && (next == U'B' || next == U'S' || next == U'O')) return true;
  return previous != U'O' && previous != U'.' && !same_type;
}

bool is_start(char32_t previous, char32_t next, bool same_type) {
  if (next == U'B' || next == U'S') return true;
  if ((previous == U'E' || previous == U'S' || previous == U'O') && (next == U'E' || next == U'I')) return true;
  return next != U'O' && next != U'.' && !same_type;
}

}  // namespace

SpanRules span_rules_from_name(std::string_view name) { return from_name<SpanRules>("scheme", name, kNames); }
std::string_view name(SpanRules rules) { return kNames[static_cast<std::size_t>(rules)]; }

void SpanReader::take(std::span<const std::string> labels) {
  if (rules_ != SpanRules::conlleval) {
    strict_spans(labels, rules_, suffix_, at_, spans_);
    at_ += labels.size() + 1;
    return;
  }
  for (const std::string& label : labels) {
    const Split parts = split(label, suffix_);
    step(parts.letter, loose_type(parts.rest, suffix_));
  }
  step(U'O', "_");
}

void SpanReader::step(char32_t letter, std::string_view type) {
  const bool same_type = type_ == type;
  if (is_end(letter_, letter, same_type)) spans_.push_back({type_, begin_, at_});
  if (is_start(letter_, letter, same_type)) begin_ = at_;
  letter_ = letter;
  type_ = type;
  ++at_;
}

std::vector<LabelSpan> spans_of_labels(std::span<const std::string> labels, SpanRules rules, bool suffix) {
  SpanReader reader(rules, suffix);
  reader.take(labels);
  return std::move(reader).spans();
}

}  // namespace filbert
