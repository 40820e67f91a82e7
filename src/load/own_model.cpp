#include "load/own_model.h"

#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

namespace filbert {

std::filesystem::path own_model(const char* variable, const char* what, std::initializer_list<const char*> places) {
  const char* wanted = std::getenv(variable);
  if (wanted != nullptr && *wanted != '\0') return wanted;
  for (const char* place : places) {
    if (std::filesystem::exists(std::filesystem::path(place) / "config.json")) return place;
  }
  throw Error(ErrorKind::not_found, fmt::format("{}: expected it at {}, found it nowhere; name another by {}", what,
                                                fmt::join(places, " or "), variable));
}

}  // namespace filbert
