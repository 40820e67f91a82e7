// The body of a request as JSON, and its fields: what is not JSON is Problem(malformed), a field that is wrong is Problem(invalid) and is named.
// Tested by request_json_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>

#include "base/json.h"
#include "serve/plan.h"
#include "serve/problem.h"

namespace filbert::serve {

// Throws Problem(malformed): no JSON, ill-formed UTF-8, half a surrogate pair, nesting that is too deep.
JsonDocument parse_body(std::string_view body);

// What a field is found to be is the client's mistake, not that of a file.
[[noreturn]] void refuse_field(const Error& error);

// What `read` makes of the body's root.
template <class Read>
auto read_body(std::string_view body, Read read) {
  const JsonDocument document = parse_body(body);
  try {
    return read(document.root());
  } catch (const Error& error) {
    refuse_field(error);
  }
}

// Of a field that is absent or null nothing, as with JsonValue::find(). They throw as the members of JsonValue do; read_body() makes problems of it.
std::optional<bool> bool_field(const JsonValue& object, std::string_view key);
std::optional<std::string> string_field(const JsonValue& object, std::string_view key);
std::optional<double> number_field(const JsonValue& object, std::string_view key, double least, double most);

struct Bounds {
  std::size_t least = 0;
  std::size_t most = 1'000'000'000;
};
std::size_t as_count(const JsonValue& value, Bounds bounds);
std::optional<std::size_t> count_field(const JsonValue& object, std::string_view key, Bounds bounds);

// Token ids, or the types or the mask that belong to them: whole numbers that an int32 holds, none below 0.
std::vector<std::int32_t> as_ids(const JsonValue& array);

// Throws Error(corrupt) for the first field that is not in `known`, with the nearest name of those.
void refuse_unknown_fields(const JsonValue& object, std::span<const std::string_view> known);

}  // namespace filbert::serve
