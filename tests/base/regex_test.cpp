#include "base/regex.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/error.h>

namespace filbert {
namespace {

std::vector<std::string> matches(const Regex& regex, std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at <= text.size();) {
    const auto match = regex.search(text, at);
    if (!match) break;
    found.emplace_back(text.substr(match->begin, match->end - match->begin));
    at = match->end > match->begin ? match->end : match->end + 1;
  }
  return found;
}

TEST(Regex, FindsUtf8ByItsCategories) {
  const Regex letters(R"(\p{L}+|\p{N}{1,3})", RegexSyntax::ruby, "test");
  EXPECT_EQ(matches(letters, "Ünïted 12345 日本"), (std::vector<std::string>{"Ünïted", "123", "45", "日本"}));
}

TEST(Regex, LooksAhead) {
  EXPECT_EQ(matches(Regex(R"(\s+(?!\S)|\s+)", RegexSyntax::ruby, "test"), "a   b"), (std::vector<std::string>{"  ", " "}));
}

TEST(Regex, NamesWhatIsWrong) {
  try {
    Regex("(a", RegexSyntax::python, "--unit regex");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("--unit regex: expected a regular expression, found \"(a\""), std::string::npos) << error.what();
  }
  EXPECT_THROW(Regex("\xff", RegexSyntax::ruby, "test"), Error);
}

TEST(Regex, GivesUpWhereTryingEveryWayWouldTakeForever) {
  const Regex regex("(a+)+$", RegexSyntax::ruby, "test");
  EXPECT_THROW(regex.search(std::string(60, 'a') + "b", 0), Error);
}

}  // namespace
}  // namespace filbert
