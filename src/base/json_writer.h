// Writes JSON, a value a line. Numbers are why this is not nlohmann's: a float is written as the shortest decimal that
// reads back to the same float, so that the same score is the same text wherever it is printed.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace filbert {

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void value(std::string_view text);  // ill-formed UTF-8 is replaced
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth) { raw(truth ? "true" : "false"); }
  void value(float number) { decimal(number); }  // null if it is not finite, for which JSON has no word
  void value(double number) { decimal(number); }
  void value(std::integral auto number) { raw(std::to_string(number)); }
  void null() { raw("null"); }
  void raw(std::string_view json);  // a value that is JSON already

  void field(std::string_view name, const auto& content) {
    key(name);
    value(content);
  }
  void array(const auto& values) {
    begin_array();
    for (const auto& each : values) value(each);
    end_array();
  }

  // What was written since the last call, with a line end.
  std::string take_line();

 private:
  void decimal(auto number);
  void open(char bracket);
  void close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace filbert
