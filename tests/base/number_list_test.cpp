#include "base/number_list.h"

#include <string>

#include <gtest/gtest.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

TEST(NumberList, NumbersAndRanges) {
  EXPECT_EQ(parse_number_list("layers", "3"), (std::vector<std::size_t>{3}));
  EXPECT_EQ(parse_number_list("layers", "0,2,5-7,2"), (std::vector<std::size_t>{0, 2, 5, 6, 7, 2}));
  for (const char* text : {"", ",", "1,", "3-1", "-1", "1-", "x", "1 2", "10000", "99999999999999999999"}) {
    reference::expect_error(ErrorKind::invalid_argument, {"layers: expected numbers", text}, [&] { parse_number_list("layers", text); });
  }
}

TEST(NumberList, AShortTextIsNoLongList) {
  std::string text = "0-9999";
  for (int times = 0; times < 100'000; ++times) text += ",0-9999";
  reference::expect_error(ErrorKind::invalid_argument, {"layers: expected at most 9999 numbers"}, [&] { parse_number_list("layers", text); });
}

}  // namespace
}  // namespace filbert
