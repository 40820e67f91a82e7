// A whole file of texts, its rows with what a model says of them; read, tokenized, computed and written at the same time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/partial_file.h"
#include "cli/result_rows.h"
#include "cli/table_input.h"
#include "cli/text_rows.h"

namespace filbert::cli {

struct TextFileOptions {
  TableOptions table{.file = {}, .text_pair_column = {}, .label_column = {}, .format = {}, .delimiter = {}, .quotes = {}, .guess = true, .pipes = true,
                     .keeps_rows = true, .faults_in_rows = true, .max_row_bytes = 4 << 20};  // no file: texts are answered one by one
  std::filesystem::path output = "-";
  std::optional<TableFormat> output_format;
  bool resume = false;
  const char* of_file = nullptr;  // an option that only --input has a use for
};

// --input, --output, --text-column, --delimiter, --quotes, --no-header, --output-format, --on-error, --resume, --max-row-bytes; `added` says what
// columns come out beside those of the file: "the label".
void add_text_file_options(CLI::App& app, TextFileOptions& options, const std::string& added);

// Throws Error(invalid_argument) if an option was given that only --input has a use for, and there is none.
void check_no_file(const TextFileOptions& options);

// What differs from command to command.
struct FileWork {
  std::string doing;                 // "classifying", for the line on a terminal
  RunSettings settings;              // beside those of file and checkpoint: what must be the same for a run to go on with another's rows
  TextWork texts;
  std::vector<AnswerColumn> columns;
  std::vector<std::string> counted;  // what `count` counts, which the line on a terminal shows
  std::function<void(const TextAnswer&, std::span<std::uint64_t> counts)> count;
};

// `make` loads the checkpoint in a directory and says what is done with texts; a wrong name of a file is told before that.
void run_text_file(const TextFileOptions& options, const ModelChoice& model, bool verbose, Session& session,
                   const std::function<FileWork(const std::filesystem::path& directory)>& make);

}  // namespace filbert::cli
