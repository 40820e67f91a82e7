// Numbers on the command line: "3", "0,2,5-7".
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/app.h"

namespace filbert::cli {

// Declares `flag`, which takes such a list; anything else is an Error(invalid_argument) that names the flag.
void add_number_list(CLI::App& app, const std::string& flag, const std::string& description, std::function<void(std::vector<std::size_t>)> set);

}  // namespace filbert::cli
