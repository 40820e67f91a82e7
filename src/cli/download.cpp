// filbert download: a model of the Hub into the cache, so that it is there when it is needed.
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/options.h"

namespace filbert::cli {
namespace {

Run add_options(CLI::App& app) {
  const auto choice = std::make_shared<ModelChoice>();
  add_hub_options(app, choice->hub);
  add_cache_dir_option(app, choice->hub.cache_dir, "Where to keep it");
  add_flag(app, "--force-download", "Download again what is there already", [choice] { choice->hub.force_download = true; });
  return [choice](Session& session) {
    choice->name = session.arguments.front();
    session.out.write(fmt::format("{}\n", model_directory(*choice, session).string()));
  };
}

}  // namespace

const Command download_command = {
    .name = "download",
    .argument = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "A model of the Hugging Face Hub, into the cache",
    .description =
        "Downloads what Filbert reads of the model NAME of the Hugging Face Hub into the cache that all of its tools share, and prints the "
        "directory. What is there already is not downloaded again, and a download that was cut goes on where it ended. A private "
        "or gated model needs a token: HF_TOKEN, or what hf auth login has kept.",
    .examples =
        "  filbert download nlptown/bert-base-multilingual-uncased-sentiment\n"
        "  filbert download org/name --revision v1.0\n"
        "  HF_ENDPOINT=https://mirror.example filbert download org/name\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
