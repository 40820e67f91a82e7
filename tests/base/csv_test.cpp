#include "base/csv.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;
using Row = std::vector<std::string>;

// `content` in pieces of `step` bytes.
CsvReader reader(std::string content, CsvDialect dialect = {}, std::size_t step = 1 << 20) {
  return CsvReader([content = std::move(content), at = std::size_t{0}, step](std::span<char> buffer) mutable {
    const std::size_t count = std::min({step, content.size() - at, buffer.size()});
    std::memcpy(buffer.data(), content.data() + at, count);
    at += count;
    return count;
  }, dialect);
}

std::vector<Row> rows(const std::string& content, CsvDialect dialect = {}, std::size_t step = 1 << 20) {
  CsvReader csv = reader(content, dialect, step);
  std::vector<Row> all;
  for (Row row; csv.next(row);) all.push_back(row);
  return all;
}

TEST(Csv, RowsAndFields) {
  EXPECT_EQ(rows("a,b\n1,2\n"), (std::vector<Row>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows("a,b\r\n1,2"), (std::vector<Row>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows(",\n,,\n"), (std::vector<Row>{{"", ""}, {"", "", ""}}));
  EXPECT_EQ(rows("a\n\nb\n"), (std::vector<Row>{{"a"}, {""}, {"b"}}));
  EXPECT_EQ(rows(" a , b "), (std::vector<Row>{{" a ", " b "}}));  // spaces are a part of a field
  EXPECT_TRUE(rows("").empty());
}

TEST(Csv, QuotesHoldDelimitersLineEndsAndQuotes) {
  EXPECT_EQ(rows("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\n\"\"\n"), (std::vector<Row>{{"a,b", "say \"hi\"", "two\r\nlines"}, {""}}));
  EXPECT_EQ(rows("5\" disk,it's \"so\"\n"), (std::vector<Row>{{"5\" disk", "it's \"so\""}}));  // inside of a plain field they are text
  EXPECT_EQ(rows("\"a\"\r\n"), (std::vector<Row>{{"a"}}));
}

TEST(Csv, ALoneCarriageReturnEndsNothing) { EXPECT_EQ(rows("a\rb,c\r\n"), (std::vector<Row>{{"a\rb", "c"}})); }

TEST(Csv, OtherDelimitersAndNoQuotes) {
  EXPECT_EQ(rows("a;b,c\n", {.delimiter = ';'}), (std::vector<Row>{{"a", "b,c"}}));
  EXPECT_EQ(rows("\"a\tb\"c\n", {.delimiter = '\t', .quotes = false}), (std::vector<Row>{{"\"a", "b\"c"}}));
}

TEST(Csv, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(rows("\xEF\xBB\xBF\"a\",b\n"), (std::vector<Row>{{"a", "b"}}));
  expect_error(ErrorKind::invalid_argument, {"line 1", "UTF-8", "UTF-16"}, [] { rows(std::string("\xFF\xFE") + "a"); });
}

TEST(Csv, HowTheBytesComeChangesNothing) {
  const std::string content = "\xEF\xBB\xBF" "a,\"b \"\"c\"\"\r\nd\",e\r\n\r\n\"\",x\ny";
  for (std::size_t step = 1; step < 6; ++step) EXPECT_EQ(rows(content, {}, step), rows(content)) << step;
}

TEST(Csv, BytesStayWhatTheyAre) {
  const std::string bytes("\0\xFF\x80", 3);
  EXPECT_EQ(rows(bytes + ',' + bytes), (std::vector<Row>{{bytes, bytes}}));
}

TEST(Csv, LinesAreThoseOfTheFile) {
  CsvReader csv = reader("a\n\"b\n\nc\"\nd\n");
  Row row;
  std::vector<std::size_t> lines;
  while (csv.next(row)) lines.push_back(csv.line());
  EXPECT_EQ(lines, (std::vector<std::size_t>{1, 2, 5}));
  EXPECT_EQ(csv.bytes_read(), 11U);
}

TEST(Csv, WhatIsWrongIsNamedWithItsLine) {
  expect_error(ErrorKind::invalid_argument, {"line 2", "quote", "end of the file"}, [] { rows("a\n\"b\nc\n"); });
  expect_error(ErrorKind::invalid_argument, {"line 3", "closing quote", "\"x\""}, [] { rows("a\n\"b\nc\"x\n"); });
  expect_error(ErrorKind::invalid_argument, {"line 2", "at most 8 bytes", "quote"}, [] {
    rows("a\n\"bcd\nefghi", {.max_row_bytes = 8});
  });
}

}  // namespace
}  // namespace filbert
