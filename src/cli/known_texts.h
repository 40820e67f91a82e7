// The answers of a file in which texts come again: each text is computed once, as long as a bounded memory of it lasts.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <filbert/entities.h>
#include <filbert/pipeline.h>

namespace filbert::cli {

// What the columns of a row need of its answer. Filled by the thread that computes, before any row that shares it is written.
struct TextAnswer {
  std::size_t label = 0;      // place of the best in `scores`
  std::vector<float> scores;  // in id order
  std::size_t tokens_total = 0, tokens_used = 0;
  bool truncated = false;
  bool is_finite = true;
  std::size_t invalid_utf8 = 0;
  std::vector<std::size_t> labels;  // places of those that count, where a threshold says which
  std::optional<float> expected;    // these two of a decision
  std::optional<bool> rejected;
  std::vector<Entity> entities;     // of a token classifier, which has no label and no scores
  std::string fault;          // why there is none: all else is empty then

  static TextAnswer of(const Classification& answer);
  static TextAnswer of(TokenClassification answer);
};

// Not to be called from more than one thread at once.
class KnownTexts {
 public:
  explicit KnownTexts(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // The place for the answer of the text, and whether it is new: then the caller sees to it that it is filled. Of what was asked for
  // long ago the place is forgotten; whoever has it keeps it.
  std::pair<std::shared_ptr<TextAnswer>, bool> find(std::string_view text, const std::optional<std::string>& text_pair);
  // How many were new.
  std::size_t distinct() const { return distinct_; }

 private:
  using Answers = std::unordered_map<std::string, std::shared_ptr<TextAnswer>>;
  void keep(std::string key, std::shared_ptr<TextAnswer> answer);

  std::size_t most_bytes_;
  std::size_t young_bytes_ = 0;
  std::size_t distinct_ = 0;
  Answers young_, old_;  // when the young are half of what may be, they become the old ones, and those before them are forgotten
};

}  // namespace filbert::cli
