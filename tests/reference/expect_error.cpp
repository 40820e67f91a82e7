#include "reference/expect_error.h"

#include <exception>
#include <string>

#include <gtest/gtest.h>

namespace filbert::reference {

void expect_error(ErrorKind kind, std::initializer_list<std::string_view> parts, const std::function<void()>& action,
                  std::source_location where) {
  const auto fail = [&](const std::string& message) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << message;
  };
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.kind() != kind) {
      fail("expected " + std::string(info(kind).name) + ", found " + std::string(info(error.kind()).name) + ": " + message);
    }
    for (const std::string_view part : parts) {
      if (message.find(part) == std::string::npos) fail("expected \"" + std::string(part) + "\" in: " + message);
    }
    return;
  } catch (const std::exception& error) {
    return fail(std::string("expected filbert::Error, found another exception: ") + error.what());
  }
  fail("expected " + std::string(info(kind).name) + ", found no error");
}

}  // namespace filbert::reference
