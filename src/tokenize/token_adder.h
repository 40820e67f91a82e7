// Adding tokens to a tokenizer, as every way of loading one does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tokenize/families.h"
#include "tokenize/tokenizer.h"
#include "tokenize/tokenizer_config.h"

namespace filbert {

// Adds tokens one after the other: one that the model knows keeps its id, any other gets the next free one.
class TokenAdder {
 public:
  explicit TokenAdder(Tokenizer::Impl& tokenizer);

  // `expected_id` is what the file says, or -1.
  void add(AddedToken token, std::int64_t expected_id);
  void add_if_new(const AddedToken& token, std::int64_t expected_id);
  void add_those_of(const TokenizerConfig& config);

 private:
  std::string normalize(const std::string& content) const;

  Tokenizer::Impl& tokenizer_;
  std::size_t next_id_;
};

// What of tokenizer_config.json counts for every tokenizer; where it is silent what the class has, if it is one that is known.
void apply_common(const TokenizerConfig& config, const std::optional<ClassDefaults>& defaults, Tokenizer::Impl& tokenizer);
// The post-processor, and what of it the sections must know.
void set_post_processor(PostProcessor post_processor, Tokenizer::Impl& tokenizer);

}  // namespace filbert
