// Bodies: what is no JSON, and fields that are not what they should be.
#include "serve/request_json.h"

#include <gtest/gtest.h>

namespace filbert::serve {
namespace {

void expect_problem(ProblemKind kind, std::string_view part, const std::function<void()>& action) {
  try {
    action();
    ADD_FAILURE() << "expected a problem with \"" << part << "\"";
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.kind, kind) << problem.what();
    EXPECT_NE(std::string_view(problem.what()).find(part), std::string_view::npos) << problem.what();
  }
}

TEST(RequestJson, WhatIsNoJsonIsMalformed) {
  const auto read = [](std::string_view body) { return [body = std::string(body)] { parse_body(body); }; };
  expect_problem(ProblemKind::malformed, "body: expected JSON", read(""));
  expect_problem(ProblemKind::malformed, "body: expected JSON", read("{\"a\": }"));
  expect_problem(ProblemKind::malformed, "UTF8", read("\"\xC3\""));
  expect_problem(ProblemKind::malformed, "lone surrogate \\uDC00", read(R"({"a": "x\uDC00y"})"));
  expect_problem(ProblemKind::malformed, "expected JSON", read(std::string(100'000, '[') + std::string(100'000, ']')));
  expect_problem(ProblemKind::malformed, "expected JSON", read("{\"a\": NaN}"));
}

TEST(RequestJson, FieldsAreReadOrNamed) {
  const auto of = [](std::string_view body, auto read) { return read_body(body, read); };
  EXPECT_EQ(of(R"({"a": true})", [](const JsonValue& root) { return bool_field(root, "a"); }), true);
  EXPECT_EQ(of(R"({"a": null})", [](const JsonValue& root) { return bool_field(root, "a"); }), std::nullopt);
  EXPECT_EQ(of(R"({"a": "x\u0000"})", [](const JsonValue& root) { return string_field(root, "a"); }), std::string("x\0", 2));
  EXPECT_EQ(of(R"({"a": 3.0})", [](const JsonValue& root) { return count_field(root, "a", {.least = 1, .most = 3}); }), 3u);
  EXPECT_EQ(of(R"({"a": 0.5})", [](const JsonValue& root) { return number_field(root, "a", 0, 1); }), 0.5);
  EXPECT_EQ(of(R"([0, 2147483647])", [](const JsonValue& root) { return as_ids(root); }), (std::vector<std::int32_t>{0, 2147483647}));
  const auto refused = [&](std::string_view body, std::string_view part, const std::function<void(const JsonValue&)>& read) {
    expect_problem(ProblemKind::invalid, part, [&] { read_body(body, read); });
  };
  refused(R"({"a": 1})", "body: a: expected a boolean, found a number (1)", [](const JsonValue& root) { bool_field(root, "a"); });
  refused(R"({"a": 4})", "a: expected a whole number from 1 to 3", [](const JsonValue& root) { count_field(root, "a", {.least = 1, .most = 3}); });
  refused(R"({"a": 18446744073709551615})", "a: expected an integer", [](const JsonValue& root) { count_field(root, "a", {}); });
  refused(R"({"a": 1.5})", "a: expected a number from 0 to 1", [](const JsonValue& root) { number_field(root, "a", 0, 1); });
  refused(R"([2147483648])", "body[0]: expected a whole number", [](const JsonValue& root) { as_ids(root); });
  refused(R"([])", "body: expected an object, found an array", [](const JsonValue& root) { bool_field(root, "a"); });
  refused("{}", "relu", [](const JsonValue&) { function_to_apply_from_name("relu"); });
}

TEST(RequestJson, AnUnknownFieldIsRefusedWithTheNearestName) {
  static constexpr std::string_view kKnown[] = {"input", "top_k"};
  const auto check = [&](const std::string& body) { return [=] { read_body(body, [](const JsonValue& root) { refuse_unknown_fields(root, kKnown); }); }; };
  EXPECT_NO_THROW(check(R"({"top_k": 1, "input": 2})")());
  expect_problem(ProblemKind::invalid, "expected no field \"topk\"; did you mean \"top_k\"?", check(R"({"topk": 1})"));
  expect_problem(ProblemKind::invalid, "expected no field \"zzzzzzzz\"", check(R"({"zzzzzzzz": 1})"));
  expect_problem(ProblemKind::invalid, "expected no field", check("{\"" + std::string(1'000'000, 'x') + "\": 1}"));
}

}  // namespace
}  // namespace filbert::serve
