#include "cli/model_options.h"

#include <functional>
#include <system_error>

#include <fmt/format.h>

#include "cli/download_bar.h"
#include "cli/options.h"

namespace filbert::cli {

void add_model_option(CLI::App& app, ModelChoice& choice) {
  add_text(app, "--model", "DIR",
           "The checkpoint: a directory, or the name of a model on the Hugging Face Hub, such as org/name, which is downloaded once; default: $" +
               std::string(choice.variable) + ", else the one that comes with Filbert",
           [&](const std::string& name) { choice.name = name; });
  add_hub_options(app, choice.hub);
}

void add_hub_options(CLI::App& app, HubOptions& hub) {
  add_text(app, "--revision", "REVISION", "Of a model on the Hub: a branch, a tag or a commit hash; default: main",
           [&](const std::string& revision) { hub.revision = revision; });
  add_flag(app, "--local-files-only", "Take a model of the Hub from the cache, without a network", [&] { hub.local_files_only = true; });
}

void add_cache_dir_option(CLI::App& app, std::filesystem::path& cache_dir, const std::string& what) {
  add_text(app, "--cache-dir", "DIR", what + "; default: $HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub",
           [&](const std::string& path) { cache_dir = path; });
}

std::filesystem::path model_directory(const ModelChoice& choice, Session& session, CheckpointParts parts) {
  if (!choice.name) return choice.built_in();
  DownloadBar bar(choice.name->string());
  HubOptions hub = choice.hub;
  hub.on_progress = std::ref(bar);
  hub.on_warning = [&](std::string_view warning) { session.messages.warning(warning); };
  return find_checkpoint(*choice.name, hub, parts);
}

void add_decision_options(CLI::App& app, DecisionChoice& choice) {
  add_text(app, "--decision", "FILE", "What filbert calibrate has found for this model; default: filbert_decision.json beside it, if there is one",
           [&](const std::string& file) { choice = {.use = true, .file = file}; });
  add_flag(app, "--no-decision", "The model's own scores and labels, whatever lies beside it", [&] { choice.use = false; });
}

void note_decision(const std::filesystem::path& directory, Session& session) {
  std::error_code none;
  if (!std::filesystem::exists(directory / kDecisionFile, none)) return;
  session.messages.note(std::string(kDecisionFile) + " is not applied: scores and labels here are the model's own");
}

void add_loading_options(CLI::App& app, ModelOptions& options) {
  add_number(app, "--threads", "Threads to compute with; 0, the default: as many as this process may use",
             {.least = 0, .most = 1024}, [&](std::size_t count) { options.num_threads = static_cast<unsigned>(count); });
  add_number(app, "--max-batch-tokens",
             "Tokens to compute at once, which bounds the memory beside the weights; default: 4096. A longer text goes alone",
             {.least = 1}, [&](std::size_t count) { options.max_batch_tokens = count; });
  add_choice(app, "--dtype", "f32|bf16|int8|auto",
             "What the linear layers compute in: f32, the default, is exact; int8 is the fastest; auto is int8 where the CPU has "
             "instructions for it, else f32",
             [&](const std::string& name) { options.dtype = compute_dtype_from_name(name); });
}

std::string running(const PreTrainedModel& model, std::size_t max_length, const ModelOptions& loading) {
  const std::size_t share = loading.max_batch_tokens / model.num_threads();
  return fmt::format("{}: {} in {} kernels, {} thread{}, at most {} tokens at once{}", model.config().path.parent_path().string(),
                     name(model.compute_dtype()), model.kernels(), model.num_threads(), model.num_threads() == 1 ? "" : "s", loading.max_batch_tokens,
                     share < max_length ? fmt::format(", texts of more than {} alone", share) : "");
}

void add_format_option(CLI::App& app, bool& json, const char* description) {
  add_choice(app, "--format", "text|json", description, [&](const std::string& format) { json = format == "json"; });
}

}  // namespace filbert::cli
