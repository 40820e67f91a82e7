// filbert evaluate: a file of texts whose labels are known, scored by one model or by two, measured.
#pragma once

#include <cstddef>
#include <optional>

#include <filbert/evaluate.h>
#include <filbert/pipeline.h>

#include "cli/command.h"
#include "cli/evaluate_gold.h"
#include "cli/model_options.h"

namespace filbert::cli {

struct EvaluateFileOptions {
  GoldOptions gold;
  ModelChoice model;
  ModelOptions loading;
  ClassifyOptions classify;
  DecisionChoice decision;                     // of the first model; the second has its own, unless it is the same one, or none is to be used
  EvaluateOptions evaluate;
  bool has_threshold = false;                  // `evaluate.threshold` was asked for, and takes the place of all thresholds of a decision
  std::optional<ModelChoice> against;          // another checkpoint,
  std::optional<ComputeDtype> against_dtype;   // or the same in another dtype, or both
  std::size_t worst = 20;
};

// Nothing where Ctrl-C ended it.
std::optional<EvaluationReport> evaluate_file(const EvaluateFileOptions& options, Session& session);

}  // namespace filbert::cli
