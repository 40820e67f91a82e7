#include "tokenize/pre_tokenizer_steps.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

// Whether a step of this kind cuts at `c`.
bool cuts_at(Kind kind, char32_t c) {
  switch (kind) {
    case Kind::whitespace_split: return (unicode::flags(c) & unicode::kSpace) != 0;
    case Kind::punctuation: return (unicode::flags(c) & unicode::kPunctuation) != 0;
    default: return (unicode::more_flags(c) & unicode::kDigit) != 0;
  }
}

// Collects stretches that together cover a text, those that match and those between, and turns them into words.
class Cutter {
 public:
  Cutter(Behavior behavior, std::vector<Word>& words) : behavior_(behavior), words_(words), first_(words.size()) {}

  void add(std::size_t begin, std::size_t end, bool is_match) {
    if (begin < end) add_find(begin, end, is_match);
  }
  // What was found may be nothing, which still parts what is around it; finish() then drops it.
  void add_find(std::size_t begin, std::size_t end, bool is_match) {
    switch (behavior_) {
      case Behavior::removed:
        if (!is_match) words_.push_back({begin, end});
        break;
      case Behavior::isolated: words_.push_back({begin, end}); break;
      case Behavior::merged_with_previous: join_or_push(begin, end, is_match && !before_); break;
      case Behavior::merged_with_next: join_or_push(begin, end, !is_match && before_); break;
      case Behavior::contiguous: join_or_push(begin, end, is_match == before_); break;
    }
    before_ = is_match;
    has_empty_ = has_empty_ || begin == end;
  }

  void finish() {
    if (!has_empty_) return;
    const auto is_empty = [](const Word& word) { return word.begin == word.end; };
    words_.erase(std::remove_if(words_.begin() + static_cast<std::ptrdiff_t>(first_), words_.end(), is_empty), words_.end());
  }

 private:
  void join_or_push(std::size_t begin, std::size_t end, bool joins) {
    if (joins && words_.size() > first_) {
      words_.back().end = end;
    } else {
      words_.push_back({begin, end});
    }
  }

  Behavior behavior_;
  std::vector<Word>& words_;
  std::size_t first_;
  bool before_ = false;
  bool has_empty_ = false;
};

void cut_by_chars(const PreTokenizerStep& step, std::string_view text, Word word, std::vector<Word>& words) {
  Cutter cutter(step.behavior, words);
  std::size_t between = word.begin;
  for (std::size_t at = word.begin; at < word.end;) {
    const unicode::Char c = unicode::decode(text, at);
    const std::size_t end = at + c.bytes;
    if (cuts_at(step.kind, c.code_point)) {
      cutter.add(between, at, false);
      cutter.add(at, end, true);
      between = end;
    }
    at = end;
  }
  cutter.add(between, word.end, false);
}

void cut_by_pattern(const PreTokenizerStep& step, std::string_view text, Word word, std::vector<Word>& words) {
  Cutter cutter(step.behavior, words);
  std::size_t between = word.begin;
  Finds finds(step.pattern, text.substr(word.begin, word.end - word.begin));
  while (const auto found = finds.next()) {
    cutter.add(between, word.begin + found->begin, step.invert);
    cutter.add_find(word.begin + found->begin, word.begin + found->end, !step.invert);
    between = word.begin + found->end;
  }
  cutter.add(between, word.end, step.invert);
  cutter.finish();
}

// \w+|[^\w\s]+
void cut_at_whitespace(std::string_view text, Word word, std::vector<Word>& words) {
  constexpr std::uint8_t kKinds = unicode::kWord | unicode::kSpace;
  std::size_t begin = word.begin;
  std::uint8_t before = unicode::kSpace;
  for (std::size_t at = word.begin; at < word.end;) {
    const unicode::Char c = unicode::decode(text, at);
    const std::uint8_t kind = unicode::flags(c.code_point) & kKinds;
    if (kind != before) {
      if (before != unicode::kSpace) words.push_back({begin, at});
      begin = at;
      before = kind;
    }
    at += c.bytes;
  }
  if (before != unicode::kSpace && begin < word.end) words.push_back({begin, word.end});
}

