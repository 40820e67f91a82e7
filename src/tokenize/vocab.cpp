#include "tokenize/vocab.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

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
  const bool has_returns = all.find('\r') != all.npos;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(has_returns ? all.find_first_of("\r\n", begin) : all.find('\n', begin), all.size());
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
  short_tokens_.reset(tokens_.size());
  std::vector<std::int32_t> long_ids;
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    if (!present[id]) continue;
    const Place place = tokens_[id];
    max_token_bytes_ = std::max<std::size_t>(max_token_bytes_, place.bytes);
    const auto int_id = static_cast<std::int32_t>(id);
    if (place.bytes > ShortString::kMaxBytes) {
      long_ids.push_back(int_id);
      continue;
    }
    const bool is_new = short_tokens_.put({text_, place.begin, place.begin + place.bytes}, int_id);
    duplicates_ += !is_new;
  }
  index_long_tokens(std::move(long_ids));
}

void Vocab::index_long_tokens(std::vector<std::int32_t> ids) {
  const auto token_of = [this](std::int32_t id) { return token(static_cast<std::size_t>(id)); };
  const auto beginning_of = [&](std::int32_t id) { return token_of(id).substr(0, ShortString::kMaxBytes); };
  // By beginning, then the longest first, then equal ones side by side with the one that counts in front.
  std::sort(ids.begin(), ids.end(), [&](std::int32_t a, std::int32_t b) {
    return std::tuple(beginning_of(a), token_of(b).size(), token_of(a), b) <
           std::tuple(beginning_of(b), token_of(a).size(), token_of(b), a);
  });
  beginnings_.reset(ids.size());
  for (const std::int32_t id : ids) {
    if (!long_tokens_.empty() && token_of(long_tokens_.back()) == token_of(id)) {
      ++duplicates_;
      continue;
    }
    const auto group = static_cast<std::int32_t>(long_groups_.size());
    if (beginnings_.find(ShortString(beginning_of(id))) == nullptr) {
      beginnings_.put(ShortString(beginning_of(id)), group);
      long_groups_.push_back({long_tokens_.size(), long_tokens_.size()});
    }
    long_tokens_.push_back(id);
    ++long_groups_.back().end;
  }
}

std::span<const std::int32_t> Vocab::long_tokens(const ShortString& beginning) const {
  const std::int32_t* found = beginnings_.find(beginning);
  if (found == nullptr) return {};
  const Group group = long_groups_[static_cast<std::size_t>(*found)];
  return std::span(long_tokens_).subspan(group.begin, group.end - group.begin);
}

std::optional<std::int32_t> Vocab::find(std::string_view token_text) const {
  if (token_text.size() <= ShortString::kMaxBytes) {
    const std::int32_t* found = short_tokens_.find(ShortString(token_text));
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  for (const std::int32_t id : long_tokens(ShortString(token_text.substr(0, ShortString::kMaxBytes)))) {
    if (token(static_cast<std::size_t>(id)) == token_text) return id;
  }
  return std::nullopt;
}

Vocab::Match Vocab::longest(std::string_view prefix, std::string_view text, std::size_t begin, std::size_t end) const {
  const ShortString short_prefix(prefix.substr(0, ShortString::kMaxBytes));
  const std::size_t bytes = end - begin, room = ShortString::kMaxBytes - short_prefix.size();
  const ShortString whole = short_prefix.with({text, begin, begin + std::min(bytes, room)});
  if (prefix.size() + bytes > ShortString::kMaxBytes) {
    const std::string_view rest = text.substr(begin, bytes);
    for (const std::int32_t id : long_tokens(whole)) {
      const std::string_view found = token(static_cast<std::size_t>(id));
      if (found.size() > prefix.size() && found.starts_with(prefix) && rest.starts_with(found.substr(prefix.size()))) {
        return {id, found.size() - prefix.size()};
      }
    }
  }
  for (std::size_t length = std::min(bytes, room); length > 0; --length) {
    if (length < bytes && !starts_char(text[begin + length])) continue;
    const std::int32_t* found = short_tokens_.find(whole.first(prefix.size() + length));
    if (found != nullptr) return {*found, length};
  }
  return {-1, 0};
}

}  // namespace filbert
