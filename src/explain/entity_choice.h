// Which entities of a text are explained, as the command line and the server take it. `prefix` stands before the names of options in messages:
// "--", or nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/entities.h>
#include <filbert/explain.h>

namespace filbert {

struct EntityChoice {
  std::optional<std::string> entity = {};  // its number in the text, from 0, or what stands there; absent: all
  AggregationStrategy aggregation_strategy = AggregationStrategy::simple;
  std::optional<std::size_t> stride = {};  // of TokenClassificationOptions
};

// Those of the entities of `text`, as the pipeline finds them, that are wanted, with places in explain.offset_unit. Throws Error(invalid_argument) for
// one that the text has not, and what the pipeline throws.
std::vector<Entity> wanted_entities(const TokenClassificationPipeline& pipeline, std::string_view text, const EntityChoice& choice,
                                    const ExplainOptions& explain, std::string_view prefix);

// "probability" or "logit". Throws Error(invalid_argument).
void set_entity_target(std::string_view target, ExplainOptions& options, std::string_view prefix);

}  // namespace filbert
