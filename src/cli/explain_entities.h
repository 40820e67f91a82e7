// What filbert explain has for token classifiers alone: which entities of a text, and how one is shown.
#pragma once

#include <string>

#include <filbert/explain_entity.h>

#include "cli/app.h"
#include "cli/output.h"
#include "explain/entity_choice.h"

namespace filbert::cli {

// --entity, --aggregation-strategy and --stride
void add_entity_options(CLI::App& app, EntityChoice& choice);

// What a terminal shows of one.
std::string text_lines(const EntityExplanation& explanation, const Output& out);

}  // namespace filbert::cli
