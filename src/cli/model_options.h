// Options that more than one command has.
#pragma once

#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>

#include <filbert/model.h>

namespace filbert::cli {

// --model DIR; absent: filbert::default_model().
void add_model_option(CLI::App& app, std::optional<std::filesystem::path>& directory);
std::filesystem::path model_directory(const std::optional<std::filesystem::path>& directory);

// --threads N and --dtype D
void add_loading_options(CLI::App& app, ModelOptions& options);
// --format text|json
void add_format_option(CLI::App& app, bool& json, const char* description);

constexpr const char* kTruncationChoices = "longest_first|only_first|only_second|do_not_truncate";

}  // namespace filbert::cli
