// Attention made by hand, for tests of its page: heads with patterns that a reader knows, weights that are the softmax of their queries and keys.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <filbert/attention.h>

namespace filbert::reference {

struct AttentionSize {
  std::size_t layers = 3, heads = 4, head_size = 16;
  bool queries_keys = true;
};
// `words` between [CLS] and [SEP]; with `pair` a second text behind it. Head h of each layer looks, by h mod 4, at: the token before, the last
// special token, itself, and everything.
AttentionMap sample_attention(const std::vector<std::string>& words, const std::vector<std::string>& pair = {}, const AttentionSize& size = {});
// [CLS] the book … of so many tokens.
AttentionMap long_attention(std::size_t tokens, const AttentionSize& size);

}  // namespace filbert::reference
