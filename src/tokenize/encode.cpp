#include "tokenize/encode.h"

#include <algorithm>
#include <span>

#include <simdjson.h>

#include "base/text.h"
#include "tokenize/chunks.h"
#include "tokenize/offsets.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

// The next word of text[at, end) as the slow BasicTokenizer cuts them: at white space and around Chinese characters.
// Empty only at the end.
NormalizedText::Range next_basic_word(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t begin = at;
  while (at < end) {
    const unicode::Char c = unicode::decode(text, at);
    const bool chinese = unicode::is_chinese(c.code_point);
    const auto flags = unicode::flags(c.code_point);
    const bool space = (flags & unicode::kSpace) != 0 && (flags & unicode::kRemoved) == 0;
    if ((space || chinese) && begin < at) return {begin, at};
    at += c.bytes;
    if (chinese) return {begin, at};
    if (space) begin = at;
  }
  return {begin, end};
}

std::string without_removed(std::string_view word) {
  std::string kept;
  for (std::size_t at = 0; at < word.size();) {
    const unicode::Char c = unicode::decode(word, at);
    if ((unicode::flags(c.code_point) & unicode::kRemoved) == 0) kept += word.substr(at, c.bytes);
    at += c.bytes;
  }
  return kept;
}

// No normalizer changes the chunk but for the case of ASCII letters, and it is one word.
bool is_plain(std::string_view chunk) {
  for (std::size_t at = 0; at < chunk.size();) {
    const unicode::Char c = unicode::decode(chunk, at);
    if (c.code_point < 0x80) {
      if (c.code_point < 0x20 || c.code_point == 0x7F) return false;  // a control; punctuation is no part of a chunk
    } else if (!unicode::is_left_alone(c.code_point) ||
               (unicode::flags(c.code_point) & unicode::kPunctuation) != 0) {
      return false;
    }
    at += c.bytes;
  }
  return true;
}

void lower_ascii(std::string& text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

}  // namespace

Encoder::Encoder(const Tokenizer::Impl& tokenizer)
    : tokenizer_(tokenizer),
      splits_at_ascii_(tokenizer.pre_tokenizer == PreTokenizer::bert && tokenizer.never_split.empty() &&
                       !tokenizer.added_tokens.has_normalized() &&
                       tokenizer.model.max_input_chars_per_word >= ShortString::kMaxBytes),
      lowercases_(tokenizer.normalizer && tokenizer.normalizer->lowercase) {
  if (tokenizer.sections) {
    sections_.emplace(*tokenizer.sections, tokenizer.added_tokens);
    splits_at_ascii_ = false;
    return;
  }
  for (char c = '!'; c <= '~'; ++c) {
    pieces_.clear();
    tokenizer.model.tokenize({&c, 1}, 0, 1, pieces_);
    mark_ids_[static_cast<unsigned char>(c)] = pieces_[0].id;
  }
}

void Encoder::begin(const EncodeOptions& options) {
  options_ = options;
  normalized_.keeps_runs = options.return_offsets_mapping;
  for (Sequence& sequence : sequences_) sequence.clear();
}

void Encoder::add_rows(const TextInput& input, const EncodeOptions& options, BatchEncoding& batch) {
  begin(options);
  tokenize(input.text, sequences_[0]);
  if (input.text_pair) tokenize(*input.text_pair, sequences_[1]);
  add_rows_of_sequences(input.text_pair.has_value(), batch);
}

// Every word is a text of its own, whose tokens stand in one row with those of the others.
void Encoder::add_rows(const WordsInput& input, const EncodeOptions& options, BatchEncoding& batch) {
  begin(options);
  Sequence& sequence = sequences_[0];
  std::size_t bytes = 0;
  for (std::size_t word = 0; word < input.words.size(); ++word) {
    const std::size_t before = sequence.words.size();
    tokenize(input.words[word], sequence);
    const auto first = sequence.words.begin() + static_cast<std::ptrdiff_t>(before);
    std::fill(first, sequence.words.end(), static_cast<std::int32_t>(word));
    bytes += input.words[word].size();
  }
  longest_text_ = std::max(longest_text_, bytes);
  add_rows_of_sequences(false, batch);
}

