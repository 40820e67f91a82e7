#include "tokenize/vocab.h"

#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>
#include <simdjson.h>

#include <filbert/error.h>

#include "base/text.h"

namespace filbert {
namespace {

constexpr std::int64_t kMaxId = 1 << 24;  // a larger table of embeddings does not exist; guards the memory for places

void check_text_size(std::size_t bytes, std::string_view name) {
  if (bytes > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a vocabulary below 4 GiB, found {} bytes", name, bytes));
  }
}

}  // namespace

Vocab Vocab::from_lines(std::string text, std::string_view name) {
  check_text_size(text.size(), name);
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    std::size_t at = 0, line = 1;
    for (DecodedChar c; (c = decode_utf8(text, at)).valid; at += c.bytes) line += text[at] == '\n';
    throw Error(ErrorKind::corrupt, fmt::format("{}: line {}: expected UTF-8, found byte 0x{:02x}", name, line,
                                                static_cast<unsigned char>(text[at])));
  }
  Vocab vocab;
  vocab.text_ = std::move(text);
  const std::string_view all = vocab.text_;
  vocab.tokens_.reserve(all.size() / 8);
  // Python's universal newlines: \n, \r\n or \r ends a line.
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find_first_of("\r\n", begin), all.size());
    vocab.tokens_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)});
    begin = end + (all.substr(end).starts_with("\r\n") ? 2 : 1);
  }
  if (vocab.tokens_.empty()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected a token a line, found an empty file", name));
  }
  vocab.index(std::vector<bool>(vocab.tokens_.size(), true));
  return vocab;
}

Vocab Vocab::from_entries(const std::vector<Entry>& entries, std::string_view name) {
  if (entries.empty()) throw Error(ErrorKind::corrupt, fmt::format("{}: expected tokens, found none", name));
  std::size_t bytes = 0;
  std::int64_t max_id = 0;
  for (const Entry& entry : entries) {
    if (entry.id < 0 || entry.id > kMaxId) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: token \"{}\": expected an id from 0 to {}, found {}", name,
                                                  entry.token, kMaxId, entry.id));
    }
    bytes += entry.token.size();
    max_id = std::max(max_id, entry.id);
  }
  check_text_size(bytes, name);
  Vocab vocab;
  vocab.text_.reserve(bytes);
  vocab.tokens_.resize(static_cast<std::size_t>(max_id) + 1, {0, 0});
  std::vector<bool> present(vocab.tokens_.size());
  for (const Entry& entry : entries) {
    const auto id = static_cast<std::size_t>(entry.id);
    if (present[id]) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected each id once, found {} for \"{}\" and \"{}\"", name, id,
                                                  vocab.token(id), entry.token));
    }
    present[id] = true;
    vocab.tokens_[id] = {static_cast<std::uint32_t>(vocab.text_.size()),
                         static_cast<std::uint32_t>(entry.token.size())};
    vocab.text_ += entry.token;
  }
  vocab.gaps_ = vocab.tokens_.size() - entries.size();
  vocab.index(present);
  return vocab;
}

void Vocab::index(const std::vector<bool>& present) {
  slots_.assign(std::bit_ceil(tokens_.size() * 2), Slot{});
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    if (!present[id]) continue;
    const std::string_view added = token(id);
    max_token_bytes_ = std::max(max_token_bytes_, added.size());
    RunningHash hash;
    hash.add(added);
    const auto tag = static_cast<std::uint32_t>(hash.value() >> 32);
    std::size_t slot = hash.value() & mask;
    while (slots_[slot].id >= 0 && !(slots_[slot].tag == tag && token(slots_[slot].id) == added)) {
      slot = (slot + 1) & mask;
    }
    duplicates_ += slots_[slot].id >= 0;
    slots_[slot] = {tag, static_cast<std::int32_t>(id)};
  }
}

std::int32_t Vocab::find(std::uint64_t hash, std::string_view prefix, std::string_view rest) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t slot = hash & mask; slots_[slot].id >= 0; slot = (slot + 1) & mask) {
    if (slots_[slot].tag != tag) continue;
    const std::string_view found = token(slots_[slot].id);
    if (found.size() == prefix.size() + rest.size() && found.starts_with(prefix) && found.ends_with(rest)) {
      return slots_[slot].id;
    }
  }
  return -1;
}

std::optional<std::int32_t> Vocab::find(std::string_view token) const {
  RunningHash hash;
  hash.add(token);
  const std::int32_t id = find(hash.value(), {}, token);
  if (id < 0) return std::nullopt;
  return id;
}

}  // namespace filbert
