// What index, similar, explain and serve share about an index.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>

#include <filbert/contexts.h>

#include "cli/app.h"

namespace filbert::cli {

constexpr const char* kIndexFile = "contexts.filbert";  // in an index's directory

// What --index names: the directory that `filbert index` has written, or the file in it.
ContextIndex open_index(const std::filesystem::path& given);

// --layer, --by, --heads and --top-k, which `usual` is the default of. `seen` is told which of them is there.
void add_search_options(CLI::App& app, SimilarOptions& options, std::size_t usual, std::function<void(const char* option)> seen);

}  // namespace filbert::cli
