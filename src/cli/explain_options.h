// The options of an explanation, on the command line.
#pragma once

#include <string>

#include <filbert/config.h>
#include <filbert/explain.h>

#include "cli/app.h"

namespace filbert::cli {

// --method, --label, --target, --unit, --mask and all that is of one method. `target` gets the words of --target, which only the model's
// labels make clear.
void add_explain_options(CLI::App& app, ReportOptions& options, std::string& target);

}  // namespace filbert::cli
