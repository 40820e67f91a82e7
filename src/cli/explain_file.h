// filbert explain --input: a whole file of texts, with a line that says how far it is, and a file beside the report that keeps what is done.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include <filbert/explain_corpus.h>

#include "cli/app.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/report_form.h"
#include "cli/table_input.h"

namespace filbert::cli {

struct FileOptions {
  TableOptions table;                    // no file: texts are explained one by one
  std::filesystem::path report;
  std::optional<std::size_t> max_texts;
  double leak_share = CorpusOptions().leak_share;
  bool resume = false;
  const char* of_file = nullptr;         // an option that only --input has a use for
};

// --input, --text-column, --text-pair-column, --label-column, --delimiter, --report, --resume, --max-texts, --leak-share
void add_file_options(CLI::App& app, FileOptions& options);

// Explains the file, and writes its report to `output` or, without a name, to standard output. `report` are the options of single texts.
void explain_file(const FileOptions& options, const ReportOptions& report, const ModelChoice& model, const ModelOptions& loading,
                  ReportForm form, const std::filesystem::path& output, Session& session);

}  // namespace filbert::cli
