// What most checks of options and inputs end in. Tested by what refuses with it.
#pragma once

#include <string>

#include <filbert/error.h>

namespace filbert {

// Throws an Error of ErrorKind::invalid_argument. `message` says where, what was expected and what was found.
[[noreturn]] inline void refuse(const std::string& message) { throw Error(ErrorKind::invalid_argument, message); }

}  // namespace filbert
