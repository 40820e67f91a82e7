#include "base/json.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

std::string_view type_name(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY: return "an array";
    case simdjson::dom::element_type::OBJECT: return "an object";
    case simdjson::dom::element_type::STRING: return "a string";
    case simdjson::dom::element_type::BOOL: return "a boolean";
    case simdjson::dom::element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

}  // namespace

void JsonValue::fail(std::string_view expected) const {
  std::string found(type_name(element_));
  if (!is_object() && !is_array()) {
    std::string text = simdjson::to_string(element_);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    found += " (" + text + ")";
  }
  throw Error(ErrorKind::corrupt, fmt::format("{}: expected {}, found {}", where_, expected, found));
}

std::string_view JsonValue::as_string() const {
  std::string_view value;
  if (element_.get_string().get(value) != simdjson::SUCCESS) fail("a string");
  return value;
}

std::int64_t JsonValue::as_int() const {
  std::int64_t value = 0;
  if (element_.get_int64().get(value) == simdjson::SUCCESS) return value;
  double number = 0;
  if (element_.is_double() && element_.get_double().get(number) == simdjson::SUCCESS && std::abs(number) < 0x1p53 &&
      number == std::trunc(number)) {
    return static_cast<std::int64_t>(number);
  }
  fail("an integer");
}

double JsonValue::as_double() const {
  double value = 0;
  if (element_.get_double().get(value) != simdjson::SUCCESS) fail("a number");
  return value;
}

bool JsonValue::as_bool() const {
  bool value = false;
  if (element_.get_bool().get(value) != simdjson::SUCCESS) fail("a boolean");
  return value;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  simdjson::dom::object object;
  if (element_.get_object().get(object) != simdjson::SUCCESS) fail("an object");
  simdjson::dom::element field;
  if (object.at_key(key).get(field) != simdjson::SUCCESS || field.is_null()) return std::nullopt;
  return JsonValue(field, fmt::format("{}: {}", where_, key));
}

bool JsonValue::flag(std::string_view key, bool absent) const {
  const auto field = find(key);
  return field ? field->as_bool() : absent;
}

JsonValue JsonValue::at(std::string_view key) const {
  if (auto field = find(key)) return *std::move(field);
  throw Error(ErrorKind::corrupt, fmt::format("{}: expected a field \"{}\", found none", where_, key));
}

std::size_t JsonValue::size() const {
  if (is_array()) return element_.get_array().value_unsafe().size();
  simdjson::dom::object object;
  if (element_.get_object().get(object) != simdjson::SUCCESS) fail("an array or object");
  return object.size();
}

void JsonValue::for_each_field(const std::function<void(std::string_view, const JsonValue&)>& visit) const {
  simdjson::dom::object object;
  if (element_.get_object().get(object) != simdjson::SUCCESS) fail("an object");
  for (const auto& [key, value] : object) visit(key, JsonValue(value, fmt::format("{}: {}", where_, key)));
}

void JsonValue::for_each_element(const std::function<void(const JsonValue&)>& visit) const {
  simdjson::dom::array array;
  if (element_.get_array().get(array) != simdjson::SUCCESS) fail("an array");
  std::size_t index = 0;
  for (simdjson::dom::element value : array) visit(JsonValue(value, fmt::format("{}[{}]", where_, index++)));
}

namespace {

// The number of four hexadecimal digits behind "\\u" at `at`; absent where they are not there.
std::optional<std::uint32_t> escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  const char* const end = text.data() + at + 6;
  const auto [stop, error] = std::from_chars(text.data() + at + 2, end, unit, 16);
  return error == std::errc() && stop == end ? std::optional(unit) : std::nullopt;
}

// The first escape of half a UTF-16 character, which no UTF-8 can hold: "\\ud83d" without its second half. Empty if there is none.
std::string_view lone_surrogate(std::string_view json) {
  for (std::size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at)) {
    const auto unit = escaped_unit(json, at);
    const auto second = unit && *unit >= 0xD800 && *unit < 0xDC00 ? escaped_unit(json, at + 6) : std::nullopt;
    const bool is_pair = second && *second >= 0xDC00 && *second < 0xE000;
    if (unit && *unit >= 0xD800 && *unit < 0xE000 && !is_pair) return json.substr(at, 6);
    at += is_pair ? 12 : 2;  // "\\\\u" is a backslash and a letter
  }
  return {};
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text, std::string name)
    : name_(std::move(name)), parser_(std::make_unique<simdjson::dom::parser>()) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto error = parser_->parse(text.data(), text.size(), true).get(root_);
  if (error != simdjson::SUCCESS) {
    if (const std::string_view half = error == simdjson::STRING_ERROR ? lone_surrogate(text) : ""; !half.empty()) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected JSON, found the lone surrogate {} in a string", name_, half));
    }
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected JSON, found: {}", name_, simdjson::error_message(error)));
  }
}

}  // namespace filbert
