// What any tokenizer must hold for any text, whatever file it came from: aborts where it does not.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

#include "base/text.h"

// Names the promise that was broken, for the log of the fuzzer.
#define FILBERT_REQUIRE(condition)                                       \
  do {                                                                   \
    if (condition) break;                                                \
    std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                        \
  } while (false)

namespace filbert {

inline void check_encoding(const Tokenizer& tokenizer, const BatchEncoding& encoding, std::string_view text,
                           std::string_view text_pair, const EncodeOptions& options) {
  const std::size_t tokens = encoding.total_tokens();
  FILBERT_REQUIRE(encoding.batch_size() == 1 && encoding.row_starts.front() == 0 && encoding.row_starts.back() == tokens);
  FILBERT_REQUIRE(encoding.token_type_ids.size() == tokens && encoding.special_tokens_mask.size() == tokens);
  FILBERT_REQUIRE(encoding.rows.size() == 1 && encoding.rows[0].tokens_total >= tokens);
  FILBERT_REQUIRE(encoding.rows[0].truncated == (encoding.rows[0].tokens_total > tokens));
  if (options.max_length && options.truncation != Truncation::do_not_truncate) {
    FILBERT_REQUIRE(tokens <= *options.max_length);
  }
  for (const std::int32_t id : encoding.input_ids) {
    FILBERT_REQUIRE(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocab_size());
  }
  if (!options.return_offsets_mapping) return;
  FILBERT_REQUIRE(encoding.offset_mapping.size() == tokens);
  FILBERT_REQUIRE(encoding.word_ids.size() == tokens && encoding.sequence_ids.size() == tokens);
  for (std::size_t token = 0; token < tokens; ++token) {
    const Offset offset = encoding.offset_mapping[token];
    const std::size_t bytes = encoding.sequence_ids[token] == 1 ? text_pair.size() : text.size();
    FILBERT_REQUIRE(offset.begin <= offset.end && offset.end <= bytes);  // in bytes, and fewer in the other units
    FILBERT_REQUIRE(encoding.sequence_ids[token] >= -1 && encoding.sequence_ids[token] <= 1 && encoding.word_ids[token] >= -1);
    (void)tokenizer.id_to_token(encoding.input_ids[token]);
  }
}

// The windows of a text begin with what truncation keeps, and have every one of its tokens.
inline void check_windows(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options) {
  const BatchEncoding truncated = tokenizer(text, options);
  options.return_overflowing_tokens = true;
  options.stride = text.size() % 5;
  const BatchEncoding rows = tokenizer(text, options);
  FILBERT_REQUIRE(rows.rows.size() == rows.batch_size() && rows.overflow_to_sample_mapping.size() == rows.batch_size());
  FILBERT_REQUIRE(rows.row_length(0) == truncated.total_tokens());
  FILBERT_REQUIRE(std::equal(truncated.input_ids.begin(), truncated.input_ids.end(), rows.input_ids.begin()));
  std::size_t tokens = rows.row_length(0), specials = 0;
  for (std::size_t token = 0; token < tokens; ++token) specials += rows.special_tokens_mask[token] == 1;
  for (std::size_t row = 1; row < rows.batch_size(); ++row) {
    FILBERT_REQUIRE(rows.row_length(row) <= rows.row_length(0));
    FILBERT_REQUIRE(rows.row_length(row) > specials + options.stride);
    tokens += rows.row_length(row) - specials - options.stride;
  }
  FILBERT_REQUIRE(tokens == rows.rows[0].tokens_total && !rows.rows[0].truncated);
}

// A text of words has the tokens of its words, one after the other. Throws what they throw by themselves.
inline void check_words(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size() && words.size() < 20;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const WordsInput input{words};
  const BatchEncoding all = tokenizer(std::span(&input, 1), {.add_special_tokens = false, .offset_unit = options.offset_unit});
  std::vector<std::int32_t> ids;
  for (const std::string_view word : words) {
    const BatchEncoding alone = tokenizer(word, {.add_special_tokens = false, .return_offsets_mapping = false});
    ids.insert(ids.end(), alone.input_ids.begin(), alone.input_ids.end());
  }
  FILBERT_REQUIRE(all.input_ids == ids);
  for (std::size_t token = 0; token < ids.size(); ++token) {
    FILBERT_REQUIRE(all.word_ids[token] >= 0 && static_cast<std::size_t>(all.word_ids[token]) < words.size());
    FILBERT_REQUIRE(all.offset_mapping[token].end <= words[static_cast<std::size_t>(all.word_ids[token])].size());
  }
}

// Whatever the decoder, what comes back is valid UTF-8, or the decoder says that it could not be read.
inline void check_decoding(const Tokenizer& tokenizer, const BatchEncoding& encoding, std::string_view text) {
  try {
    for (const bool skip_special_tokens : {false, true}) {
      FILBERT_REQUIRE(count_invalid_utf8(tokenizer.decode(encoding.input_ids, {.skip_special_tokens = skip_special_tokens})) == 0);
    }
    const std::vector<std::string> tokens = {std::string(text), "##" + std::string(text.substr(0, 3)), ""};
    FILBERT_REQUIRE(count_invalid_utf8(tokenizer.convert_tokens_to_string(tokens)) == 0);
  } catch (const Error& error) {
    FILBERT_REQUIRE(error.kind() == ErrorKind::unsupported || error.kind() == ErrorKind::corrupt);
  }
}

// Encodes the text alone and as a pair; errors of kind invalid_argument (no room, no pair) are answers, too.
inline void check_tokenizer(const Tokenizer& tokenizer, std::string_view text, std::string_view text_pair,
                            const EncodeOptions& options) {
  try {
    const BatchEncoding encoding = tokenizer(text, options);
    check_encoding(tokenizer, encoding, text, {}, options);
    EncodeOptions other_way = options;  // with offsets a text goes through the sections whole, without them chunk by chunk
    other_way.return_offsets_mapping = !options.return_offsets_mapping;
    FILBERT_REQUIRE(tokenizer(text, other_way).input_ids == encoding.input_ids);
    check_encoding(tokenizer, tokenizer(text, text_pair, options), text, text_pair, options);
    check_windows(tokenizer, text, options);
    check_decoding(tokenizer, encoding, text);
  } catch (const Error& error) {
    FILBERT_REQUIRE(error.kind() == ErrorKind::invalid_argument);
  }
  try {
    check_words(tokenizer, text, options);
  } catch (const Error& error) {  // a regular expression may find in a word what it does not in the text
    FILBERT_REQUIRE(error.kind() == ErrorKind::unsupported);
  }
}

}  // namespace filbert
