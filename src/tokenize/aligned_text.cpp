#include "tokenize/aligned_text.h"

#include <algorithm>

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert {

void AlignedText::clear() {
  text.clear();
  origins.clear();
}

void AlignedText::assign(std::string_view source, std::size_t begin, std::size_t end) {
  text.assign(source, begin, end - begin);
  base = static_cast<std::uint32_t>(begin);
  origins.clear();
  if (!keeps_origins) return;
  origins.reserve(text.size());
  for (std::size_t at = begin; at < end;) {
    const std::uint32_t bytes = unicode::decode(source, at).bytes;
    const auto first = static_cast<std::uint32_t>(at);
    origins.insert(origins.end(), bytes, {first, first + bytes});
    at += bytes;
  }
}

AlignedText::Range Rewriter::before() const {
  if (at_ > begin_) return in_.origins[at_ - 1];
  const std::uint32_t start = begin_ < in_.origins.size() && begin_ > 0 ? in_.origins[begin_].begin : in_.base;
  return {start, start};
}

void Rewriter::append(std::string_view bytes, AlignedText::Range origin) {
  out_.text += bytes;
  if (out_.keeps_origins) out_.origins.insert(out_.origins.end(), bytes.size(), origin);
}

void Rewriter::skip(std::size_t chars) {
  for (; chars > 0 && at_ < end_; --chars) at_ += unicode::decode(in_.text, at_).bytes;
}

void Rewriter::copy(std::size_t bytes) {
  out_.text.append(in_.text, at_, bytes);
  if (out_.keeps_origins) {
    const auto from = in_.origins.begin() + static_cast<std::ptrdiff_t>(at_);
    out_.origins.insert(out_.origins.end(), from, from + static_cast<std::ptrdiff_t>(bytes));
  }
  at_ += bytes;
}

void Rewriter::put(char32_t c, int change) {
  const std::size_t size = out_.text.size();
  append_utf8(c, out_.text);
  if (out_.keeps_origins) {
    const AlignedText::Range origin = change > 0 || at_ >= end_ ? before() : in_.origins[at_];
    out_.origins.insert(out_.origins.end(), out_.text.size() - size, origin);
  }
  if (change <= 0) skip(1 + static_cast<std::size_t>(-change));
}

void Rewriter::replace(std::size_t bytes, std::string_view content) {
  at_ += bytes;
  append(content, out_.keeps_origins ? before() : AlignedText::Range{0, 0});
}

}  // namespace filbert
