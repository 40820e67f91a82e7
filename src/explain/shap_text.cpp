#include "explain/shap_text.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "explain/python_text.h"

namespace filbert {
namespace {

// Each run of white space one space, none at the ends.
std::string with_single_spaces(std::string_view text) {
  std::string single;
  bool space = false;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Char each = unicode::decode(text, at);
    if (is_python_space(each.code_point)) {
      space = !single.empty();
    } else {
      if (std::exchange(space, false)) single += ' ';
      single += text.substr(at, each.bytes);
    }
    at += each.bytes;
  }
  return single;
}

// What lies between the matches of \W+. An empty one stands before a text that begins with a match.
std::vector<Offset> simple_offsets(std::string_view text) {
  std::vector<Offset> offsets;
  std::size_t begin = 0;
  bool in_word = true;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Char each = unicode::decode(text, at);
    const bool word = is_python_word(each.code_point);
    if (in_word && !word) offsets.push_back({begin, at});
    if (word && !in_word) begin = at;
    in_word = word;
    at += each.bytes;
  }
  if (in_word && !text.empty()) offsets.push_back({begin, text.size()});
  return offsets;
}

}  // namespace

KeptEnds shap_kept_ends(std::size_t null_tokens, bool single_is_begin) {
  if (null_tokens == 1) return single_is_begin ? KeptEnds{1, 0} : KeptEnds{0, 1};
  if (null_tokens % 2 != 0) {
    throw Error(ErrorKind::unsupported, fmt::format("shap: expected an even number of special tokens around a text, found {}", null_tokens));
  }
  return {null_tokens / 2, null_tokens / 2};
}

ShapText::ShapText(std::string_view text, const BatchEncoding& tokens, ShapTextOptions options) : options_(std::move(options)) {
  assert(tokens.batch_size() == 1 && tokens.offset_mapping.size() == tokens.input_ids.size());
  cut(text, tokens.offset_mapping);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (options_.sep_token_id && tokens.input_ids[i] == *options_.sep_token_id) invariants_[i] = 1;
  }
}

ShapText::ShapText(std::string_view text, ShapTextOptions options) : options_(std::move(options)) { cut(text, simple_offsets(text)); }

void ShapText::cut(std::string_view text, std::span<const Offset> offsets) {
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const std::size_t begin = std::min(offsets[i].begin, text.size());
    const std::size_t end = i + 1 < offsets.size() ? std::max(offsets[i].end, offsets[i + 1].begin) : offsets[i].end;
    segments_.emplace_back(text.substr(begin, end < begin ? 0 : end - begin));
  }
  invariants_.resize(segments_.size());
  for (std::size_t i = 0; i < segments_.size(); ++i) invariants_[i] = is_end(i);
}

bool ShapText::is_end(std::size_t segment) const {
  return segment < options_.kept.prefix || segments_.size() - segment <= options_.kept.suffix;
}

std::string ShapText::masked(std::span<const std::uint8_t> kept) const {
  std::string text;
  bool after_mask = false;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (kept[i] != 0 || is_end(i) || segments_[i] == options_.sep_token) {
      text += segments_[i];
      after_mask = false;
    } else if (!std::exchange(after_mask, true) || !options_.collapse_mask_token) {
      text += ' ';
      text += options_.mask_token;
    }
  }
  return with_single_spaces(text);
}

}  // namespace filbert
