#include "tokenize/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "tokenize/unicode.h"

namespace filbert {
namespace {

bool has_flag(unicode::Char c, std::uint8_t flag) { return (unicode::flags(c.code_point) & flag) != 0; }

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !has_flag(unicode::decode_before(text, begin), unicode::kWord)) &&
         (end == text.size() || !has_flag(unicode::decode(text, end), unicode::kWord));
}

std::size_t without_space_before(std::string_view text, std::size_t begin, std::size_t limit) {
  while (begin > limit) {
    const unicode::Char c = unicode::decode_before(text, begin);
    if (!has_flag(c, unicode::kSpace)) break;
    begin -= c.bytes;
  }
  return begin;
}

std::size_t without_space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const unicode::Char c = unicode::decode(text, end);
    if (!has_flag(c, unicode::kSpace)) break;
    end += c.bytes;
  }
  return end;
}

}  // namespace

void TokenMatcher::add(std::string_view pattern, std::size_t value) {
  if (!starts_[static_cast<unsigned char>(pattern[0])]) first_bytes_.push_back(pattern[0]);
  starts_[static_cast<unsigned char>(pattern[0])] = true;
  std::size_t node = 0;
  for (const char byte : pattern) {
    std::size_t next = step(node, byte);
    if (next == kNone) {
      next = nodes_.size();
      auto& edges = nodes_[node].next;
      edges.insert(std::upper_bound(edges.begin(), edges.end(), std::pair(byte, next)), {byte, next});
      nodes_.emplace_back();
    }
    node = next;
  }
  nodes_[node].value = value;
}

std::size_t TokenMatcher::step(std::size_t node, char byte) const {
  const auto& edges = nodes_[node].next;
  const auto edge = std::lower_bound(edges.begin(), edges.end(), std::pair(byte, std::size_t{0}));
  return edge != edges.end() && edge->first == byte ? edge->second : kNone;
}

TokenMatcher::Match TokenMatcher::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (first_bytes_.size() == 1) {  // as in every BERT: "["
      const void* found = std::memchr(text.data() + begin, first_bytes_[0], text.size() - begin);
      if (found == nullptr) break;
      begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    } else if (!starts_[static_cast<unsigned char>(text[begin])]) {
      continue;
    }
    Match longest{begin, begin, kNone};
    std::size_t node = 0;
    for (std::size_t at = begin; at < text.size() && (node = step(node, text[at])) != kNone; ++at) {
      if (nodes_[node].value != kNone) longest = {begin, at + 1, nodes_[node].value};
    }
    if (longest.value != kNone) return longest;
  }
  return {text.size(), text.size(), kNone};
}

void AddedTokens::add(AddedToken token, std::string_view normalized_content) {
  if (token.content.empty()) return;
  const auto [place, is_new] = by_content_.try_emplace(token.content, tokens_.size());
  const std::size_t index = place->second;
  if (token.normalized && normalized_content != token.content) {
    token.decoded = normalized_content;
  } else if (!is_new) {
    token.decoded = tokens_[index].decoded;  // tokenizers never forgets it
  }
  if (token.normalized) {
    if (!normalized_content.empty()) in_normalized_.add(normalized_content, index);
  } else {
    in_source_.add(token.content, index);
  }
  id_end_ = std::max(id_end_, static_cast<std::size_t>(token.id) + 1);
  if (is_new) {
    tokens_.push_back(std::move(token));
  } else {
    tokens_[index] = std::move(token);
  }
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto place = by_content_.find(std::string(content));
  return place == by_content_.end() ? nullptr : &tokens_[place->second];
}

void AddedTokens::split(const TokenMatcher& matcher, std::string_view text, std::vector<Part>& parts) const {
  parts.clear();
  std::size_t done = 0;
  for (std::size_t from = 0; from < text.size() && !matcher.empty();) {
    const TokenMatcher::Match match = matcher.find(text, from);
    if (match.begin == text.size()) break;
    from = match.end;
    const AddedToken& token = tokens_[match.value];
    if (token.single_word && !stands_alone(text, match.begin, match.end)) continue;
    // Space that the token before has taken is not taken twice.
    const std::size_t begin = token.lstrip ? without_space_before(text, match.begin, done) : match.begin;
    const std::size_t end = token.rstrip ? without_space_after(text, match.end) : match.end;
    if (done < begin) parts.push_back({done, begin, nullptr});
    parts.push_back({begin, end, &token});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), nullptr});
}

}  // namespace filbert
