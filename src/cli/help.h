// --help: the program and each command, in 80 columns, from the tables that also parse and complete.
#pragma once

#include <string>

#include "cli/command.h"

namespace filbert::cli {

std::string program_help(const Output& out);
std::string command_help(const Command& command, const CommandLine& line, const Output& out);

}  // namespace filbert::cli
