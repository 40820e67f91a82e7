// Section `normalizer` of any tokenizer.json but BERT's: a list of steps, each a text in and a text out. Tested by
// sections_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/regex.h"
#include "tokenize/aligned_text.h"
#include "tokenize/normalizer.h"
#include "tokenize/precompiled.h"

namespace filbert {

// What Replace and Split look for: a string, or a regular expression. Those that tokenizers of encoders have are written out; others go to
// Oniguruma, as in tokenizers.
struct Pattern {
  enum class Kind { literal, two_spaces, blanks_or_break, blanks, regex };
  Kind kind = Kind::literal;
  std::string literal = {};
  std::shared_ptr<const Regex> regex = {};  // shared: the steps are copied, and a regex is not

  // {"String": …} or {"Regex": …}. Throws Error(unsupported) for what Oniguruma cannot read, with its reason.
  static Pattern from_json(const JsonValue& pattern);
  // The end of what is found at text[at); `at` if nothing is. Not of a regex.
  std::size_t match(std::string_view text, std::size_t at, std::size_t end) const;
};

// Everything that a pattern finds in a text, from left to right. A regex may find nothing between two characters; that is told once for
// each place, and not where the last find ended.
class Finds {
 public:
  Finds(const Pattern& pattern, std::string_view text) : pattern_(pattern), text_(text) {}
  std::optional<Regex::Match> next();

 private:
  std::optional<Regex::Match> next_of_regex();

  const Pattern& pattern_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::size_t> last_end_;
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
