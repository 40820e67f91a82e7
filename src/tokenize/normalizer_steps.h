// Section `normalizer` of any tokenizer.json but BERT's: a list of steps, each a text in and a text out. Tested by
// sections_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "tokenize/aligned_text.h"
#include "tokenize/normalizer.h"
#include "tokenize/precompiled.h"

namespace filbert {

// What Replace and Split look for: a string, or one of the regular expressions that tokenizers of encoders have.
struct Pattern {
  enum class Kind { literal, two_spaces, blanks_or_break, blanks };
  Kind kind = Kind::literal;
  std::string literal;

  // {"String": …} or {"Regex": …}. Throws Error(unsupported) for another regex, by its text.
  static Pattern from_json(const JsonValue& pattern);
  // The end of what is found at text[at); `at` if nothing is.
  std::size_t match(std::string_view text, std::size_t at, std::size_t end) const;
};

struct Composition {  // NFD, NFC, NFKD, NFKC
  bool compatible, composes;
};
struct LowercaseStep {};
struct StripAccentsStep {};
struct NmtStep {};
struct StripStep {
  bool left, right;
};
struct ReplaceStep {
  Pattern pattern;
  std::string content;
};
struct PrependStep {
  std::string prefix;
};
using NormalizerStep = std::variant<BertNormalizer, Composition, LowercaseStep, StripAccentsStep, NmtStep, StripStep,
                                    ReplaceStep, PrependStep, Precompiled>;

// Appends the steps of section `normalizer`; a Sequence is taken apart. Throws Error: unsupported (a type, by its name), corrupt.
void normalizer_steps_from_json(const JsonValue& normalizer, std::vector<NormalizerStep>& steps);

// Changes `text` by each step; `scratch` is memory.
void normalize(const std::vector<NormalizerStep>& steps, AlignedText& text, AlignedText& scratch);

// Text that is cut at a space U+0020 normalizes to what its parts do, if no part but the first begins with a mark.
bool keeps_spaces_apart(const std::vector<NormalizerStep>& steps);

}  // namespace filbert
