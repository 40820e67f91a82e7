#include "serve/request_json.h"

#include <fmt/format.h>

#include "base/nearest.h"

namespace filbert::serve {

JsonDocument parse_body(std::string_view body) {
  try {
    return {body, "body"};
  } catch (const Error& error) {
    throw Problem(ProblemKind::malformed, error.what());
  }
}

void refuse_field(const Error& error) {
  if (error.kind() == ErrorKind::corrupt) throw Problem(ProblemKind::invalid, error.what());
  throw to_problem(error);
}

std::optional<bool> bool_field(const JsonValue& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? std::optional(field->as_bool()) : std::nullopt;
}

std::optional<std::string> string_field(const JsonValue& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? std::optional(std::string(field->as_string())) : std::nullopt;
}

std::optional<double> number_field(const JsonValue& object, std::string_view key, double least, double most) {
  const auto field = object.find(key);
  if (!field) return std::nullopt;
  const double number = field->as_double();
  if (!(number >= least && number <= most)) field->fail(fmt::format("a number from {} to {}", least, most));
  return number;
}

std::size_t as_count(const JsonValue& value, Bounds bounds) {
  const std::int64_t number = value.as_int();
  if (number < 0 || static_cast<std::size_t>(number) < bounds.least || static_cast<std::size_t>(number) > bounds.most) {
    value.fail(bounds.most == Bounds{}.most ? fmt::format("a whole number from {}", bounds.least)
                                            : fmt::format("a whole number from {} to {}", bounds.least, bounds.most));
  }
  return static_cast<std::size_t>(number);
}

std::optional<std::size_t> count_field(const JsonValue& object, std::string_view key, Bounds bounds) {
  const auto field = object.find(key);
  return field ? std::optional(as_count(*field, bounds)) : std::nullopt;
}

std::vector<std::int32_t> as_ids(const JsonValue& array) {
  std::vector<std::int32_t> ids;
  array.for_each_element([&](const JsonValue& element) {
    const std::int64_t id = element.as_int();
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) element.fail("a whole number from 0 to 2147483647");
    ids.push_back(static_cast<std::int32_t>(id));
  });
  return ids;
}

void refuse_unknown_fields(const JsonValue& object, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 40;  // of a name that is worth a guess, or a place in a message
  object.for_each_field([&](std::string_view key, const JsonValue&) {
    for (const std::string_view name : known) {
      if (name == key) return;
    }
    const std::vector<std::string> names(known.begin(), known.end());
    const std::string guess = key.size() > kLongest ? "" : suggestion(key, names);
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected no field \"{}\"{}", object.where(), key.substr(0, kLongest), guess));
  });
}

}  // namespace filbert::serve
