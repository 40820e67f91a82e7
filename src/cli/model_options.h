// Options that more than one command has.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <filbert/config.h>
#include <filbert/decision.h>
#include <filbert/hub.h>
#include <filbert/model.h>
#include <filbert/pipeline.h>

#include "cli/app.h"
#include "cli/command.h"

namespace filbert::cli {

// A checkpoint as the command line names it.
struct ModelChoice {
  std::optional<std::filesystem::path> name;  // absent: what built_in() says
  HubOptions hub;
  std::filesystem::path (*built_in)() = default_model;
  const char* variable = "FILBERT_MODEL";     // that it reads
};
// As reports name it: "built-in", where no other was asked for.
inline std::string model_name(const ModelChoice& choice) { return choice.name ? choice.name->string() : "built-in"; }
// --model, and add_hub_options()
void add_model_option(CLI::App& app, ModelChoice& choice);
// --revision, --local-files-only
void add_hub_options(CLI::App& app, HubOptions& hub);
// --cache-dir; `what` begins its description: "The cache"
void add_cache_dir_option(CLI::App& app, std::filesystem::path& cache_dir, const std::string& what);
// The directory of the checkpoint; a model of the Hub is downloaded if need be, with a bar on a terminal.
std::filesystem::path model_directory(const ModelChoice& choice, Session& session, CheckpointParts parts = {});

// What the checkpoint was made for, by the name that transformers gave it: "Bert" + "ForTokenClassification".
inline bool is_made_for(const Config& config, std::string_view task) { return !config.architectures.empty() && config.architectures.front().ends_with(task); }
inline bool labels_tokens(const Config& config) { return is_made_for(config, "ForTokenClassification"); }

// --decision FILE and --no-decision
void add_decision_options(CLI::App& app, DecisionChoice& choice);
// For commands that show the model's own scores: says so where there is a decision beside it.
void note_decision(const std::filesystem::path& directory, Session& session);

// --threads N and --dtype D
void add_loading_options(CLI::App& app, ModelOptions& options);
// What runs, for whoever wonders what `auto` or an empty option became.
std::string running(const PreTrainedModel& model, std::size_t max_length, const ModelOptions& loading);
// --format text|json
void add_format_option(CLI::App& app, bool& json, const char* description);

constexpr const char* kTruncationChoices = "longest_first|only_first|only_second|do_not_truncate";

}  // namespace filbert::cli
