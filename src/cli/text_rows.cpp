#include "cli/text_rows.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "cli/compression.h"

namespace filbert::cli {
namespace {

// A block keeps every core busy; what a run that is killed has to do again is the blocks that are under way.
constexpr std::size_t kBlockRows = 512;
constexpr std::size_t kBlockTextBytes = 256 * 1024;
constexpr std::size_t kBlockBytes = 2 << 20;  // with the other columns
constexpr std::size_t kBlocksWaiting = 2;     // on either side of the computing
constexpr std::size_t kKnownBytes = 32 << 20;

std::size_t bytes_of(const TableRow& row) {
  std::size_t bytes = row.object.size() + row.text.size();
  for (const std::string& field : row.fields) bytes += field.size();
  return bytes;
}

TextInput text_of(const TableRow& row) {
  if (row.text_pair) return {row.text, *row.text_pair};
  return {row.text, std::nullopt};
}

std::vector<TextInput> fresh_texts(const Block& block) {
  std::vector<TextInput> texts;
  for (const std::size_t row : block.fresh) texts.push_back(text_of(block.rows[row]));
  return texts;
}

}  // namespace

std::uint32_t row_crc32(const TableRow& row, std::uint32_t crc32) {
  for (const std::string& field : row.fields) crc32 = crc32_of("\x1F", crc32_of(field, crc32));
  crc32 = crc32_of(row.fault, crc32_of(row.object, crc32));
  return crc32_of("\n", row.fields.empty() ? crc32_of(row.text, crc32) : crc32);
}

TextRows::TextRows(TableInput& input, const TextWork& work, const Options& options, std::uint32_t input_crc32)
    : input_(input), work_(work), options_(options), known_(kKnownBytes), input_crc32_(input_crc32) {}

// Whether there was a row. What fails in the middle of a block is thrown with the rows before it in the block.
bool TextRows::read_block(Block& block) {
  std::size_t bytes = 0, text_bytes = 0;
  while (block.rows.size() < kBlockRows && bytes < kBlockBytes && text_bytes < kBlockTextBytes) {
    TableRow row;
    if (!input_.next(row)) break;
    input_crc32_ = row_crc32(row, input_crc32_);
    bytes += bytes_of(row);
    text_bytes += row.text.size() + (row.text_pair ? row.text_pair->size() : 0);
    block.rows.push_back(std::move(row));
    block.input_crc32 = input_crc32_;
  }
  block.share_read = input_.share_read();
  return !block.rows.empty();
}

void TextRows::read(Queue& out) {
  std::exception_ptr failure;
  while (!failure) {
    auto block = std::make_unique<Block>();
    try {
      if (!read_block(*block)) return;
    } catch (...) {
      failure = std::current_exception();
      if (!options_.gives_half_blocks || block->rows.empty()) break;
    }
    tokenize(*block);
    if (!out.push(std::move(block))) break;
  }
  if (failure) std::rethrow_exception(failure);
}

// Calls `work` for each new text by itself; the answer of one for which it throws is that it failed, and the others stay new.
void TextRows::fail_alone(Block& block, const std::function<void(std::size_t row)>& work) const {
  std::vector<std::size_t> rest;
  for (const std::size_t row : block.fresh) {
    try {
      work(row);
      rest.push_back(row);
    } catch (const Error& error) {
      block.answers[row]->fault = error.what();
    }
  }
  block.fresh = std::move(rest);
}

void TextRows::tokenize(Block& block) {
  block.answers.resize(block.rows.size());
  for (std::size_t row = 0; row < block.rows.size(); ++row) {
    if (!block.rows[row].fault.empty()) continue;
    auto [answer, is_new] = known_.find(block.rows[row].text, block.rows[row].text_pair);
    block.answers[row] = std::move(answer);
    if (is_new) block.fresh.push_back(row);
  }
  const auto tokens_of = [&] { return block.fresh.empty() ? BatchEncoding() : work_.tokenize(fresh_texts(block)); };
  try {
    block.tokens = tokens_of();
  } catch (const Error&) {
    fail_alone(block, [&](std::size_t row) {
      const TextInput text = text_of(block.rows[row]);
      work_.tokenize(std::span(&text, 1));
    });
    block.tokens = tokens_of();
  }
}

void TextRows::compute(Block& block) const {
  try {
    auto answers = block.fresh.empty() ? std::vector<TextAnswer>() : work_.compute(block.tokens, fresh_texts(block));
    for (std::size_t text = 0; text < answers.size(); ++text) *block.answers[block.fresh[text]] = std::move(answers[text]);
  } catch (const Error&) {
    fail_alone(block, [&](std::size_t row) {
      const TextInput text = text_of(block.rows[row]);
      *block.answers[row] = std::move(work_.compute(work_.tokenize(std::span(&text, 1)), std::span(&text, 1)).front());
    });
  }
  block.tokens = {};
  for (std::size_t row = 0; options_.stops_at_faults && row < block.rows.size(); ++row) {
    const std::string where = input_.where(block.rows[row]);
    const std::size_t invalid = block.answers[row]->invalid_utf8 + block.rows[row].invalid_utf8;
    if (invalid > 0) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected UTF-8, found {} ill-formed sequence{}", where, invalid, invalid == 1 ? "" : "s"));
    if (!block.answers[row]->fault.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", where, block.answers[row]->fault));
  }
}

bool TextRows::run(const std::function<void(const Block&)>& write, const std::function<bool()>& is_stopped) {
  Queue read_blocks(kBlocksWaiting), computed(kBlocksWaiting);
  std::exception_ptr reading, computing, writing;
  const auto keep_failure = [](std::exception_ptr& failure, Queue& queue, const auto& work) {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    queue.close();
  };
  std::thread reader([&] { keep_failure(reading, read_blocks, [&] { read(read_blocks); }); });
  std::thread writer([&] {
    keep_failure(writing, computed, [&] {
      while (const auto block = computed.pop()) write(**block);
    });
  });
  bool is_whole = true;
  keep_failure(computing, computed, [&] {
    while (auto block = read_blocks.pop()) {
      compute(**block);
      if (!computed.push(std::move(*block))) break;
      if (is_stopped()) {
        is_whole = false;
        break;
      }
    }
  });
  read_blocks.close();
  reader.join();
  writer.join();
  for (const std::exception_ptr& failure : {writing, computing, reading}) {
    if (failure) std::rethrow_exception(failure);
  }
  return is_whole;
}

}  // namespace filbert::cli
