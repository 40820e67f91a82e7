// A command of the program: a file that describes, parses, calls the library and prints. Adding one takes that file,
// its line at the end of this one and its row in main.cpp.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app.h"
#include "cli/output.h"

namespace filbert::cli {

// What a command gets to work with.
struct Session {
  std::vector<std::string> arguments;  // those that are no options, in order
  Output& out;
  Messages& messages;
  std::string command_line;  // all of it as a shell reads it
  int exit_code = 0;         // of the program, if nothing fails
};
using Run = std::function<void(Session&)>;

constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

// An argument or the value of an option is described by one word, for people and for shell completion alike:
// "text|json" is a choice, "DIR" a directory, "FILE" a file, anything else free.
struct Command {
  std::string_view name;
  std::string_view argument;  // "TEXT", or "DIR OUT" where there are two; empty if it takes none
  std::size_t min_arguments;
  std::size_t max_arguments;
  std::string_view summary;           // a line of `filbert --help`
  std::string_view description;       // what its own --help says first
  std::string_view examples;          // and last
  Run (*add_options)(CLI::App& app);  // adds the command's options to `app`; the result runs the command, once
};

std::span<const Command* const> commands();
const Command* find_command(std::string_view name);

// The command's options, ready to parse or to be described.
struct CommandLine {
  std::unique_ptr<CLI::App> app;
  Run run;
};
CommandLine command_line(const Command& command);

extern const Command classify_command;    // classify.cpp
extern const Command entities_command;    // entities.cpp
extern const Command tokenize_command;    // tokenize.cpp
extern const Command explain_command;     // explain.cpp
extern const Command evaluate_command;    // evaluate.cpp
extern const Command attention_command;   // attention.cpp
extern const Command index_command;       // index.cpp
extern const Command similar_command;     // similar.cpp
extern const Command calibrate_command;   // calibrate.cpp
extern const Command inspect_command;     // inspect.cpp
extern const Command verify_command;      // verify.cpp
extern const Command quantize_command;    // quantize.cpp
extern const Command convert_command;     // convert.cpp
extern const Command download_command;    // download.cpp
extern const Command models_command;      // models.cpp
extern const Command serve_command;       // serve.cpp
extern const Command bench_command;       // bench.cpp
extern const Command drift_command;       // drift.cpp
extern const Command prune_vocab_command;  // prune_vocab.cpp
extern const Command completion_command;  // completion.cpp

}  // namespace filbert::cli
