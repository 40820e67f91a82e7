// The command `filbert`: a table of commands, and what every one of them shares: help, errors and exit codes.
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/output.h"
#include "kernels/kernels.h"

namespace filbert::cli {
namespace {

constexpr const Command* kCommands[] = {&classify_command, &entities_command, &evaluate_command, &calibrate_command, &drift_command,
                                        &explain_command, &attention_command, &index_command, &similar_command, &tokenize_command, &inspect_command,
                                        &verify_command, &quantize_command, &convert_command, &prune_vocab_command, &download_command,
                                        &models_command, &serve_command, &bench_command, &completion_command};

// The words as a shell reads them.
std::string quoted(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
  std::string line = "filbert";
  for (const std::string& word : words) {
    line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

int refuse(Messages& messages, const std::string& message) {
  messages.error(message + "\nTry \"filbert --help\".");
  return info(ErrorKind::invalid_argument).exit_code;
}

// Returns the exit code. Throws what the command throws.
int run(std::vector<std::string> words, Output& out, Messages& messages) {
  if (words.size() >= 2 && words[0] == "help") words = {words[1], "--help"};
  if (words.empty()) return refuse(messages, "expected a command");
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    out.write(program_help(out));
    return 0;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    out.write("filbert " FILBERT_VERSION "\nkernels:");
    for (const KernelTable* table : available_tables()) out.write(fmt::format(" {}", table->name));
    out.write("\n");
    return 0;
  }
  const Command* command = find_command(words[0]);
  if (!command) {
    std::vector<std::string> known = {"--help", "--version"};
    for (const Command* each : commands()) known.emplace_back(each->name);
    const std::string_view what = words[0].starts_with('-') ? "option" : "command";
    return refuse(messages, fmt::format("unknown {} \"{}\"{}", what, words[0], suggestion(words[0], known)));
  }
  const CommandLine line = command_line(*command);
  if (auto arguments = parse(*command, line, std::span(words).subspan(1))) {
    Session session{*std::move(arguments), out, messages, quoted(words)};
    line.run(session);
    return session.exit_code;
  } else {
    out.write(command_help(*command, line, out));
  }
  return 0;
}

// Answers that were complete before something failed are not lost with it.
int fail(Output& out, Messages& messages, const std::string& message, int exit_code) {
  try {
    out.flush();
  } catch (const ClosedPipe&) {
  } catch (const std::exception&) {
  }
  messages.error(message);
  return exit_code;
}

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

CommandLine command_line(const Command& command) {
  CommandLine line{std::make_unique<CLI::App>(std::string(command.summary), std::string(command.name)), {}};
  line.run = command.add_options(*line.app);
  line.app->set_help_flag("-h,--help", "This page");  // again: so that it stands last
  return line;
}

}  // namespace filbert::cli

int main(int argc, char** argv) {
  using namespace filbert;
  using namespace filbert::cli;
  constexpr int kAnythingElse = 1;
  prepare_standard_streams();
  Output out;
  Messages messages(out);
  try {
    const int exit_code = run(std::vector<std::string>(argv + (argc > 0), argv + argc), out, messages);
    out.flush();
    return exit_code;
  } catch (const ClosedPipe&) {
    return 0;
  } catch (const Error& error) {
    return fail(out, messages, error.what(), info(error.kind()).exit_code);
  } catch (const std::bad_alloc&) {
    return fail(out, messages, "out of memory", kAnythingElse);
  } catch (const CLI::Error& error) {  // none is known to come this far
    return fail(out, messages, error.what(), info(ErrorKind::invalid_argument).exit_code);
  } catch (const std::exception& error) {
    return fail(out, messages, error.what(), kAnythingElse);
  }
}
