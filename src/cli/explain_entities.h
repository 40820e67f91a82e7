// What filbert explain does with a token classifier: each entity of a text, or the one that was asked for.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include <filbert/entities.h>
#include <filbert/explain_entity.h>

#include "cli/output.h"

namespace filbert::cli {

struct EntityChoice {
  std::optional<std::string> entity;  // its number in the text, from 0, or what stands there; absent: all
  AggregationStrategy aggregation_strategy = AggregationStrategy::simple;
};
// --entity and --aggregation-strategy
void add_entity_options(CLI::App& app, EntityChoice& choice);

// Calls `visit` for each entity of `text` that is wanted. Throws Error(invalid_argument) for one that the text has not.
void explain_entities(const TokenClassificationPipeline& pipeline, std::string_view text, const EntityChoice& choice, const EntityExplainOptions& options,
                      const std::function<void(EntityExplanation& explanation)>& visit);

// What a terminal shows of one.
std::string text_lines(const EntityExplanation& explanation, const Output& out);

}  // namespace filbert::cli
