#include "serve/own_input.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "serve/classify_json.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

// The first element of an array that has one.
std::optional<simdjson::dom::element> first_of(const JsonValue& value) {
  if (!value.is_array()) return std::nullopt;
  const simdjson::dom::array array = value.raw().get_array().value_unsafe();
  return array.begin() == array.end() ? std::nullopt : std::optional(*array.begin());
}

ServedText as_text(const JsonValue& value) {
  if (value.is_string()) return {std::string(value.as_string())};
  if (value.is_object()) {
    constexpr std::string_view kFields[] = {"text", "text_pair"};
    refuse_unknown_fields(value, kFields);
    return {std::string(value.at("text").as_string()), string_field(value, "text_pair")};
  }
  constexpr std::string_view kExpected = "a text, or a pair [text, text_pair]";
  if (!value.is_array()) value.fail(kExpected);
  std::vector<std::string> parts;
  value.for_each_element([&](const JsonValue& part) { parts.emplace_back(part.as_string()); });
  if (parts.empty() || parts.size() > 2) {
    throw Problem(ProblemKind::invalid, fmt::format("{}: expected {}, found an array of {}", value.where(), kExpected, parts.size()));
  }
  ServedText text{std::move(parts.front())};
  if (parts.size() == 2) text.text_pair = std::move(parts.back());
  return text;
}

}  // namespace

std::vector<ServedText> read_texts(const JsonValue& input) {
  std::vector<ServedText> texts;
  if (input.is_array()) {
    input.for_each_element([&](const JsonValue& text) { texts.push_back(as_text(text)); });
  } else {
    texts.push_back(as_text(input));
  }
  if (texts.empty()) throw Problem(ProblemKind::empty, "input: expected at least one text, found none");
  return texts;
}

bool is_rows(const JsonValue& input) {
  const auto first = first_of(input);
  if (!first) return false;
  if (first->is_number()) return true;
  const auto inner = first_of({*first, ""});
  return inner && inner->is_number();
}

BatchEncoding read_rows(const JsonValue& input, const ServedModel& model, const ServeLimits& limits) {
  BatchEncoding rows;
  const auto add = [&](const JsonValue& row) {
    const std::vector<std::int32_t> ids = as_ids(row);
    check_row(model, limits, ids, row.where());
    rows.add_row(ids);
  };
  if (first_of(input)->is_number()) {
    add(input);
  } else {
    input.for_each_element(add);
  }
  return rows;
}

void read_truncation(const JsonValue& value, ClassifyPlan& plan) {
  const Truncation truncation = value.is_string() ? truncation_from_name(value.as_string())
                                : value.as_bool() ? Truncation::longest_first
                                                  : Truncation::do_not_truncate;
  plan.refuse_truncation = truncation == Truncation::do_not_truncate;
  if (!plan.refuse_truncation) plan.options.truncation = truncation;
}

}  // namespace filbert::serve
