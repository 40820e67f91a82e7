#include "tokenize/sections.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <filbert/error.h>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

using Kind = PreTokenizerStep::Kind;

bool is_of_type(const JsonValue& root, std::string_view section, std::string_view type) {
  const auto value = root.find(section);
  return !value || (value->is_object() && value->find("type") && value->at("type").as_string() == type);
}

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // clang before 17 does not find it

// A space is followed by what cannot reach over it.
bool may_cut_after_space(std::string_view text, std::size_t space, std::size_t end) {
  if (space + 1 < end && static_cast<unsigned char>(text[space + 1]) >= 0x80) {
    const char32_t next = unicode::decode(text, space + 1).code_point;
    if ((unicode::more_flags(next) & (unicode::kAttaches | unicode::kMark)) != 0) return false;
    if ((unicode::flags(next) & unicode::kReorders) != 0) return false;
  }
  if (space > 0 && static_cast<unsigned char>(text[space - 1]) >= 0x80) {
    const char32_t before = unicode::decode_before(text, space).code_point;
    if ((unicode::more_flags(before) & unicode::kPrepends) != 0) return false;
  }
  return true;
}

}  // namespace

std::string_view model_type(const JsonValue& model) {
  if (const auto type = model.find("type")) return type->as_string();
  if (model.find("merges")) return "BPE";
  const auto vocab = model.find("vocab");
  return vocab && vocab->is_array() ? "Unigram" : "WordPiece";
}

bool Sections::are_needed(const JsonValue& root) {
  return !is_of_type(root, "normalizer", "BertNormalizer") || !is_of_type(root, "pre_tokenizer", "BertPreTokenizer") ||
         model_type(root.at("model")) != "WordPiece";
}

Sections Sections::from_json(const JsonValue& root) {
  Sections sections;
  if (const auto normalizer = root.find("normalizer")) normalizer_steps_from_json(*normalizer, sections.normalizer);
  const auto pre_tokenizer = root.find("pre_tokenizer");
  if (pre_tokenizer) pre_tokenizer_steps_from_json(*pre_tokenizer, sections.pre_tokenizer);
  const auto is_byte_level = [](const PreTokenizerStep& step) { return step.kind == Kind::byte_level; };
  const auto byte_level = std::find_if(sections.pre_tokenizer.begin(), sections.pre_tokenizer.end(), is_byte_level);
  const bool of_bytes = byte_level != sections.pre_tokenizer.end();
  const JsonValue model = root.at("model");
  const std::string_view type = model_type(model);
  if (of_bytes && (byte_level + 1 != sections.pre_tokenizer.end() || type != "BPE")) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: expected ByteLevel as the last step before a model BPE, found {} "
                                                    "steps before a model {}",
                                                    pre_tokenizer->where(), sections.pre_tokenizer.size(), type));
  }
  if (type == "WordPiece") {
    sections.model = WordPiece::from_json(model);
  } else if (type == "BPE") {
    sections.model = Bpe::from_json(model, of_bytes);
  } else if (type == "Unigram") {
    sections.model = Unigram::from_json(model);
  } else {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: type: expected WordPiece, BPE or Unigram, found {}", model.where(), type));
  }
  sections.finish();
  return sections;
}

void Sections::finish() {
  using Prepend = PreTokenizerStep::Prepend;
  const auto asks = [](const PreTokenizerStep& step) {
    return step.kind == Kind::metaspace && step.prepend == Prepend::first;
  };
  needs_origins = std::any_of(pre_tokenizer.begin(), pre_tokenizer.end(), asks);
  cuts_as_given = normalizer.empty() && pre_tokenizer.size() == 1 && pre_tokenizer[0].kind == Kind::byte_level &&
                  !pre_tokenizer[0].add_prefix_space && pre_tokenizer[0].cuts;
  keeps_spaces_apart = !needs_origins && !pre_tokenizer.empty() && pre_tokenizer[0].kind == Kind::whitespace_split &&
                       pre_tokenizer.back().kind != Kind::byte_level && filbert::keeps_spaces_apart(normalizer);
}

const Vocab& Sections::vocab() const {
  return std::visit([](const auto& of_type) -> const Vocab& { return of_type.vocab; }, model);
}

std::string_view Sections::model_name() const {
  constexpr std::string_view kNames[] = {"WordPiece", "BPE", "Unigram"};
  return std::holds_alternative<Bpe>(model) && std::get<Bpe>(model).byte_level ? "byte-level BPE" : kNames[model.index()];
}

void Sections::tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                        ModelScratch& scratch) const {
  std::visit(Overloaded{[&](const WordPiece& wordpiece) { wordpiece.tokenize(text, begin, end, pieces); },
                        [&](const auto& other) { other.tokenize(text, begin, end, pieces, scratch); }},
             model);
}

Word trimmed(std::string_view text, Word range, bool is_first, bool add_prefix_space) {
  const auto is_space = [](unicode::Char c) { return (unicode::flags(c.code_point) & unicode::kSpace) != 0; };
  std::size_t begin = range.begin, end = range.end, leading = 0;
  for (unicode::Char c; begin < end && is_space(c = unicode::decode(text, begin)); ++leading) begin += c.bytes;
  if (is_first && add_prefix_space && leading == 1) begin = range.begin;
  for (unicode::Char c; end > begin && is_space(c = unicode::decode_before(text, end));) end -= c.bytes;
  return {begin, end};
}

// ---- SectionsEncoder ---------------------------------------------------------------------------------------------------

