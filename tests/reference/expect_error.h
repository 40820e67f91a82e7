// Claims about errors: their kind, and the facts their message must hold.
#pragma once

#include <functional>
#include <initializer_list>
#include <source_location>
#include <string_view>

#include <filbert/error.h>

namespace filbert::reference {

// Fails the test unless `action` throws an Error of this kind whose message has each of `parts` in it.
void expect_error(ErrorKind kind, std::initializer_list<std::string_view> parts, const std::function<void()>& action,
                  std::source_location where = std::source_location::current());

}  // namespace filbert::reference
