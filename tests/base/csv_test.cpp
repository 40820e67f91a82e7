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

// The rows, and for one at fault what is said of it before what fits.
std::vector<Row> rows_with_faults(const std::string& content, CsvDialect dialect, bool& can_go_on) {
  CsvReader csv = reader(content, dialect);
  std::vector<Row> all;
  Row row;
  while (csv.can_go_on()) {
    try {
      if (!csv.next(row)) break;
    } catch (const Error& error) {
      row.insert(row.begin(), error.what());
    }
    all.push_back(row);
  }
  can_go_on = csv.can_go_on();
  return all;
}

TEST(Csv, RowsBehindOneAtFaultAreRead) {
  bool can_go_on = false;
  const std::string behind = "line 2: expected the end of a field behind its closing quote, found \"x\"";
  EXPECT_EQ(rows_with_faults("a,b\n\"c\"x,d\ne,f\n", {}, can_go_on), (std::vector<Row>{{"a", "b"}, {behind, "cx", "d"}, {"e", "f"}}));
  EXPECT_TRUE(can_go_on);
  const std::string too_long = "line 2: expected a row of at most 4 bytes, found 12";
  EXPECT_EQ(rows_with_faults("a,b\n12345678,,,\nc,d", {.quotes = false, .max_row_bytes = 4}, can_go_on),
            (std::vector<Row>{{"a", "b"}, {too_long, ""}, {"c", "d"}}));
  EXPECT_TRUE(can_go_on);
}

TEST(Csv, BehindAQuoteThatIsNotClosedNothingIsKnown) {
  bool can_go_on = true;
  const std::vector<Row> found = rows_with_faults("a,b\nc,\"d\ne,f\n", {}, can_go_on);
  EXPECT_EQ(found.back(), (Row{"line 2: expected a second quote to close a field, found the end of the file", "c", "d\ne,f\n"}));
  EXPECT_FALSE(can_go_on);
  rows_with_faults(std::string("\xFE\xFF") + "a", {}, can_go_on);
  EXPECT_FALSE(can_go_on);
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  const Row fields = {"", "a", "b,c", "say \"it\"", "two\nlines", "two\r\nlines", " d ", "\r", "e;f"};
  for (const char delimiter : {',', ';', '\t'}) {
    const CsvDialect dialect{.delimiter = delimiter};
    std::string line;
    for (const std::string& field : fields) {
      if (!line.empty() || &field != &fields.front()) line += delimiter;
      append_csv_field(field, dialect, false, line);
    }
    EXPECT_EQ(rows(line + "\n", dialect), (std::vector<Row>{fields}));
  }
  std::string alone;
  append_csv_field("", {}, true, alone);
  EXPECT_EQ(alone, "\"\"");
  std::string plain;
  append_csv_field("a\"b", {.quotes = false}, false, plain);
  EXPECT_EQ(plain, "a\"b");
}

}  // namespace
}  // namespace filbert
