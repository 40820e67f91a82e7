// filbert quantize: a checkpoint in 8 bits, with a card that says what it cost.
#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>
#include <filbert/quantize.h>

#include "base/file.h"
#include "cli/checkpoint.h"
#include "cli/command.h"
#include "cli/line_reader.h"
#include "cli/model_options.h"
#include "cli/options.h"

namespace filbert::cli {
namespace {

struct Options {
  HubOptions hub;
  std::optional<std::filesystem::path> texts;
  QuantizeOptions quantize;
};

// The lines of a file. Throws Error(invalid_argument) if there are none.
std::vector<TextInput> lines_of(std::string_view content, const std::filesystem::path& path) {
  std::vector<TextInput> lines;
  while (!content.empty()) {
    const std::string_view line = take_line(content);
    if (!line.empty()) lines.push_back({line});
  }
  if (lines.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a text a line, found none", path.string()));
  return lines;
}

// What the answers of a checkpoint in 8 bits differ in.
struct Cost {
  std::size_t texts = 0;
  double same_label = 0;  // the share of the texts
  double logits_off = 0;  // the mean distance of a logit, as a share of the range of all logits
};

Cost measure(const std::filesystem::path& from, const std::filesystem::path& to, std::span<const TextInput> texts) {
  const auto answers_of = [&](const std::filesystem::path& checkpoint) {
    return pipeline("text-classification", checkpoint, ModelOptions{}, DecisionChoice{.use = false})(texts);
  };
  const auto exact = answers_of(from), narrow = answers_of(to);
  Cost cost{.texts = texts.size()};
  float least = exact.front().logits.front(), greatest = least;
  double distance = 0;
  std::size_t logits = 0, same = 0;
  for (std::size_t at = 0; at < texts.size(); ++at) {
    same += exact[at].label == narrow[at].label;
    for (std::size_t id = 0; id < exact[at].logits.size(); ++id, ++logits) {
      const float logit = exact[at].logits[id];
      least = std::min(least, logit);
      greatest = std::max(greatest, logit);
      distance += std::abs(static_cast<double>(logit) - narrow[at].logits[id]);
    }
  }
  cost.same_label = static_cast<double>(same) / static_cast<double>(texts.size());
  cost.logits_off = greatest > least ? distance / static_cast<double>(logits) / (static_cast<double>(greatest) - least) : 0;
  return cost;
}

std::string words(const Cost& cost) {
  return fmt::format("the same label for {:.2f} % of {} texts, logits off by {:.2f} % of their range in the mean", 100 * cost.same_label,
                     cost.texts, 100 * cost.logits_off);
}

// `name` is what the original is called, `from` where it lies.
std::string card(const std::filesystem::path& name, const std::filesystem::path& from, const std::filesystem::path& to,
                 const std::optional<Cost>& cost, const Options& options) {
  return fmt::format(
      "# {}, in 8 bits\n\n"
      "Made by `filbert quantize` from `{}`, and read by Filbert alone. The linear layers of the encoder and the word embeddings\n"
      "are in 8 bits, the rest is as it was. The weights take {}, those of the original {}.\n\n"
      "What it cost, against the original in f32: {}.\n",
      name.filename().string(), name.string(), weight_megabytes(to), weight_megabytes(from),
      cost ? words(*cost) + fmt::format(" (the lines of `{}`)", options.texts->string())
           : std::string("not measured; `filbert quantize --texts FILE` measures it on texts of yours"));
}

void run(const Options& options, Session& session) {
  std::filesystem::path name = session.arguments[0];
  const std::filesystem::path to = session.arguments[1];
  if (name.filename().empty()) name = name.parent_path();  // "DIR/"
  const std::filesystem::path from = model_directory({.name = name, .hub = options.hub}, session);
  const std::string content = options.texts ? read_file(*options.texts) : std::string();
  const auto texts = options.texts ? lines_of(content, *options.texts) : std::vector<TextInput>{};
  write_quantized(from, to, options.quantize);
  std::optional<Cost> cost;
  if (!texts.empty()) cost = measure(from, to, texts);
  write_file_atomic(to / "README.md", card(name, from, to, cost, options));
  session.out.write(fmt::format("{}: {}, from {}; {}\n", session.out.foreign(to.string()), weight_megabytes(to), weight_megabytes(from),
                                cost ? words(*cost) : "what it cost was not measured: --texts FILE does"));
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_text(app, "--texts", "FILE", "Texts, a line each, to measure on what the 8 bits cost",
           [options](const std::string& path) { options->texts = path; });
  add_number(app, "--calibration-tokens", "Words drawn at random that the model is run over to lay the 8 bits where its numbers are; 0: by its weights alone; default: 1024", {.most = 1'000'000},
             [options](std::size_t count) { options->quantize.calibration_tokens = count; });
  add_hub_options(app, options->hub);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command quantize_command = {
    .name = "quantize",
    .argument = "DIR OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "A checkpoint in 8 bits: smaller, and quick to start",
    .description =
        "Writes the checkpoint in DIR, or a model of the Hugging Face Hub, to OUT, a new or an empty directory, in 8 bits, more exact than "
        "what --dtype int8 makes of it at each start. A card beside it, README.md, says what it cost.",
    .examples =
        "  filbert quantize path/to/checkpoint path/to/int8\n"
        "  filbert quantize path/to/checkpoint path/to/int8 --texts reviews.txt\n"
        "  filbert classify --model path/to/int8 \"I really love this book\"\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
