// filbert verify: is a checkpoint fit for use? A line for each check.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/error.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/verify_checks.h"

namespace filbert::cli {
namespace {

struct Options {
  ModelChoice model;  // its name is the argument
  ModelOptions loading;
  std::optional<std::filesystem::path> reference;
  bool json = false;
};

constexpr std::size_t kMessageColumn = 23;

// "FAILED   tensors       model.safetensors: …": so that FAILED catches the eye, and grep. A terminal gets it in lines that it has room for.
std::string text_line(Outcome outcome, std::string_view check, std::string_view message, const Output& out) {
  const std::string_view word = outcome == Outcome::failed ? "FAILED" : name(outcome);
  const std::string column = fmt::format("{:<7}", word);
  return fmt::format("{}  {:<12}  {}\n", outcome == Outcome::ok || outcome == Outcome::skipped ? column : out.bold(column), check,
                     out.is_terminal() ? wrap(out.foreign(message), kMessageColumn) : out.foreign(message));
}

std::string text_lines(const CheckResult& result, const Output& out) {
  if (result.findings.empty()) return text_line(Outcome::ok, result.check, result.found, out);
  std::string lines;
  for (const Finding& finding : result.findings) lines += text_line(finding.outcome, result.check, finding.message, out);
  return lines;
}

void write_json(const CheckResult& result, JsonWriter& json) {
  json.begin_object();
  json.field("check", result.check);
  json.field("outcome", name(result.outcome()));
  json.field("found", result.found);
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : result.findings) {
    json.begin_object();
    json.field("outcome", name(finding.outcome));
    if (finding.kind) json.field("kind", info(*finding.kind).name);
    json.field("message", finding.message);
    json.end_object();
  }
  json.end_array();
  json.key("facts");
  json.begin_object();
  for (const Fact& fact : result.facts) std::visit([&](const auto& value) { json.field(fact.name, value); }, fact.value);
  json.end_object();
  json.end_object();
}

std::size_t count(const std::vector<CheckResult>& results, Outcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(results, outcome, &CheckResult::outcome));
}

std::string json_line(const std::filesystem::path& directory, const std::vector<CheckResult>& results) {
  JsonWriter json;
  json.begin_object();
  json.field("directory", directory.string());
  for (const Outcome outcome : {Outcome::ok, Outcome::warning, Outcome::failed, Outcome::skipped}) json.field(name(outcome), count(results, outcome));
  json.key("checks");
  json.begin_array();
  for (const CheckResult& result : results) write_json(result, json);
  json.end_array();
  json.end_object();
  return json.take_line();
}

// "DIR: 12 checks: 10 ok, 1 warning, 1 FAILED"
std::string summary(const std::filesystem::path& directory, const std::vector<CheckResult>& results, const Output& out) {
  std::string parts;
  for (const Outcome outcome : {Outcome::ok, Outcome::warning, Outcome::failed, Outcome::skipped}) {
    const std::size_t number = count(results, outcome);
    if (number == 0) continue;
    const bool is_plural = outcome == Outcome::warning && number != 1;
    parts += fmt::format("{}{} {}{}", parts.empty() ? "" : ", ", number, outcome == Outcome::failed ? "FAILED" : name(outcome), is_plural ? "s" : "");
  }
  return fmt::format("{}: {} checks: {}\n", out.foreign(directory.string()), results.size(), parts);
}

bool was_not_asked_for(const CheckResult& result) {
  return result.findings.size() == 1 && result.findings.front().outcome == Outcome::skipped && result.findings.front().message.empty();
}

// Throws Error of the kind of the first failure; that is the exit code.
void raise_if_failed(const std::filesystem::path& directory, const std::vector<CheckResult>& results) {
  std::vector<std::string_view> failed;
  std::optional<ErrorKind> kind;
  for (const CheckResult& result : results) {
    if (result.outcome() != Outcome::failed) continue;
    failed.push_back(result.check);
    if (!kind) kind = std::ranges::find(result.findings, Outcome::failed, &Finding::outcome)->kind;
  }
  if (kind) throw Error(*kind, fmt::format("{}: FAILED: {}", directory.string(), fmt::join(failed, ", ")));
}

void run(const Options& options, Session& session) {
  ModelChoice choice = options.model;
  if (!session.arguments.empty()) choice.name = session.arguments.front();
  Subject subject{.directory = model_directory(choice, session), .loading = options.loading, .reference_path = options.reference};
  std::vector<CheckResult> results;
  for (const Check& check : checks()) {
    CheckResult result = run_check(check, subject);
    if (was_not_asked_for(result)) continue;
    if (!options.json) {
      session.out.write(text_lines(result, session.out));
      session.out.flush();  // a check may take seconds
    }
    results.push_back(std::move(result));
  }
  session.out.write(options.json ? json_line(subject.directory, results) : summary(subject.directory, results, session.out));
  raise_if_failed(subject.directory, results);
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_format_option(app, options->json, "A line a check for people (the default), or a JSON object");
  add_text(app, "--reference", "FILE", "What transformers computed; default: filbert_reference.json of the checkpoint, if there is one",
           [options](const std::string& path) { options->reference = path; });
  add_hub_options(app, options->model.hub);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command verify_command = {
    .name = "verify",
    .argument = "DIR",
    .min_arguments = 0,
    .max_arguments = 1,
    .summary = "Is a checkpoint fit for use? A line for each check",
    .description =
        "Checks the checkpoint in DIR, a directory or a model of the Hugging Face Hub, or the one that comes with Filbert: files and their "
        "hashes, tensors and their numbers, the tokenizer against them and against texts in many languages, the answers, and where there is a "
        "filbert_reference.json, those of transformers. A check is ok, a warning, FAILED, or skipped if there is nothing to look at. The exit "
        "code is 0 if nothing failed, else that of the first failure. With --dtype, says how far that is from f32.",
    .examples =
        "  filbert verify path/to/checkpoint\n"
        "  filbert verify org/name --dtype int8\n"
        "  filbert verify --format json org/name | jq '.checks[] | select(.findings[])'\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
