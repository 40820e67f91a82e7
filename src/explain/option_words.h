// Options of an explanation that are said in words, as the command line and the server take them. `prefix` stands before the names of options in
// messages: "--", or nothing.
#pragma once

#include <string>
#include <string_view>

#include <filbert/config.h>
#include <filbert/explain.h>

namespace filbert {

// "word", "token", "sentence" or "regex=EXPRESSION". Throws Error(invalid_argument).
void set_unit(std::string_view unit, ExplainOptions& options, std::string_view prefix);

// "token", "remove" or "string=TEXT". Throws Error(invalid_argument).
void set_mask(std::string_view mask, ExplainOptions& options, std::string_view prefix);

// "probability", "logit" or "LABEL-LABEL". Throws Error(invalid_argument).
void set_target(std::string_view target, const Config& config, ExplainOptions& options, std::string_view prefix);

// What the compatibility with a package means for the options beside it. Throws Error(invalid_argument) if they contradict it.
void apply_compat(ReportOptions& options, std::string_view prefix);

}  // namespace filbert