void Encoder::add_rows_of_sequences(bool is_pair, BatchEncoding& batch) const {
  const EncodeOptions& options = options_;
  const PostProcessor& post_processor = tokenizer_.post_processor;
  const std::size_t added = options.add_special_tokens ? post_processor.added_tokens(is_pair) : 0;
  const std::size_t all[2] = {sequences_[0].ids.size(), sequences_[1].ids.size()};
  const std::optional<std::size_t> second = is_pair ? std::optional(all[1]) : std::nullopt;
  KeptTokens kept{all[0], all[1]};
  const auto max_length = options.max_length ? options.max_length : tokenizer_.model_max_length;
  if (max_length && options.truncation != Truncation::do_not_truncate) {
    kept = options.return_overflowing_tokens ? window_lengths(all[0], second, options, *max_length, added)
                                             : truncated_lengths(all[0], second, options.truncation, *max_length, added);
  }
  const std::size_t lengths[2] = {kept.first, kept.second};
  const bool is_cut = lengths[0] < all[0] || lengths[1] < all[1];
  const std::size_t cut = lengths[1] < all[1] ? 1 : 0;  // of windows: the text that they are pieces of
  const std::size_t windows = options.return_overflowing_tokens ? num_windows(all[cut], lengths[cut], options.stride) : 1;
  const std::size_t sample = batch.overflow_to_sample_mapping.empty() ? 0 : batch.overflow_to_sample_mapping.back() + 1;
  for (std::size_t index = 0; index < windows; ++index) {
    for (const TemplatePiece& piece : post_processor.pieces(is_pair)) {
      if (piece.sequence >= 0) {
        const std::size_t of = static_cast<std::size_t>(piece.sequence);
        const std::size_t place = of == cut ? index : 0;
        add_sequence(piece, window(place, all[of], lengths[of], options.stride, tokenizer_.truncates_left), batch);
      } else if (options.add_special_tokens) {
        add_special(piece, batch);
      }
    }
    batch.row_starts.push_back(batch.input_ids.size());
    batch.rows.push_back({.tokens_total = all[0] + all[1] + added,
                          .truncated = is_cut && !options.return_overflowing_tokens,
                          .invalid_utf8 = sequences_[0].invalid_utf8 + sequences_[1].invalid_utf8,
                          .sequence_id = static_cast<std::int32_t>(cut)});
    if (options.return_overflowing_tokens) batch.overflow_to_sample_mapping.push_back(sample);
  }
}

void Encoder::add_special(const TemplatePiece& piece, BatchEncoding& batch) const {
  const std::size_t count = piece.ids.size();
  batch.input_ids.insert(batch.input_ids.end(), piece.ids.begin(), piece.ids.end());
  batch.token_type_ids.insert(batch.token_type_ids.end(), count, piece.type_id);
  batch.special_tokens_mask.insert(batch.special_tokens_mask.end(), count, 1);
  if (!options_.return_offsets_mapping) return;
  batch.offset_mapping.insert(batch.offset_mapping.end(), count, Offset{});
  batch.word_ids.insert(batch.word_ids.end(), count, -1);
  batch.sequence_ids.insert(batch.sequence_ids.end(), count, -1);
}

void Encoder::add_sequence(const TemplatePiece& piece, TokenRange tokens, BatchEncoding& batch) const {
  const Sequence& sequence = sequences_[piece.sequence];
  const std::size_t count = tokens.end - tokens.begin;
  const auto append = [&](auto& to, const auto& from) {
    const auto begin = from.begin();
    to.insert(to.end(), begin + static_cast<std::ptrdiff_t>(tokens.begin), begin + static_cast<std::ptrdiff_t>(tokens.end));
  };
  append(batch.input_ids, sequence.ids.ids());
  batch.token_type_ids.insert(batch.token_type_ids.end(), count, piece.type_id);
  batch.special_tokens_mask.insert(batch.special_tokens_mask.end(), count, 0);
  if (!options_.return_offsets_mapping) return;
  append(batch.offset_mapping, sequence.offsets);
  append(batch.word_ids, sequence.words);
  batch.sequence_ids.insert(batch.sequence_ids.end(), count, piece.sequence);
  if (tokenizer_.post_processor.trims_offsets) trim_offsets(batch.input_ids.size() - count, batch);
}