void SectionsEncoder::add_part(std::string_view text, std::size_t begin, std::size_t end, bool with_offsets,
                               Sequence& sequence) {
  if (end > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("text: expected less than 4 GiB, found {} bytes", text.size()));
  }
  if (with_offsets) return add_text(text, begin, end, true, sequence);
  if (sections_.cuts_as_given) {
    const std::string_view part = text.substr(begin, end - begin);
    if (!added_tokens_.has_normalized()) return add_words_as_given(part, 0, part.size(), sequence);
    added_tokens_.split_normalized(part, parts_);
    for (const AddedTokens::Part& stretch : parts_) {
      if (stretch.token != nullptr) {
        sequence.ids.push_back(stretch.token->id);
      } else {
        add_words_as_given(part, stretch.begin, stretch.end, sequence);
      }
    }
    return;
  }
  if (sections_.keeps_spaces_apart && !added_tokens_.has_normalized()) {
    return add_between_spaces(text, begin, end, sequence);
  }
  add_text(text, begin, end, false, sequence);
}

void SectionsEncoder::add_words_as_given(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  for (std::size_t at = begin; at < end;) {
    const std::size_t word_end = byte_level_word_end(text, at, end);
    add_word(text, {at, word_end}, sequence);
    at = word_end;
  }
}

void SectionsEncoder::add_between_spaces(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  for (std::size_t at = begin; at < end;) {
    if (text[at] == ' ' && may_cut_after_space(text, at, end)) {
      ++at;
      continue;
    }
    std::size_t chunk_end = std::min(text.find(' ', at + 1), end);
    while (chunk_end < end && !may_cut_after_space(text, chunk_end, end)) {
      chunk_end = std::min(text.find(' ', chunk_end + 1), end);
    }
    const bool is_short = chunk_end - at <= ShortString::kMaxBytes;
    const ShortString chunk = is_short ? ShortString(text, at, chunk_end) : ShortString();
    if (const ChunkCache::Ids* known = is_short ? known_chunks_.find(chunk) : nullptr) {
      sequence.ids.append(known->ids, known->size);
    } else {
      const std::size_t before = sequence.ids.size();
      add_text(text, at, chunk_end, false, sequence);
      if (is_short) known_chunks_.put(chunk, sequence.ids.ids().subspan(before));
    }
    at = chunk_end;
  }
}

void SectionsEncoder::add_text(std::string_view text, std::size_t begin, std::size_t end, bool with_offsets,
                               Sequence& sequence) {
  if (begin == end) return;
  normalized_.keeps_origins = with_offsets || sections_.needs_origins;
  normalized_.assign(text, begin, end);
  normalize(sections_.normalizer, normalized_, other_text_);
  if (normalized_.text.empty()) return;
  if (!added_tokens_.has_normalized()) {
    std::swap(text_, normalized_);
    return add_words(with_offsets, sequence);
  }
  added_tokens_.split_normalized(normalized_.text, parts_);
  for (const AddedTokens::Part& part : parts_) {
    if (part.token == nullptr) {
      text_.clear();
      text_.base = normalized_.base;
      text_.keeps_origins = normalized_.keeps_origins;
      Rewriter(normalized_, part.begin, part.end, text_).copy(part.end - part.begin);
      add_words(with_offsets, sequence);
    } else if (with_offsets) {
      Word taken{part.begin, part.end};
      if (sections_.trims_offsets) {
        const bool is_first = sequence.ids.size() == 0 || normalized_.origins[part.begin].begin == 0;
        taken = trimmed(normalized_.text, taken, is_first, sections_.add_prefix_space);
      }
      const AlignedText::Range range = taken.begin < taken.end ? normalized_.original(taken.begin, taken.end)
                                                               : normalized_.original(part.begin, part.end);
      sequence.add(part.token->id, sequence.next_word++, {range.begin, range.end});
    } else {
      sequence.ids.push_back(part.token->id);
    }
  }
}

// The tokens of text_.
void SectionsEncoder::add_words(bool with_offsets, Sequence& sequence) {
  words_.assign(1, {0, text_.text.size()});
  pre_tokenize(sections_.pre_tokenizer, text_, words_, pre_tokenizer_scratch_);
  for (const Word word : words_) {
    if (!with_offsets) {
      add_word(text_.text, word, sequence);
      continue;
    }
    pieces_.clear();
    sections_.tokenize(text_.text, word.begin, word.end, pieces_, model_scratch_);
    for (const ModelPiece& piece : pieces_) {
      const AlignedText::Range range = text_.original(piece.begin, piece.end);
      sequence.add(piece.id, sequence.next_word, {range.begin, std::max(range.begin, range.end)});
    }
    ++sequence.next_word;
  }
}

void SectionsEncoder::add_word(std::string_view text, Word word, Sequence& sequence) {
  const bool is_short = word.end - word.begin <= ShortString::kMaxBytes;
  const ShortString short_word = is_short ? ShortString(text, word.begin, word.end) : ShortString();
  if (is_short) {
    if (const ChunkCache::Ids* known = known_words_.find(short_word)) {
      return sequence.ids.append(known->ids, known->size);
    }
  }
  pieces_.clear();
  sections_.tokenize(text, word.begin, word.end, pieces_, model_scratch_);
  const std::size_t before = sequence.ids.size();
  for (const ModelPiece& piece : pieces_) sequence.ids.push_back(piece.id);
  if (is_short) known_words_.put(short_word, sequence.ids.ids().subspan(before));
}

}  // namespace filbert
