// filbert models: what the cache of the Hub holds, and which of it can run.
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/config.h>
#include <filbert/error.h>
#include <filbert/hub.h>
#include <filbert/tokenizer.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "infer/architecture.h"
#include "load/weights.h"

namespace filbert::cli {
namespace {

struct Options {
  std::filesystem::path cache_dir;
  bool json = false;
};

// Why the checkpoint in `directory` cannot classify texts or tokens; empty if it can. Everything is opened and checked, nothing is computed.
std::string reason_against(const std::filesystem::path& directory) {
  try {
    const Config config = Config::from_pretrained(directory);
    Weights::from_pretrained(directory, architecture_of(config).prefix, expected_tensors(config, task_of(config)));
    AutoTokenizer::from_pretrained(directory);
    return {};
  } catch (const Error& error) {
    std::string reason = error.what();
    const std::string place = directory.string() + "/";  // said by the line already
    if (reason.starts_with(place)) reason.erase(0, place.size());
    return reason;
  }
}

// "main, v1", or the beginning of the hash.
std::string short_name(const CachedRevision& revision) {
  return revision.refs.empty() ? revision.commit_hash.substr(0, 8) : fmt::format("{}", fmt::join(revision.refs, ", "));
}

std::string text_lines(const CachedModel& model, const Output& out) {
  std::string lines = fmt::format("{}  {:.1f} MB\n", out.bold(model.repo_id), static_cast<double>(model.file_bytes) / 1e6);
  for (const CachedRevision& revision : model.revisions) {
    const std::string reason = reason_against(revision.directory);
    lines += fmt::format("  {}: {}\n", out.foreign(short_name(revision)), reason.empty() ? "can run" : out.foreign("cannot run: " + reason));
  }
  return lines;
}

std::string json_lines(const CachedModel& model, JsonWriter& json) {
  std::string lines;
  for (const CachedRevision& revision : model.revisions) {
    const std::string reason = reason_against(revision.directory);
    json.begin_object();
    json.field("repo_id", model.repo_id);
    json.field("revision", revision.commit_hash);
    json.key("refs");
    json.array(revision.refs);
    json.field("directory", revision.directory.string());
    json.key("files");
    json.array(revision.files);
    json.field("file_bytes", revision.file_bytes);
    json.key("cannot_run");
    if (reason.empty()) {
      json.null();
    } else {
      json.value(reason);
    }
    json.end_object();
    lines += json.take_line();
  }
  return lines;
}

void run(const Options& options, Session& session) {
  const std::vector<CachedModel> models = scan_cache_dir(options.cache_dir);
  JsonWriter json;
  for (const CachedModel& model : models) session.out.write(options.json ? json_lines(model, json) : text_lines(model, session.out));
  if (models.empty() && !options.json) session.messages.note("the cache holds no models; filbert download NAME brings one");
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_cache_dir_option(app, options->cache_dir, "The cache");
  add_format_option(app, options->json, "Lines for people (the default), or a JSON object a revision");
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command models_command = {
    .name = "models",
    .argument = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .summary = "The models in the cache, and which can run",
    .description =
        "Lists the models of the Hugging Face Hub that the cache holds, with their size on the disk, and for each of their revisions whether "
        "Filbert can run it, or why not.",
    .examples =
        "  filbert models\n"
        "  filbert models --format json | jq -r 'select(.cannot_run == null).repo_id'\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