// White space at the ends of a byte-level token is not part of what it stands for. A space that was put before the first
// word is not there to be taken away.
void Encoder::trim_offsets(std::size_t begin, BatchEncoding& batch) const {
  constexpr std::string_view kSpace = "\u0120";  // as byte-level vocabularies write it
  const auto is_space = [&](std::string_view text, unicode::Char c, std::size_t at) {
    return (unicode::flags(c.code_point) & unicode::kSpace) != 0 || text.substr(at).starts_with(kSpace);
  };
  for (std::size_t token = begin; token < batch.input_ids.size(); ++token) {
    const std::string_view text = tokenizer_.id_to_token(static_cast<std::size_t>(batch.input_ids[token]));
    std::size_t leading = 0, trailing = 0;
    for (std::size_t at = 0; at < text.size(); ++leading) {
      const unicode::Char c = unicode::decode(text, at);
      if (!is_space(text, c, at)) break;
      at += c.bytes;
    }
    for (std::size_t at = text.size(); at > 0; ++trailing) {
      const unicode::Char c = unicode::decode_before(text, at);
      at -= c.bytes;
      if (!is_space(text, c, at)) break;
    }
    Offset& offset = batch.offset_mapping[token];
    const bool is_first = token == begin || offset.begin == 0;
    if (is_first && tokenizer_.post_processor.add_prefix_space && leading > 0) leading = leading == 1 ? 0 : leading;
    if (leading > 0) offset.begin = std::min(offset.begin + leading, offset.end);
    if (trailing > 0 && offset.end >= trailing) offset.end = std::max(offset.end - trailing, offset.begin);
  }
}

// Appends the tokens of a text.
void Encoder::tokenize(std::string_view given, Sequence& sequence) {
  const std::size_t before = sequence.offsets.size();
  longest_text_ = std::max(longest_text_, given.size());
  std::string_view text = given;
  const bool valid = simdjson::validate_utf8(given.data(), given.size());
  if (!valid) {
    sequence.invalid_utf8 += count_invalid_utf8(given);
    repaired_ = replace_invalid_utf8(given);
    text = repaired_;
  }
  tokenizer_.added_tokens.split_source(text, source_parts_);
  const bool trims = tokenizer_.post_processor.trims_offsets;
  for (const AddedTokens::Part& part : source_parts_) {
    if (part.token != nullptr) {
      const Word taken = trims ? trimmed(text, {part.begin, part.end}, part.begin == 0 || sequence.ids.size() == 0,
                                         tokenizer_.post_processor.add_prefix_space)
                               : Word{part.begin, part.end};
      add_whole(part.token->id, {taken.begin, taken.end}, sequence);
    } else {
      add_part(text, part.begin, part.end, sequence);
    }
  }
  if (options_.return_offsets_mapping && !(valid && options_.offset_unit == OffsetUnit::bytes)) {
    convert_offsets(given, options_.offset_unit, std::span(sequence.offsets).subspan(before));
  }
}

// What lies between two added tokens: words of never_split, and the rest.
void Encoder::add_part(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  if (!tokenizer_.never_split.empty()) {
    for (std::size_t at = begin; at < end;) {
      const NormalizedText::Range word = next_basic_word(text, at, end);
      at = word.end;
      const auto found = tokenizer_.never_split.find(without_removed(text.substr(word.begin, word.end - word.begin)));
      if (found == tokenizer_.never_split.end()) continue;
      add_text(text, begin, word.begin, sequence);
      add_whole(found->second, word, sequence);
      begin = word.end;
    }
  }
  if (sections_) return sections_->add_part(text, begin, end, options_.return_offsets_mapping, sequence);
  if (splits_at_ascii_ && !options_.return_offsets_mapping) return add_chunks(text, begin, end, sequence);
  add_text(text, begin, end, sequence);
}

