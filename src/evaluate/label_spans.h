// Sequences of labels, one behind the other, become spans of them all.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/evaluate_entities.h>

namespace filbert {

class SpanReader {
 public:
  explicit SpanReader(SpanRules rules, bool suffix = false) : rules_(rules), suffix_(suffix) {}

  // The next sequence. An "O" is counted behind each, as seqeval has it: where letters that conlleval does not know leave an entity's begin behind,
  // it is found there, in the sequence before if need be.
  void take(std::span<const std::string> labels);
  // Offsets are those in all sequences, with the "O" behind each.
  std::vector<LabelSpan> spans() && { return std::move(spans_); }

 private:
  void step(char32_t letter, std::string_view type);

  SpanRules rules_;
  bool suffix_;
  std::vector<LabelSpan> spans_;
  char32_t letter_ = U'O';
  std::string type_;       // none before the first
  std::size_t begin_ = 0;
  std::size_t at_ = 0;
};

}  // namespace filbert
