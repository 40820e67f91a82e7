// filbert bench: how long stage 2 takes on a workload that anyone can bring.
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/model.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/line_reader.h"
#include "cli/model_options.h"
#include "cli/options.h"

namespace filbert::cli {
namespace {

struct Options {
  ModelChoice model;
  std::optional<std::filesystem::path> ids;
  ModelOptions loading;
  std::size_t repeat = 5;
};

// The rows of a file, a line each: {"input_ids": […]} as `classify --input-format jsonl` reads them.
BatchEncoding read_rows(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  std::string_view rest = content;
  BatchEncoding rows;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = take_line(rest);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}: line {}", path.string(), number);
    const Record record = parse_jsonl(line, where);
    if (!record.is_tokenized()) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("{}: expected a field \"input_ids\", found a text; filbert tokenize makes ids", where));
    }
    rows.add_row(record.input_ids, record.token_type_ids);
  }
  if (rows.batch_size() == 0) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected at least one row, found none", path.string()));
  }
  return rows;
}

float seconds_of_a_run(const AutoModelForSequenceClassification& model, const BatchEncoding& rows) {
  const auto start = std::chrono::steady_clock::now();
  model(rows);
  return std::chrono::duration<float>(std::chrono::steady_clock::now() - start).count();
}

void run(const Options& options, Session& session) {
  if (!options.ids) throw Error(ErrorKind::invalid_argument, "--ids: expected a file of rows, found none");
  const BatchEncoding rows = read_rows(*options.ids);
  const auto model = AutoModelForSequenceClassification::from_pretrained(
      model_directory(options.model, session, {.tokenizer = false}), options.loading);
  seconds_of_a_run(model, rows);  // the warm-up: pages and scratch memory are there afterwards
  std::vector<float> seconds;
  for (std::size_t timed = 0; timed < options.repeat; ++timed) seconds.push_back(seconds_of_a_run(model, rows));

  JsonWriter json;
  json.begin_object();
  json.field("texts", rows.batch_size());
  json.field("tokens", rows.total_tokens());
  json.key("seconds");
  json.array(seconds);
  json.field("kernels", model.kernels());
  json.field("threads", model.num_threads());
  json.field("dtype", name(model.compute_dtype()));
  json.end_object();
  session.out.write(json.take_line());
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_model_option(app, options->model);
  add_text(app, "--ids", "FILE", "The workload: a JSON object a line, {\"input_ids\"}, as of filbert tokenize",
           [options](const std::string& path) { options->ids = path; });
  add_number(app, "--repeat", "Timed runs after the one that warms up; default: 5", {.least = 1, .most = 1'000'000},
             [options](std::size_t count) { options->repeat = count; });
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command bench_command = {
    .name = "bench",
    .argument = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .summary = "How long a model takes for rows of ids",
    .description =
        "Times the model on the rows of a file: all of them in one call, in their order, once to warm up and then "
        "--repeat times. Prints a JSON object: texts, tokens, the seconds of each run, and what ran.",
    .examples =
        "  filbert tokenize < reviews.txt > ids.jsonl\n"
        "  filbert bench --ids ids.jsonl --threads 1\n"
        "  filbert bench --model path/to/checkpoint --dtype int8 --ids ids.jsonl\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