// What add_text() gives, one chunk after the other: most are known already.
void Encoder::add_chunks(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  for_each_chunk(
      text, begin, end, [&](std::size_t from, std::size_t to) { add_chunk(text, from, to, sequence); },
      [&](std::size_t at) { sequence.ids.push_back(mark_ids_[static_cast<unsigned char>(text[at])]); });
}

void Encoder::add_chunk(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  if (end - begin > ShortString::kMaxBytes) return add_text(text, begin, end, sequence);
  const ShortString chunk(text, begin, end);
  if (const ChunkCache::Ids* known = chunks_.find(chunk)) {
    sequence.ids.append(known->ids, known->size);
  } else {
    add_new_chunk(chunk, text, begin, end, sequence);
  }
}

void Encoder::add_new_chunk(const ShortString& chunk, std::string_view text, std::size_t begin, std::size_t end,
                            Sequence& sequence) {
  const std::size_t before = sequence.ids.size();
  const std::string_view given = text.substr(begin, end - begin);
  if (!is_plain(given)) {
    add_text(text, begin, end, sequence);
  } else if (const std::int32_t* token = tokenizer_.model.vocab.find(lowercases_ ? chunk.lowered() : chunk)) {
    sequence.ids.push_back(*token);
  } else {
    plain_word_ = given;
    if (lowercases_) lower_ascii(plain_word_);
    pieces_.clear();
    tokenizer_.model.tokenize(plain_word_, 0, plain_word_.size(), pieces_);
    for (const WordPiece::Piece& piece : pieces_) sequence.ids.push_back(piece.id);
  }
  chunks_.put(chunk, sequence.ids.ids().subspan(before));
}

void Encoder::add_text(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence) {
  if (begin == end) return;
  if (tokenizer_.normalizer) {
    tokenizer_.normalizer->normalize(text, begin, end, normalized_);
  } else {
    copy_unchanged(text, begin, end, normalized_);
  }
  if (!tokenizer_.added_tokens.has_normalized()) return add_words(0, normalized_.text.size(), sequence);
  tokenizer_.added_tokens.split_normalized(normalized_.text, normalized_parts_);
  for (const AddedTokens::Part& part : normalized_parts_) {
    if (part.token != nullptr) {
      add_whole(
          part.token->id,
          options_.return_offsets_mapping ? normalized_.original(part.begin, part.end) : NormalizedText::Range{0, 0},
          sequence);
    } else {
      add_words(part.begin, part.end, sequence);
    }
  }
}

void Encoder::add_words(std::size_t begin, std::size_t end, Sequence& sequence) {
  words_.clear();
  pre_tokenize(tokenizer_.pre_tokenizer, normalized_.text, begin, end, words_);
  const std::string_view text = normalized_.text;
  for (const Word& word : words_) {
    const std::string_view string = text.substr(word.begin, word.end - word.begin);
    pieces_.clear();
    // The slow tokenizer looks again after lower-casing and splitting.
    const auto whole = tokenizer_.never_split.empty() ? tokenizer_.never_split.end()
                                                      : tokenizer_.never_split.find(std::string(string));
    if (whole != tokenizer_.never_split.end()) {
      pieces_.push_back({whole->second, word.begin, word.end});
    } else {
      tokenizer_.model.tokenize(text, word.begin, word.end, pieces_);
    }
    for (const WordPiece::Piece& piece : pieces_) {
      sequence.ids.push_back(piece.id);
      if (options_.return_offsets_mapping) {
        sequence.words.push_back(sequence.next_word);
        const auto range = normalized_.original(piece.begin, piece.end);
        sequence.offsets.push_back({range.begin, range.end});
      }
    }
    ++sequence.next_word;
  }
}

void Encoder::add_whole(std::int32_t id, NormalizedText::Range bytes, Sequence& sequence) {
  sequence.ids.push_back(id);
  if (!options_.return_offsets_mapping) return;
  sequence.words.push_back(sequence.next_word++);
  sequence.offsets.push_back({bytes.begin, bytes.end});
}

}  // namespace filbert
