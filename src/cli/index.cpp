// filbert index: the tokens of a file of texts as vectors, for `filbert similar`.
#include <algorithm>
#include <csignal>
#include <future>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>

#include "base/sha256.h"
#include "cli/contexts_options.h"
#include "cli/explain_bar.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/number_list.h"
#include "cli/options.h"
#include "cli/table_input.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTextsAtOnce = 256;

struct Options {
  TableOptions table;
  ModelChoice model;
  ModelOptions loading;
  IndexOptions index;
  bool all_layers = false;
  std::filesystem::path output;
  std::optional<std::size_t> max_texts;
};

// The rest of the file, behind the texts that a run before this one has done; false if Ctrl-C ended it.
bool index_rows(const Options& options, TableInput& input, ContextIndexWriter& writer) {
  const Interrupts interrupts;
  ExplainBar bar("indexing");
  const std::size_t most = options.max_texts.value_or(static_cast<std::size_t>(-1));
  std::size_t done = 0;
  TableRow row;
  while (done < writer.texts_before() && input.next(row)) bar(input.share_read(), ++done, false);
  if (done < writer.texts_before()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {} texts that are done, found {} in the file", writer.partial().string(),
                                                         writer.texts_before(), done));
  }
  for (bool at_end = false; !at_end && done < most;) {
    std::vector<CorpusText> texts;
    while (texts.size() < std::min(kTextsAtOnce, most - done) && !(at_end = !input.next(row))) {
      texts.push_back({row.number, std::move(row.text), std::move(row.label)});
    }
    writer.add(texts);
    done += texts.size();
    const double of_texts = options.max_texts ? static_cast<double>(done) / static_cast<double>(most) : 0;
    bar(std::max(of_texts, input.share_read()), done, true);
    if (Interrupts::noted()) return false;
  }
  return true;
}

void summarize(const IndexInfo& info, const std::filesystem::path& file, Session& session) {
  session.out.write(fmt::format("{}: {} tokens of {} texts, {:.1f} MB\n", session.out.foreign(file.string()), info.tokens, info.texts,
                                static_cast<double>(info.bytes) / 1e6));
  const auto warn = [&](std::size_t count, const char* one, const char* many) {
    if (count > 0) session.messages.warning(fmt::format("{} {}", count, count == 1 ? one : many));
  };
  warn(info.truncated, "text is too long for the model: its end is not in the index", "texts are too long for the model: their ends are not in the index");
  warn(info.empty, "text has no token", "texts have no token");
  warn(info.invalid_utf8, "text has ill-formed UTF-8, which was replaced", "texts have ill-formed UTF-8, which was replaced");
}

IndexInfo origin_of(const Options& options, const std::filesystem::path& directory, Session& session) {
  IndexInfo origin;
  origin.model = model_name(options.model);
  origin.model_sha256 = weights_sha256(directory);
  origin.tokenizer_sha256 = tokenizer_sha256(directory);
  origin.input = options.table.file.string();
  origin.input_sha256 = sha256_of_file(options.table.file);
  origin.text_column = options.table.text_column;
  origin.label_column = options.table.label_column.value_or("");
  origin.command = session.command_line;
  return origin;
}

void run(const Options& given, Session& session) {
  Options options = given;
  options.table.file = session.arguments.front();
  options.table.argument = "CORPUS";
  if (options.output.empty()) throw Error(ErrorKind::invalid_argument, "--output: expected a directory for the index, found none");
  TableInput input(options.table);  // a wrong name is told before a model is loaded
  const std::filesystem::path directory = model_directory(options.model, session);
  auto origin = std::async(std::launch::async, [&] { return origin_of(options, directory, session); });
  const auto classifier = pipeline("text-classification", directory, options.loading, DecisionChoice{.use = false});
  classifier.tokenizer();  // throws if there is none
  if (options.all_layers) {
    options.index.layers.emplace(classifier.config().num_hidden_layers);
    std::iota(options.index.layers->begin(), options.index.layers->end(), std::size_t{0});
  }
  std::error_code error;
  std::filesystem::create_directories(options.output, error);
  if (error) throw Error(ErrorKind::invalid_argument, fmt::format("--output: {}: {}", options.output.string(), error.message()));
  const std::filesystem::path file = options.output / kIndexFile;
  ContextIndexWriter writer(classifier, file, origin.get(), options.index);
  if (!index_rows(options, input, writer)) {
    writer.pause();
    session.messages.note(fmt::format("stopped; what is done is in {}, and --resume goes on", writer.partial().string()));
    std::raise(SIGINT);  // whoever started this learns how it ended
    return;
  }
  const IndexInfo info = writer.finish();
  summarize(info, file, session);
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_text(app, "--output", "DIR", "Where the index goes, as DIR/contexts.filbert; what is done so far is in DIR/contexts.filbert.partial",
           [options](const std::string& directory) { options->output = directory; });
  add_text(app, "--text-column", "NAME", "The column with the texts; default: text", [options](const std::string& name) { options->table.text_column = name; });
  add_text(app, "--label-column", "NAME", "The column with the label that a text should have",
           [options](const std::string& name) { options->table.label_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma",
           [options](const std::string& byte) { set_delimiter(byte, options->table); });
  add_number_list(app, "--layers", "Which layers, from 0: \"5\", \"0,3,5\", \"2-4\"; default: the last",
                  [options](std::vector<std::size_t> layers) { options->index.layers = std::move(layers); });
  add_flag(app, "--all-layers", "All of them", [options] { options->all_layers = true; });
  add_choice(app, "--vector-dtype", "int8|f16", "How the numbers of a vector are kept; default: int8",
             [options](const std::string& name) { options->index.vector_dtype = vector_dtype_from_name(name); });
  add_number(app, "--max-length", "Tokens of a text, special ones included; the rest is not in the index; default: as many as the model takes", {.least = 1},
             [options](std::size_t count) { options->index.max_length = count; });
  add_number(app, "--max-texts", "Only the first N texts", {.least = 1}, [options](std::size_t count) { options->max_texts = count; });
  add_flag(app, "--resume", "Goes on where the run that left DIR/contexts.filbert.partial ended", [options] { options->index.resume = true; });
  add_model_option(app, options->model);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command index_command = {
    .name = "index",
    .argument = "CORPUS",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "The tokens of many texts as vectors, to be searched",
    .description =
        "Runs each text of CORPUS, a .csv, .tsv or .jsonl, through the model and keeps, of each token and chosen layer, what the layer takes and "
        "what each head makes of it, with the text and what the model says of it. \"filbert similar\" finds the tokens that are like another.",
    .examples =
        "  filbert index reviews.csv --label-column stars --output reviews.index\n"
        "  filbert index reviews.csv --all-layers --vector-dtype f16 --output all.index\n"
        "  filbert similar \"I really love this book\" --token love --index reviews.index\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
