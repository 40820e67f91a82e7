// What `filbert drift` shows in a terminal, in 80 columns.
#pragma once

#include <string>

#include <filbert/drift.h>

#include "cli/output.h"

namespace filbert::cli {

std::string text_lines(const DriftReport& report, const Output& out);

}  // namespace filbert::cli
