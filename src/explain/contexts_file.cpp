#include "explain/contexts_file.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/error.h>

#include "base/json.h"
#include "base/sha256.h"

namespace filbert {
namespace {

constexpr std::uint64_t kMostTokens = std::uint64_t{1} << 40;  // of an index; so that no sum of sizes wraps around
constexpr std::uint64_t kMostOfBlock = std::uint64_t{1} << 31;
constexpr std::uint64_t kMostColumns = 1 << 20;

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A whole number in [least, most].
std::size_t number_of(const JsonValue& value, std::uint64_t least, std::uint64_t most) {
  const std::int64_t number = value.as_int();
  if (number < 0 || static_cast<std::uint64_t>(number) < least || static_cast<std::uint64_t>(number) > most) {
    value.fail(fmt::format("a number from {} to {}", least, most));
  }
  return static_cast<std::size_t>(number);
}

std::size_t number_at(const JsonValue& object, std::string_view key, std::uint64_t least = 0, std::uint64_t most = kMostTokens) {
  return number_of(object.at(key), least, most);
}

}  // namespace

Digest digest_of(std::span<const std::byte> bytes) {
  const std::string hex = sha256_of(as_text(bytes));
  const auto digit = [&](std::size_t at) { return hex[at] <= '9' ? hex[at] - '0' : hex[at] - 'a' + 10; };
  Digest digest;
  for (std::size_t at = 0; at < digest.size(); ++at) digest[at] = static_cast<std::byte>(digit(2 * at) << 4 | digit(2 * at + 1));
  return digest;
}

std::size_t IndexShape::bytes_per_token() const {
  std::size_t bytes = 0;
  for (const IndexedLayer& layer : layers) {
    bytes += (hidden_size + layer.heads * layer.head_size) * number_bytes();
    if (vector_dtype == VectorDtype::int8) bytes += (1 + layer.heads) * sizeof(float);
  }
  return bytes;
}

BlockLayout::BlockLayout(const IndexShape& shape, std::size_t num_texts, std::size_t num_tokens, std::size_t heap_bytes) {
  const auto take = [&](std::size_t array_bytes) {
    const std::size_t begin = bytes;
    bytes = aligned(begin + array_bytes);
    return begin;
  };
  const auto place = [&](std::size_t parts, std::size_t part_size) {
    VectorPlace vectors{.parts = parts, .part_size = part_size};
    if (shape.vector_dtype == VectorDtype::int8) vectors.scales = take(num_tokens * parts * sizeof(float));
    vectors.numbers = take(num_tokens * parts * part_size * shape.number_bytes());
    return vectors;
  };
  for (const IndexedLayer& layer : shape.layers) {
    embeddings.push_back(place(1, shape.hidden_size));
    contexts.push_back(place(layer.heads, layer.head_size));
  }
  texts = take(num_texts * sizeof(TextRecord));
  tokens = take(num_tokens * sizeof(TokenRecord));
  heap = take(heap_bytes);
}

std::size_t find_layer(const IndexInfo& info, std::size_t layer) {
  const auto found = std::ranges::find(info.layers, layer, &IndexedLayer::layer);
  if (found != info.layers.end()) return static_cast<std::size_t>(found - info.layers.begin());
  std::vector<std::size_t> there;
  for (const IndexedLayer& each : info.layers) there.push_back(each.layer);
  throw Error(ErrorKind::invalid_argument, fmt::format("layer: expected one that is in the index ({}), found {}", fmt::join(there, ", "), layer));
}

std::vector<std::size_t> chosen_heads(std::span<const std::size_t> named, std::size_t count) {
  std::vector<std::size_t> heads(named.begin(), named.end());
  if (heads.empty()) {
    heads.resize(count);
    std::iota(heads.begin(), heads.end(), std::size_t{0});
  }
  std::ranges::sort(heads);
  heads.erase(std::unique(heads.begin(), heads.end()), heads.end());
  if (heads.back() >= count) {
    throw Error(ErrorKind::invalid_argument, fmt::format("heads: expected numbers from 0 to {}, found {}", count - 1, heads.back()));
  }
  return heads;
}

void write_fields(const IndexInfo& info, JsonWriter& json) {
  json.field("input", info.input);
  json.field("input_sha256", info.input_sha256);
  json.field("text_column", info.text_column);
  json.field("label_column", info.label_column);
  json.field("model", info.model);
  json.field("model_sha256", info.model_sha256);
  json.field("tokenizer_sha256", info.tokenizer_sha256);
  json.field("dtype", info.dtype);
  json.field("vector_dtype", name(info.vector_dtype));
  json.field("hidden_size", info.hidden_size);
  json.field("max_length", info.max_length);
  json.key("layers");
  json.begin_array();
  for (const IndexedLayer& layer : info.layers) {
    json.begin_object();
    json.field("layer", layer.layer);
    json.field("heads", layer.heads);
    json.field("head_size", layer.head_size);
    json.end_object();
  }
  json.end_array();
  json.key("labels");
  json.array(info.labels);
  json.field("texts", info.texts);
  json.field("tokens", info.tokens);
  json.field("truncated", info.truncated);
  json.field("empty", info.empty);
  json.field("invalid_utf8", info.invalid_utf8);
  json.field("gold", info.gold);
}

std::string directory_json(const IndexInfo& info, const std::vector<IndexBlock>& blocks) {
  JsonWriter json;
  json.begin_object();
  json.field("format", "filbert contexts");
  write_fields(info, json);
  json.field("version", info.version);
  json.field("command", info.command);
  json.key("blocks");
  json.begin_array();
  for (const IndexBlock& block : blocks) {
    json.begin_object();
    json.field("begin", block.begin);
    json.field("texts", block.texts);
    json.field("tokens", block.tokens);
    json.field("heap_bytes", block.heap_bytes);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take_line();
}

void read_directory(std::string_view text, const std::string& where, IndexInfo& info, std::vector<IndexBlock>& blocks) {
  const JsonDocument document(text, where);
  const JsonValue root = document.root();
  for (const auto& [key, to] : {std::pair<const char*, std::string*>{"version", &info.version}, {"model", &info.model},
                                {"model_sha256", &info.model_sha256}, {"tokenizer_sha256", &info.tokenizer_sha256}, {"dtype", &info.dtype},
                                {"input", &info.input}, {"input_sha256", &info.input_sha256}, {"text_column", &info.text_column},
                                {"label_column", &info.label_column}, {"command", &info.command}}) {
    *to = root.at(key).as_string();
  }
  const std::string_view dtype = root.at("vector_dtype").as_string();
  if (dtype != "int8" && dtype != "f16") root.at("vector_dtype").fail("int8 or f16");
  info.vector_dtype = dtype == "int8" ? VectorDtype::int8 : VectorDtype::f16;
  info.hidden_size = number_at(root, "hidden_size", 1, kMostColumns);
  info.max_length = number_at(root, "max_length");
  root.at("layers").for_each_element([&](const JsonValue& layer) {
    info.layers.push_back({number_at(layer, "layer", 0, kMostColumns), number_at(layer, "heads", 1, 4096), number_at(layer, "head_size", 1, 65536)});
  });
  if (info.layers.empty() || info.layers.size() > 4096) root.at("layers").fail("at least one layer");
  root.at("labels").for_each_element([&](const JsonValue& label) { info.labels.emplace_back(label.as_string()); });
  for (const auto& [key, to] : {std::pair<const char*, std::size_t*>{"texts", &info.texts}, {"tokens", &info.tokens}, {"truncated", &info.truncated},
                                {"empty", &info.empty}, {"invalid_utf8", &info.invalid_utf8}, {"gold", &info.gold}}) {
    *to = number_at(root, key);
  }
  std::size_t texts = 0, tokens = 0;
  root.at("blocks").for_each_element([&](const JsonValue& block) {
    blocks.push_back({number_at(block, "begin"), texts, number_at(block, "texts", 0, kMostOfBlock), tokens, number_at(block, "tokens", 0, kMostOfBlock),
                      number_at(block, "heap_bytes", 0, kMostOfBlock)});
    texts += blocks.back().texts;
    tokens += blocks.back().tokens;
  });
  if (texts != info.texts) root.at("texts").fail(fmt::format("{}, the sum over the blocks", texts));
  if (tokens != info.tokens) root.at("tokens").fail(fmt::format("{}, the sum over the blocks", tokens));
}

ContextIndex::Impl::Impl(const std::filesystem::path& path) : file(path) {
  const IndexHeader header = check_header();
  read_directory(as_text(file.bytes().subspan(header.directory_begin, header.directory_bytes)), path.string() + ": directory", info, blocks);
  info.bytes = header.file_bytes;
  shape = {info.vector_dtype, info.hidden_size, info.layers};
  check_blocks(header);
}

void ContextIndex::Impl::corrupt(const std::string& message) const {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", file.path().string(), message));
}

IndexHeader ContextIndex::Impl::check_header() const {
  const std::span<const std::byte> bytes = file.bytes();
  IndexHeader header;
  if (bytes.size() < sizeof header) corrupt(fmt::format("expected an index, which has a header of {} bytes, found {} bytes in all", sizeof header, bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic == kPartialMagic) corrupt("expected a finished index, found one of a run that has not ended: --resume goes on with it");
  if (header.magic != kIndexMagic) corrupt("expected an index of filbert, found a file that does not begin like one");
  if (header.version != kIndexVersion) corrupt(fmt::format("expected version {} of the format, found {}", kIndexVersion, header.version));
  if (digest_of(bytes.first(sizeof header - sizeof header.digest)) != header.digest) {
    corrupt("header: expected the sha256 that stands in it, found another: the file was changed");
  }
  if (header.file_bytes != bytes.size()) {
    corrupt(fmt::format("expected {} bytes, as the header says, found {}: the file was cut short or added to", header.file_bytes, bytes.size()));
  }
  if (header.directory_begin > bytes.size() || header.directory_bytes > bytes.size() - header.directory_begin) {
    corrupt(fmt::format("directory: expected it within {} bytes, found {} bytes from {}", bytes.size(), header.directory_bytes, header.directory_begin));
  }
  if (digest_of(bytes.subspan(header.directory_begin, header.directory_bytes)) != header.directory_digest) {
    corrupt("directory: expected the sha256 that the header has, found another: the file was changed");
  }
  return header;
}

// The directory is as it was written, but who wrote it may be anyone.
void ContextIndex::Impl::check_blocks(const IndexHeader& of_file) const {
  std::size_t end = blocks.empty() ? of_file.directory_begin : blocks.front().begin;
  for (std::size_t at = 0; at < blocks.size(); ++at) {
    const IndexBlock& block = blocks[at];
    const BlockLayout layout(shape, block.texts, block.tokens, block.heap_bytes);
    const std::size_t size = of_file.directory_begin, needed = sizeof(BlockHeader) + layout.bytes;
    if (block.begin != end || block.begin % kIndexAlignment != 0 || block.begin > size || needed > size - block.begin) {
      corrupt(fmt::format("block {}: expected {} bytes from {} on and before {}, found that it begins at {}", at, needed, end, size, block.begin));
    }
    end += needed;
    BlockHeader header;
    std::memcpy(&header, file.bytes().data() + block.begin, sizeof header);
    if (header.magic != kBlockMagic || header.texts != block.texts || header.tokens != block.tokens || header.heap_bytes != block.heap_bytes ||
        header.bytes != layout.bytes) {
      corrupt(fmt::format("block {}: expected {} texts, {} tokens and {} bytes, as the directory says, found a header that says otherwise", at, block.texts,
                          block.tokens, layout.bytes));
    }
  }
  if (end != of_file.directory_begin) corrupt(fmt::format("directory: expected it behind the blocks, at {}, found it at {}", end, of_file.directory_begin));
}

const IndexBlock& ContextIndex::Impl::block_of_token(std::size_t place) const {
  if (place >= info.tokens) throw Error(ErrorKind::invalid_argument, fmt::format("token: expected one below {}, found {}", info.tokens, place));
  return *std::prev(std::ranges::upper_bound(blocks, place, {}, &IndexBlock::first_token));
}

const IndexBlock& ContextIndex::Impl::block_of_text(std::size_t text) const {
  if (text >= info.texts) throw Error(ErrorKind::invalid_argument, fmt::format("text: expected one below {}, found {}", info.texts, text));
  return *std::prev(std::ranges::upper_bound(blocks, text, {}, &IndexBlock::first_text));
}

std::span<const std::byte> ContextIndex::Impl::payload(const IndexBlock& block) const {
  const BlockLayout layout(shape, block.texts, block.tokens, block.heap_bytes);
  return file.bytes().subspan(block.begin + sizeof(BlockHeader), layout.bytes);
}

TokenRecord ContextIndex::Impl::token_record(const IndexBlock& block, std::size_t token) const {
  const BlockLayout layout(shape, block.texts, block.tokens, block.heap_bytes);
  TokenRecord record;
  std::memcpy(&record, payload(block).data() + layout.tokens + token * sizeof record, sizeof record);
  if (record.text >= block.texts) {
    corrupt(fmt::format("token {}: expected one of {} texts, found {}", block.first_token + token, block.texts, record.text));
  }
  const TextRecord text = text_record(block, record.text);
  if (token < text.first_token || token - text.first_token >= text.tokens) {
    corrupt(fmt::format("token {}: expected one of text {}, found that the text has others", block.first_token + token, block.first_text + record.text));
  }
  if (record.begin > record.end || record.end > text.text_end - text.text_begin) {
    corrupt(fmt::format("token {}: expected a place in a text of {} bytes, found {} to {}", block.first_token + token, text.text_end - text.text_begin,
                        record.begin, record.end));
  }
  return record;
}

TextRecord ContextIndex::Impl::text_record(const IndexBlock& block, std::size_t text) const {
  const BlockLayout layout(shape, block.texts, block.tokens, block.heap_bytes);
  TextRecord record;
  std::memcpy(&record, payload(block).data() + layout.texts + text * sizeof record, sizeof record);
  const bool has_gold = record.gold_begin != TextRecord::kNoGold;
  const auto is_in_heap = [&](std::uint32_t begin, std::uint32_t end) { return begin <= end && end <= block.heap_bytes; };
  if (!is_in_heap(record.text_begin, record.text_end) || (has_gold && !is_in_heap(record.gold_begin, record.gold_end)) ||
      record.first_token > block.tokens || record.tokens > block.tokens - record.first_token || record.label >= info.labels.size()) {
    corrupt(fmt::format("text {}: expected places in its block, which has {} tokens and {} bytes of text, and one of {} labels, found others",
                        block.first_text + text, block.tokens, block.heap_bytes, info.labels.size()));
  }
  return record;
}

}  // namespace filbert
