// The jsonl input: {"id": …, "text": …, "text_pair": …} or {"id": …, "input_ids": […], "token_type_ids": […]}.
#include <cstddef>
#include <limits>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/input.h"
#include "tokenize/padding.h"

namespace filbert::cli {
namespace {

std::vector<std::int32_t> int32_array(const JsonValue& array) {
  std::vector<std::int32_t> values;
  array.for_each_element([&](const JsonValue& element) {
    const std::int64_t value = element.as_int();
    if (value < 0 || value > std::numeric_limits<std::int32_t>::max()) element.fail("an id from 0 to 2147483647");
    values.push_back(static_cast<std::int32_t>(value));
  });
  return values;
}

void expect_length(const JsonValue& array, std::size_t found, std::size_t expected) {
  if (found != expected) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected as many as input_ids ({}), found {}", array.where(), expected, found));
  }
}

// Padding before or behind the text is dropped; what stood before is remembered, since some models count it.
void drop_padding(const JsonValue& mask_value, Record& record) {
  const std::vector<std::int32_t> mask = int32_array(mask_value);
  expect_length(mask_value, mask.size(), record.input_ids.size());
  const auto kept = without_padding(mask);
  if (!kept) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected ones, and zeros for padding before or behind them, found another order", mask_value.where()));
  }
  const auto begin = static_cast<std::ptrdiff_t>(kept->first), end = static_cast<std::ptrdiff_t>(kept->second);
  const auto keep = [&](std::vector<std::int32_t>& values) {
    if (!values.empty()) values = {values.begin() + begin, values.begin() + end};
  };
  keep(record.input_ids);
  keep(record.token_type_ids);
  record.padded_in_front = begin != 0;
}

// A string, or with `lists` a list, which is its JSON then.
std::string text_of(const JsonValue& value, bool lists) {
  return lists && value.is_array() ? simdjson::to_string(value.raw()) : std::string(value.as_string());
}

Record from_json(const JsonValue& object, bool lists) {
  Record record;
  if (!object.is_object()) object.fail("an object");
  if (const auto id = object.find("id")) record.id = simdjson::to_string(id->raw());
  const auto words = lists ? object.find("words") : std::nullopt;
  if (const auto text = words ? words : object.find("text")) record.text = text_of(*text, lists);
  if (const auto pair = object.find("text_pair")) record.text_pair = pair->as_string();
  const auto ids = object.find("input_ids");
  if (!ids) {
    if (record.text) return record;
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected a field \"text\" or \"input_ids\", found neither", object.where()));
  }
  record.input_ids = int32_array(*ids);
  if (record.input_ids.empty()) ids->fail("at least one id");
  if (const auto types = object.find("token_type_ids")) {
    record.token_type_ids = int32_array(*types);
    expect_length(*types, record.token_type_ids.size(), record.input_ids.size());
  }
  if (const auto mask = object.find("attention_mask")) drop_padding(*mask, record);
  return record;
}

}  // namespace

Record parse_jsonl(std::string_view line, const std::string& where, bool lists) {
  try {
    const std::size_t invalid = count_invalid_utf8(line);
    const JsonDocument document(invalid ? replace_invalid_utf8(line) : std::string(line), where);
    Record record = from_json(document.root(), lists);
    record.invalid_utf8 = invalid;
    return record;
  } catch (const Error& error) {  // the library calls a wrong file corrupt; this one is what the caller gave
    throw Error(ErrorKind::invalid_argument, error.what());
  }
}

}  // namespace filbert::cli
