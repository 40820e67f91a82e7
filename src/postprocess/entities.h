// From the tokens of a row, each with its scores, to entities. Tested by entities_test.cpp and, against transformers itself, by
// tests/parity/entities_parity.py.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <filbert/entities.h>

#include "postprocess/tags.h"

namespace filbert {

// A token as it stands in its text.
struct ScoredToken {
  std::string word;           // the token; of one that the vocabulary does not know what stands in the text
  std::vector<float> scores;  // [num_labels]
  Offset offset;              // bytes
  std::size_t index = 0;
  bool is_subword = false;
};

// The scores that count for a word of these tokens, of which there is one at least; with none and simple those of the first.
std::vector<float> word_scores(std::span<const ScoredToken> tokens, AggregationStrategy strategy);

// What does not change from row to row. Views: valid while pipeline and options live.
struct EntityRules {
  const TokenClassificationOptions& options;
  const std::map<int, std::string>& id2label;
  TaggingScheme scheme;
  std::vector<Tag> tags;  // [num_labels]
  std::function<std::string(std::span<const std::string>)> to_string;  // puts tokens together

  EntityRules(const TokenClassificationOptions& options, const std::map<int, std::string>& id2label,
              std::function<std::string(std::span<const std::string>)> to_string);
};

// The entities of a row, without those whose labels are ignored; offsets are bytes. `begins` and `ends`: whether the text does.
std::vector<Entity> entities_of_row(std::span<const ScoredToken> tokens, const EntityRules& rules, bool begins, bool ends);

// Those of the windows of `text`, in the order of the windows, as one list without overlaps: the longer in code points stays, of equal ones the surer.
std::vector<Entity> without_overlaps(std::vector<Entity> entities, std::string_view text);

// What Entity::entity can be, in the order of the ids, each once: with none the labels, else their types.
std::vector<std::string> entity_names(const std::map<int, std::string>& id2label, AggregationStrategy strategy);

// Throws Error(invalid_argument) for options that contradict each other.
void check_options(const TokenClassificationOptions& options);

}  // namespace filbert
