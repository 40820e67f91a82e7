// filbert evaluate of a token classifier: a file of texts whose entities are known, held against what one model says of them, or two.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include <filbert/evaluate_entities.h>

#include "cli/command.h"
#include "cli/entity_gold.h"
#include "cli/entity_predict.h"
#include "cli/model_options.h"

namespace filbert::cli {

struct EvaluateEntitiesOptions {
  EntityGoldOptions gold;
  PredictOptions predict;
  std::optional<std::filesystem::path> train;  // entities that it has are told from others
  ModelChoice model;
  ModelOptions loading;
  EvaluateOptions evaluate;
  std::optional<ModelChoice> against;
  std::optional<ComputeDtype> against_dtype;
  std::size_t worst = 20;
};

// Nothing where Ctrl-C ended it.
std::optional<EntityEvaluationReport> evaluate_entities_file(const EvaluateEntitiesOptions& options, Session& session);

// What it prints for people: tables of at most 80 columns.
std::string text_lines(const EntityEvaluationReport& report, const Output& out);

}  // namespace filbert::cli
