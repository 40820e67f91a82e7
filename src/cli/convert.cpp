// filbert convert: a checkpoint's weights in one safetensors file.
#include <memory>

#include <fmt/format.h>

#include <filbert/convert.h>

#include "cli/checkpoint.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "load/weight_files.h"
#include "postprocess/decision.h"

namespace filbert::cli {
namespace {

void run(const HubOptions& hub, Session& session) {
  const std::filesystem::path from = model_directory({.name = session.arguments[0], .hub = hub}, session), to = session.arguments[1];
  convert_to_safetensors(from, to);
  carry_decision(from, to);
  const WeightFiles files = find_weight_files(from);
  session.out.write(fmt::format("{}: {}, from {} in {}\n", session.out.foreign(to.string()), weight_megabytes(to), weight_megabytes(from),
                                files.files.size() == 1 ? files.main.filename().string() : fmt::format("{} files", files.files.size())));
}

Run add_options(CLI::App& app) {
  const auto hub = std::make_shared<HubOptions>();
  add_hub_options(app, *hub);
  return [hub](Session& session) { run(*hub, session); };
}

}  // namespace

const Command convert_command = {
    .name = "convert",
    .argument = "DIR OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "A checkpoint's weights in one safetensors file",
    .description =
        "Writes the checkpoint in DIR, or a model of the Hugging Face Hub, of any family, to OUT, a new or an empty directory, with its weights in one "
        "model.safetensors: those of pytorch_model.bin or of a checkpoint in several files. No bit of them changes.",
    .examples =
        "  filbert convert path/to/checkpoint path/to/safetensors\n"
        "  filbert convert org/name path/to/safetensors\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
