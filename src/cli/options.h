// Options: how a command declares them, and how the words of a command line become options and arguments.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app.h"
#include "cli/command.h"

namespace filbert::cli {

// Each declares `flag`, which takes one value; given twice, the last counts. `value` is its word in the help.
void add_text(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description,
              std::function<void(const std::string&)> set);
// The same for a flag that may be given several times: `add` is called for each, in order.
void add_texts(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description,
               std::function<void(const std::string&)> add);
// A whole number in [least, most]; anything else is an Error(invalid_argument) that names the flag.
struct Range {
  std::size_t least = 0;
  std::size_t most = 1'000'000'000;
};
void add_number(CLI::App& app, const std::string& flag, const std::string& description, Range range,
                std::function<void(std::size_t)> set);
// A decimal number in [least, most]; anything else is likewise an error.
void add_decimal(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description, float least,
                 float most, std::function<void(float)> set);
// One of `choices`, written "text|json".
void add_choice(CLI::App& app, const std::string& flag, const std::string& choices, const std::string& description,
                std::function<void(const std::string&)> set);
// A flag without a value.
void add_flag(CLI::App& app, const std::string& flag, const std::string& description, std::function<void()> set);

// Whether `flag` stands on the command line that `app` has parsed.
bool given(const CLI::App& app, const std::string& flag);

// "text|json" → {"text", "json"}; a word without a bar is no choice: {}.
std::vector<std::string> choices_of(std::string_view value);

// Parses `words`, what follows the command's name, into the options of `line` and the arguments that it returns.
// Throws Error(invalid_argument): an unknown option (the nearest is suggested), a value missing or wrong, too many
// arguments. Returns nothing if --help is asked for.
std::optional<std::vector<std::string>> parse(const Command& command, const CommandLine& line,
                                              std::span<const std::string> words);

}  // namespace filbert::cli
