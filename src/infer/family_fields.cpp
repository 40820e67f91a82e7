#include "infer/family_fields.h"

#include <cstdint>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {

bool FamilyFields::flag(std::string_view key, bool otherwise) const {
  return document_.root().flag(key, otherwise);
}

std::size_t FamilyFields::size(std::string_view key, std::size_t otherwise, std::size_t least, std::size_t most) const {
  const auto field = document_.root().find(key);
  if (!field) return otherwise;
  const std::int64_t size = field->as_int();
  if (size < static_cast<std::int64_t>(least) || size > static_cast<std::int64_t>(most)) {
    field->fail(fmt::format("a number from {} to {}", least, most));
  }
  return static_cast<std::size_t>(size);
}

std::string FamilyFields::text(std::string_view key, std::string_view otherwise) const {
  const auto field = document_.root().find(key);
  return std::string(field ? field->as_string() : otherwise);
}

bool FamilyFields::is_null(std::string_view key) const {
  bool is_null = false;
  document_.root().for_each_field([&](std::string_view name, const JsonValue& value) { is_null |= name == key && value.is_null(); });
  return is_null;
}

void refuse(const Config& config, std::string_view field, std::string_view expected, std::string_view found) {
  throw Error(ErrorKind::unsupported, fmt::format("{}: {}: expected {}, found {}", config.path.string(), field, expected, found));
}

}  // namespace filbert
