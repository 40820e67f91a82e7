// How classify shows an answer: as JSON for programs, as lines for people. docs/cli.md has both.
#pragma once

#include <string>

#include <filbert/pipeline.h>

#include "base/json_writer.h"
#include "cli/input.h"
#include "cli/output.h"

namespace filbert::cli {

// An object with the record's own fields first.
void write_json(const Record& record, const Classification& answer, JsonWriter& json);

// Label and number as the seed program prints them, `label:<7` and three digits; then, if asked for, which labels reach the
// threshold and what each window says.
std::string text_lines(const Record& record, const Classification& answer, const ClassifyOptions& options, const Output& out);

}  // namespace filbert::cli
