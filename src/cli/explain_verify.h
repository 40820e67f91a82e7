// filbert explain --verify: an explanation that was written down, made again and compared.
#pragma once

#include <filesystem>

#include <filbert/model.h>

#include "cli/command.h"
#include "cli/model_options.h"

namespace filbert::cli {

// Reads the JSON objects of `file`, a line each, explains each text again with the settings beside it, and prints a line for each. The
// model is the one that `choice` names, else the one the object names. Throws Error: not_found; corrupt (not such an object; another
// score or another value than the one written: all are printed first).
void verify_explanations(const std::filesystem::path& file, const ModelChoice& choice, const ModelOptions& loading, Session& session);

}  // namespace filbert::cli
