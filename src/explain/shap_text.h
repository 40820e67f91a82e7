// A text as shap's Text masker has it (`--compat shap`): the players are the tokenizer's tokens, [CLS] and [SEP] among them, each with
// the space behind it, and a masked token is the mask token's own text in a string that the model tokenizes anew. Behaviour: shap 0.51
// (maskers/_text.py). Tested by shap_text_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/tokenizer.h>

namespace filbert {

// The tokens at both ends that no mask reaches.
struct KeptEnds {
  std::size_t prefix = 0;
  std::size_t suffix = 0;
};
// By how many tokens an empty text has; of a single one whether it is the begin of a text (bos_token) and not its end (eos_token).
// Throws Error(unsupported) for an odd number above 1, where shap gives up.
KeptEnds shap_kept_ends(std::size_t null_tokens, bool single_is_begin);

struct ShapTextOptions {
  std::string mask_token = "...";
  bool collapse_mask_token = true;               // shap: not where the mask token is the tokenizer's own
  std::optional<std::string> sep_token = {};     // a segment that is this is never masked
  std::optional<std::int32_t> sep_token_id = {};
  KeptEnds kept = {};
};

class ShapText {
 public:
  // `tokens` is `text` alone, of one row, encoded with OffsetUnit::bytes; `text` is valid UTF-8.
  ShapText(std::string_view text, const BatchEncoding& tokens, ShapTextOptions options);
  // Without a tokenizer: shap's SimpleTokenizer, whose tokens are the runs between the matches of \W+.
  explicit ShapText(std::string_view text, ShapTextOptions options = {});

  // A token's text up to the next. An empty one is a special token that stands in no text.
  const std::vector<std::string>& segments() const { return segments_; }
  // [segments] 1 where the mask changes nothing: the ends, and separators.
  const std::vector<std::uint8_t>& invariants() const { return invariants_; }
  // What partition_tree() takes for its separator: empty if there is none.
  std::string_view separator() const { return options_.sep_token ? std::string_view(*options_.sep_token) : std::string_view(); }
  // The text in which those segments stay that have a 1. `kept` is [segments].
  std::string masked(std::span<const std::uint8_t> kept) const;

 private:
  void cut(std::string_view text, std::span<const Offset> offsets);
  bool is_end(std::size_t segment) const;

  std::vector<std::string> segments_;
  std::vector<std::uint8_t> invariants_;
  ShapTextOptions options_;
};

}  // namespace filbert
