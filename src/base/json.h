// JSON files, read with simdjson; every wrong or missing field becomes an Error(corrupt) that names file and field.
// Writing happens in base/json_writer.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace filbert {

// One value of a document with the way to it ("tokenizer.json: model.vocab"), so that errors can name it.
// Valid while its JsonDocument lives.
class JsonValue {
 public:
  JsonValue(simdjson::dom::element element, std::string where) : element_(element), where_(std::move(where)) {}

  bool is_object() const { return element_.is_object(); }
  bool is_array() const { return element_.is_array(); }
  bool is_string() const { return element_.is_string(); }
  bool is_null() const { return element_.is_null(); }

  // These throw Error(corrupt) if the value is of another type (or, for the field of an object, is not there).
  std::string_view as_string() const;
  std::int64_t as_int() const;        // an integer, or a float that is one
  double as_double() const;
  bool as_bool() const;
  JsonValue at(std::string_view key) const;
  std::size_t size() const;           // elements of an array, fields of an object
  void for_each_field(const std::function<void(std::string_view key, const JsonValue& value)>& visit) const;
  void for_each_element(const std::function<void(const JsonValue& value)>& visit) const;

  // The field, or nothing if it is absent or null. Throws Error(corrupt) if this is not an object.
  std::optional<JsonValue> find(std::string_view key) const;
  bool flag(std::string_view key, bool absent) const;  // what find() finds

  const std::string& where() const { return where_; }
  // Error(corrupt) "where: expected …, found …".
  [[noreturn]] void fail(std::string_view expected) const;

  simdjson::dom::element raw() const { return element_; }

 private:
  simdjson::dom::element element_;
  std::string where_;
};

// Owns the text and the tree. Throws Error(corrupt) if `text` is not JSON; `name` leads every message.
class JsonDocument {
 public:
  JsonDocument(std::string_view text, std::string name);
  JsonValue root() const { return {root_, name_}; }

 private:
  std::string name_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
};

}  // namespace filbert
