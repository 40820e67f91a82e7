// What any tokenizer must hold for any text, whatever file it came from: aborts where it does not.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

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
  } catch (const Error& error) {
    FILBERT_REQUIRE(error.kind() == ErrorKind::invalid_argument);
  }
}

}  // namespace filbert
