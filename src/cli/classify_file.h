// filbert classify --input: a whole file, its rows with what the model says of them; read, tokenized, computed and written at the same time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <filbert/pipeline.h>

#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/table_input.h"

namespace filbert::cli {

struct ClassifyFileOptions {
  TableOptions table{.file = {}, .text_pair_column = {}, .label_column = {}, .format = {}, .delimiter = {}, .quotes = {}, .guess = true, .pipes = true,
                     .keeps_rows = true, .faults_in_rows = true, .max_row_bytes = 4 << 20};  // no file: texts are classified one by one
  std::filesystem::path output = "-";
  std::optional<TableFormat> output_format;
  bool all_scores = false;
  bool resume = false;
  const char* of_file = nullptr;  // an option that only --input has a use for
};

// --input, --output, --text-column, --text-pair-column, --delimiter, --quotes, --no-header, --output-format, --all-scores, --on-error, --resume,
// --max-row-bytes
void add_classify_file_options(CLI::App& app, ClassifyFileOptions& options);

void classify_file(const ClassifyFileOptions& options, const ClassifyOptions& classify, const ModelChoice& model, const ModelOptions& loading,
                   const DecisionChoice& decision, bool verbose, Session& session);

}  // namespace filbert::cli
