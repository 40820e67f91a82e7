// The options of an explanation, on the command line.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <filbert/config.h>
#include <filbert/explain.h>

namespace filbert::cli {

// --method, --label, --target, --unit, --mask and all that is of one method. `target` gets the words of --target, which only the model's
// labels make clear.
void add_explain_options(CLI::App& app, ReportOptions& options, std::string& target);

// "probability", "logit" or "LABEL-LABEL". Throws Error(invalid_argument).
void set_target(const std::string& target, const Config& config, ExplainOptions& options);

// What --compat means for the options beside it. Throws Error(invalid_argument) if they contradict it.
void apply_compat(ReportOptions& options);

}  // namespace filbert::cli
