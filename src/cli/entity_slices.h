// Parts of what a token classifier said: texts by their length, entities by theirs, and by whether another file has them.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <filbert/evaluate_entities.h>

#include "cli/entity_gold.h"

namespace filbert::cli {

// Lengths in tokens: "up to 16", "17 to 32", …; and which of them a length is.
std::vector<std::string> length_names();
std::size_t length_slice(std::size_t tokens);

// Types and what stands in the text.
using KnownEntities = std::set<std::pair<std::string, std::string>>;
KnownEntities known_entities(const EntityGold& gold);

struct SliceInput {
  std::span<const GoldText> gold;
  std::span<const EntityText> texts;
  std::span<const std::size_t> tokens;     // of each text
  bool has_words = false;
  const KnownEntities* known = nullptr;    // of a file named so
  std::string known_name = {};
};
std::vector<EntitySlice> entity_slices(const SliceInput& input, const EvaluateOptions& options);

}  // namespace filbert::cli