void cut_by_regex(std::string_view text, Word word, std::vector<Word>& words) {
  for (std::size_t at = word.begin; at < word.end;) {
    const std::size_t end = byte_level_word_end(text, at, word.end);
    words.push_back({at, end});
    at = end;
  }
}

void cut(const PreTokenizerStep& step, std::string_view text, Word word, std::vector<Word>& words) {
  switch (step.kind) {
    case Kind::bert: return pre_tokenize(PreTokenizer::bert, text, word.begin, word.end, words);
    case Kind::whitespace: return cut_at_whitespace(text, word, words);
    case Kind::split: return cut_by_pattern(step, text, word, words);
    case Kind::byte_level: return cut_by_regex(text, word, words);
    default: return cut_by_chars(step, text, word, words);
  }
}

// ---- steps that write ------------------------------------------------------------------------------------------------

void prepend(std::string_view prefix, const AlignedText& in, Word word, Rewriter& rewriter) {
  const std::uint32_t first = unicode::decode(in.text, word.begin).bytes;
  rewriter.replace(first, std::string(prefix) + in.text.substr(word.begin, first));
}

void write_metaspace(const PreTokenizerStep& step, const AlignedText& in, Word word, AlignedText& out, std::vector<Word>& words) {
  const std::size_t begin = out.text.size();
  Rewriter rewriter(in, word.begin, word.end, out);
  const std::string_view text = std::string_view(in.text).substr(word.begin, word.end - word.begin);
  const bool has_prefix = text.starts_with(step.replacement) || text.starts_with(' ');
  const bool prepends = step.prepend == PreTokenizerStep::Prepend::always ||
                        (step.prepend == PreTokenizerStep::Prepend::first && in.origins[word.begin].begin == 0);
  if (prepends && !has_prefix) prepend(step.replacement, in, word, rewriter);
  while (rewriter.at() < word.end) {
    const std::size_t space = word.begin + std::min(text.find(' ', rewriter.at() - word.begin), text.size());
    rewriter.copy(space - rewriter.at());
    if (space < word.end) rewriter.replace(1, step.replacement);
  }
  if (!step.cuts) return words.push_back({begin, out.text.size()});
  std::size_t from = begin;
  for (std::size_t at = begin; at < out.text.size();) {
    if (at > from && out.text.compare(at, step.replacement.size(), step.replacement) == 0) {
      words.push_back({from, at});
      from = at;
    }
    at += unicode::decode(out.text, at).bytes;
  }
  if (from < out.text.size()) words.push_back({from, out.text.size()});
}

void write_byte_level(const PreTokenizerStep& step, const AlignedText& in, Word word, AlignedText& out, std::vector<Word>& words) {
  const std::size_t begin = out.text.size();
  Rewriter rewriter(in, word.begin, word.end, out);
  if (in.text[word.begin] != ' ') prepend(" ", in, word, rewriter);
  rewriter.copy(word.end - rewriter.at());
  const Word written{begin, out.text.size()};
  if (step.cuts) {
    cut_by_regex(out.text, written, words);
  } else {
    words.push_back(written);
  }
}

bool writes(const PreTokenizerStep& step) {
  return step.kind == Kind::metaspace || (step.kind == Kind::byte_level && step.add_prefix_space);
}

// ---- reading ---------------------------------------------------------------------------------------------------------

