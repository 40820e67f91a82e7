// filbert classify --input: what it does with the texts of a file.
#pragma once

#include <filbert/pipeline.h>

#include "cli/app.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/text_file.h"

namespace filbert::cli {

struct ClassifyFileOptions : TextFileOptions {
  bool all_scores = false;
};

// Those of text_file.h, --text-pair-column and --all-scores.
void add_classify_file_options(CLI::App& app, ClassifyFileOptions& options);

void classify_file(const ClassifyFileOptions& options, const ClassifyOptions& classify, const ModelChoice& model, const ModelOptions& loading,
                   const DecisionChoice& decision, bool verbose, Session& session);

}  // namespace filbert::cli
