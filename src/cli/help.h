// --help: the program and each command, in 80 columns, from the tables that also parse and complete.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace filbert::cli {

// Words of `text` in lines of at most 80 columns, each but the first indented by `indent`, which the first is taken to be already.
std::string wrap(std::string_view text, std::size_t indent);

// The same as a paragraph of its own in a longer text.
inline std::string sentence(std::string_view text) { return wrap(text, 2) + '\n'; }

std::string program_help(const Output& out);
std::string command_help(const Command& command, const CommandLine& line, const Output& out);

}  // namespace filbert::cli