Behavior behavior_from_json(const JsonValue& step, Behavior absent) {
  constexpr std::string_view kNames[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
  const auto value = step.find("behavior");
  if (!value) return absent;
  const auto found = std::find(std::begin(kNames), std::end(kNames), value->as_string());
  if (found == std::end(kNames)) value->fail("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
  return static_cast<Behavior>(found - std::begin(kNames));
}

struct PreTokenizerReader {
  std::string_view type;
  PreTokenizerStep (*read)(const JsonValue& value);
};
constexpr PreTokenizerReader kPreTokenizerReaders[] = {
    {"BertPreTokenizer", [](const JsonValue&) { return PreTokenizerStep{.kind = Kind::bert}; }},
    {"Whitespace", [](const JsonValue&) { return PreTokenizerStep{.kind = Kind::whitespace}; }},
    {"WhitespaceSplit",
     [](const JsonValue&) { return PreTokenizerStep{.kind = Kind::whitespace_split, .behavior = Behavior::removed}; }},
    {"Punctuation",
     [](const JsonValue& value) {
       return PreTokenizerStep{.kind = Kind::punctuation, .behavior = behavior_from_json(value, Behavior::isolated)};
     }},
    {"Digits",
     [](const JsonValue& value) {
       const bool individual = value.flag("individual_digits", false);
       return PreTokenizerStep{.kind = Kind::digits, .behavior = individual ? Behavior::isolated : Behavior::contiguous};
     }},
    {"Split",
     [](const JsonValue& value) {
       return PreTokenizerStep{.kind = Kind::split,
                   .behavior = behavior_from_json(value, Behavior::isolated),
                   .invert = value.flag("invert", false),
                   .pattern = Pattern::from_json(value.at("pattern"))};
     }},
    {"ByteLevel",
     [](const JsonValue& value) {
       return PreTokenizerStep{.kind = Kind::byte_level,
                   .add_prefix_space = value.flag("add_prefix_space", true),
                   .cuts = value.flag("use_regex", true)};
     }},
    {"Metaspace", metaspace_from_json},
};

}  // namespace

PreTokenizerStep metaspace_from_json(const JsonValue& value) {
  PreTokenizerStep step{.kind = Kind::metaspace};
  step.cuts = value.flag("split", true);
  step.replacement = value.at("replacement").as_string();
  if (step.replacement.empty() || unicode::decode(step.replacement, 0).bytes != step.replacement.size()) {
    value.at("replacement").fail("one character");
  }
  if (const auto scheme = value.find("prepend_scheme")) {
    constexpr std::string_view kNames[] = {"always", "first", "never"};
    const auto found = std::find(std::begin(kNames), std::end(kNames), scheme->as_string());
    if (found == std::end(kNames)) scheme->fail("always, first or never");
    step.prepend = static_cast<PreTokenizerStep::Prepend>(found - std::begin(kNames));
  } else if (!value.flag("add_prefix_space", true)) {
    step.prepend = PreTokenizerStep::Prepend::never;
  }
  return step;
}

void pre_tokenizer_steps_from_json(const JsonValue& pre_tokenizer, std::vector<PreTokenizerStep>& steps) {
  const JsonValue type = pre_tokenizer.at("type");
  if (type.as_string() == "Sequence") {
    pre_tokenizer.at("pretokenizers").for_each_element([&](const JsonValue& step) {
      pre_tokenizer_steps_from_json(step, steps);
    });
    return;
  }
  for (const PreTokenizerReader& reader : kPreTokenizerReaders) {
    if (reader.type == type.as_string()) return steps.push_back(reader.read(pre_tokenizer));
  }
  throw Error(ErrorKind::unsupported, fmt::format("{}: expected a pre-tokenizer that this version knows, found {}",
                                                  type.where(), type.as_string()));
}

void pre_tokenize(const std::vector<PreTokenizerStep>& steps, AlignedText& text, std::vector<Word>& words,
                  PreTokenizerScratch& scratch) {
  for (const PreTokenizerStep& step : steps) {
    if (step.kind == Kind::byte_level && !step.cuts && !step.add_prefix_space) continue;
    scratch.words.clear();
    if (writes(step)) {
      scratch.text.clear();
      scratch.text.base = text.base;
      scratch.text.keeps_origins = text.keeps_origins;
      for (const Word word : words) {
        if (step.kind == Kind::metaspace) {
          write_metaspace(step, text, word, scratch.text, scratch.words);
        } else {
          write_byte_level(step, text, word, scratch.text, scratch.words);
        }
      }
      std::swap(text, scratch.text);
    } else {
      for (const Word word : words) cut(step, text.text, word, scratch.words);
    }
    std::swap(words, scratch.words);
  }
}

}  // namespace filbert
