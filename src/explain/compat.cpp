// A text as the Python packages have it: their units, and what their masks make of it. Tested by compat_test.cpp.
#include <algorithm>
#include <memory>

#include <filbert/error.h>

#include "explain/explainer.h"
#include "explain/lime_text.h"
#include "explain/shap_text.h"
#include "tokenize/offsets.h"

namespace filbert {
namespace {

void refuse_pair(const ExplainedText& text, const char* package) {
  if (text.text_pair) throw Error(ErrorKind::unsupported, std::string("compat ") + package + ": expected one text, found a pair");
}

}  // namespace

void Explainer::Impl::cut_as_lime() {
  refuse_pair(text, "lime");
  const std::string mask_string = options.masking == Masking::string ? options.mask_string : std::string(LimeText::kMask);
  const auto cut = std::make_shared<const LimeText>(text.text, options.bow, mask_string);
  std::vector<Offset> offsets;  // [pieces]
  for (const LimeText::Piece& piece : cut->pieces()) offsets.push_back({piece.begin, piece.end});
  convert_offsets(text.text, options.offset_unit, offsets);
  for (const LimeText::Word& word : cut->words()) {
    std::vector<Offset> places;
    for (const std::size_t piece : word.pieces) places.push_back(offsets[piece]);
    text.units.push_back({std::string(word.text), places.front(), 0, {places.begin() + 1, places.end()}});
    segments.push_back(std::string(word.text) + ' ');
  }
  text.mask = options.bow ? "" : mask_string;
  second_text = text.units.size();
  mask = [cut](std::span<const std::uint8_t> kept) { return MaskedText{cut->keeping(kept)}; };
}

void Explainer::Impl::cut_as_shap() {
  refuse_pair(text, "shap");
  const Tokenizer& tokenizer = classifier.tokenizer();
  // As many tokens as an empty text has stand at the ends; of a single one the package asks which it is.
  const BatchEncoding nothing = tokenizer("");
  const BatchEncoding some = tokenizer("a");
  const bool single_is_begin = some.special_tokens_mask.front() != 0;
  const std::optional<std::string> own = tokenizer.mask_token();
  const std::optional<std::string> sep = tokenizer.sep_token();
  ShapTextOptions wanted{.mask_token = own.value_or("..."), .collapse_mask_token = !own, .sep_token = sep,
                         .kept = shap_kept_ends(nothing.total_tokens(), single_is_begin)};
  if (options.masking == Masking::string) {
    wanted.mask_token = options.mask_string;
    wanted.collapse_mask_token = true;
  }
  if (sep) wanted.sep_token_id = tokenizer.token_to_id(*sep);
  const BatchEncoding tokens = tokenizer(text.text, {.offset_unit = OffsetUnit::bytes});
  const auto cut = std::make_shared<const ShapText>(text.text, tokens, wanted);
  segments = cut->segments();
  std::vector<Offset> offsets = tokens.offset_mapping;
  convert_offsets(text.text, options.offset_unit, offsets);
  for (std::size_t token = 0; token < segments.size(); ++token) text.units.push_back({segments[token], offsets[token]});
  for (const std::uint8_t invariant : cut->invariants()) varying.push_back(invariant == 0 ? 1 : 0);
  separator = cut->separator();
  text.mask = wanted.mask_token;
  second_text = text.units.size();
  mask = [cut](std::span<const std::uint8_t> kept) { return MaskedText{cut->masked(kept)}; };
}

}  // namespace filbert
