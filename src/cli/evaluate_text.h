// What filbert evaluate prints for people: tables of at most 80 columns.
#pragma once

#include <string>

#include <filbert/evaluate.h>

#include "cli/output.h"

namespace filbert::cli {

std::string text_lines(const EvaluationReport& report, const Output& out);

}  // namespace filbert::cli
