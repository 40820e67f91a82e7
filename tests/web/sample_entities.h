// Evaluations of made-up entities, for tests of their page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <filbert/evaluate_entities.h>

namespace filbert::reference {

// The names of their pages: "entities", with every notice there is; "entities_two", of two models; "entities_many", of too many types for a matrix, with
// names and texts that want to be markup.
std::vector<std::pair<std::string, EntityEvaluationReport>> sample_entity_evaluations();

}  // namespace filbert::reference
