#include "tokenize/encode_batch.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"

namespace filbert {
namespace {

constexpr std::size_t kUnitBytes = 1 << 16;    // of texts that a thread takes at once
constexpr std::size_t kThreadBytes = 1 << 18;  // of texts that are worth a thread: some milliseconds of work
constexpr std::size_t kKeptTextBytes = 1 << 20;  // of a text: the memory that a longer one took is not worth keeping

std::size_t bytes_of(const TextInput& input) {
  return input.text.size() + (input.text_pair ? input.text_pair->size() : 0);
}

std::size_t bytes_of(const WordsInput& input) {
  std::size_t bytes = 0;
  for (const std::string_view word : input.words) bytes += word.size() + 1;
  return bytes;
}

template <typename Input>
std::size_t bytes_of(std::span<const Input> texts) {
  std::size_t bytes = 0;
  for (const Input& input : texts) bytes += bytes_of(input);
  return bytes;
}

// Memory for what `texts` will probably need at most; what is not used is never touched.
template <typename Input>
void reserve(std::span<const Input> texts, const EncodeOptions& options, BatchEncoding& batch) {
  const std::size_t tokens = bytes_of(texts) / 3 + 2 * texts.size();
  batch.row_starts.reserve(texts.size() + 1);
  batch.rows.reserve(texts.size());
  for (auto* column : {&batch.input_ids, &batch.token_type_ids, &batch.special_tokens_mask}) column->reserve(tokens);
  if (!options.return_offsets_mapping) return;
  batch.offset_mapping.reserve(tokens);
  for (auto* column : {&batch.word_ids, &batch.sequence_ids}) column->reserve(tokens);
}

template <typename Input>
BatchEncoding encode(const Tokenizer::Impl& tokenizer, std::span<const Input> texts, const EncodeOptions& options) {
  BatchEncoding batch;
  reserve(texts, options, batch);
  std::unique_ptr<Encoder> encoder = tokenizer.encoders.take();  // with its scratch memory and the chunks it has seen
  if (encoder == nullptr) encoder = std::make_unique<Encoder>(tokenizer);
  for (const Input& input : texts) encoder->add_rows(input, options, batch);
  if (encoder->longest_text() <= kKeptTextBytes) tokenizer.encoders.give_back(std::move(encoder));
  return batch;
}

// A stride that no window can have is an error of the options, even where there is no text to cut.
void check_windows(const Tokenizer::Impl& tokenizer, const EncodeOptions& options) {
  const auto max_length = options.max_length ? options.max_length : tokenizer.model_max_length;
  if (!options.return_overflowing_tokens || options.truncation == Truncation::do_not_truncate || !max_length) return;
  const std::size_t added = options.add_special_tokens ? tokenizer.post_processor.added_tokens(false) : 0;
  check_stride(options.stride, *max_length - std::min(*max_length, added));
}

// Cuts `texts` into units of about kUnitBytes.
template <typename Input>
std::vector<std::span<const Input>> cut(std::span<const Input> texts) {
  std::vector<std::span<const Input>> units;
  for (std::size_t begin = 0, at = 0, bytes = 0; at < texts.size();) {
    bytes += bytes_of(texts[at++]);
    if (bytes < kUnitBytes && at < texts.size()) continue;
    units.push_back(texts.subspan(begin, at - begin));
    begin = at;
    bytes = 0;
  }
  return units;
}

// Puts the rows of `parts` end to end, a column of the arrays for each index of a loop.
BatchEncoding join(const std::vector<BatchEncoding>& parts, ThreadPool& pool) {
  BatchEncoding batch;
  const auto join_column = [&](auto BatchEncoding::* column) {
    std::size_t size = 0;
    for (const BatchEncoding& part : parts) size += (part.*column).size();
    (batch.*column).reserve(size);
    for (const BatchEncoding& part : parts) {
      (batch.*column).insert((batch.*column).end(), (part.*column).begin(), (part.*column).end());
    }
  };
  const std::function<void()> columns[] = {[&] { join_column(&BatchEncoding::input_ids); },
                                           [&] { join_column(&BatchEncoding::token_type_ids); },
                                           [&] { join_column(&BatchEncoding::special_tokens_mask); },
                                           [&] { join_column(&BatchEncoding::offset_mapping); },
                                           [&] { join_column(&BatchEncoding::word_ids); },
                                           [&] { join_column(&BatchEncoding::sequence_ids); },
                                           [&] { join_column(&BatchEncoding::rows); }};
  pool.parallel_for(std::size(columns), [&](std::size_t column, unsigned) { columns[column](); });
  batch.row_starts.reserve(batch.rows.size() + 1);
  std::size_t texts = 0;
  for (const BatchEncoding& part : parts) {
    const std::size_t start = batch.row_starts.back();
    for (std::size_t row = 0; row < part.batch_size(); ++row) batch.row_starts.push_back(start + part.row_starts[row + 1]);
    for (const std::size_t text : part.overflow_to_sample_mapping) batch.overflow_to_sample_mapping.push_back(texts + text);
    if (!batch.overflow_to_sample_mapping.empty()) texts = batch.overflow_to_sample_mapping.back() + 1;
  }
  return batch;
}

template <typename Input>
BatchEncoding encode_all(const Tokenizer::Impl& tokenizer, std::span<const Input> texts, const EncodeOptions& options) {
  check_windows(tokenizer, options);
  const std::size_t worth = texts.size() < 2 ? 0 : bytes_of(texts) / kThreadBytes;
  if (worth < 2 || options.num_threads == 1) return encode(tokenizer, texts, options);
  const std::size_t wanted = options.num_threads == 0 ? available_threads() : options.num_threads;
  const auto units = cut(texts);
  ThreadPool pool(static_cast<unsigned>(std::min({wanted, worth, units.size()})));
  std::vector<BatchEncoding> parts(units.size());
  std::vector<std::exception_ptr> failures(units.size());
  pool.parallel_for(units.size(), [&](std::size_t unit, unsigned) {
    try {
      parts[unit] = encode(tokenizer, units[unit], options);
    } catch (...) {
      failures[unit] = std::current_exception();
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return join(parts, pool);
}

}  // namespace

BatchEncoding encode_batch(const Tokenizer::Impl& tokenizer, std::span<const TextInput> texts, const EncodeOptions& options) {
  return encode_all(tokenizer, texts, options);
}

BatchEncoding encode_batch(const Tokenizer::Impl& tokenizer, std::span<const WordsInput> texts, const EncodeOptions& options) {
  return encode_all(tokenizer, texts, options);
}

}  // namespace filbert
