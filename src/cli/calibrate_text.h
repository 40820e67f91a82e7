// How `filbert calibrate` shows what it has found and what that gives: for people, and as the JSON that the file carries too.
#pragma once

#include <string>

#include <filbert/calibrate.h>

#include "base/json_writer.h"
#include "cli/output.h"

namespace filbert::cli {

// A table before and after, and a line a label.
std::string text_lines(const CalibrateResult& result, const Output& out);

// "before": {…}, "after": {…}
void write_figures(const CalibrateResult& result, JsonWriter& json);

}  // namespace filbert::cli
