// The options of filbert entities, and what they make of texts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/entities.h>

#include "cli/app.h"
#include "cli/words.h"

namespace filbert::cli {

// --aggregation-strategy, which sets `has_strategy`, --ignore-labels, --stride, --tagging-scheme, --decoding, --max-length, --offset-unit
void add_entities_options(CLI::App& app, TokenClassificationOptions& options, bool& has_strategy);

// Texts as they are given, or of words.
class Texts {
 public:
  Texts(std::vector<std::string_view> texts, bool of_words);

  BatchEncoding tokenize(const TokenClassificationPipeline& classifier, const TokenClassificationOptions& options) const;
  // Valid while this lives: what offsets are in.
  std::span<const std::string_view> texts() const { return texts_; }
  const SplitText& split(std::size_t text) const { return split_[text]; }  // of words alone

 private:
  std::vector<std::string_view> texts_;  // of words: joined
  std::vector<SplitText> split_;
  bool of_words_;
};

}  // namespace filbert::cli
