// The pickle machine: values are built, nothing is called, whatever else the pickle asks for is refused by name.
#include "load/pickle.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "reference/array_file.h"
#include "reference/expect_error.h"
#include "reference/torch_file.h"

namespace filbert {
namespace {

using namespace reference;

constexpr std::array<std::string_view, 2> kGlobals = {"collections.OrderedDict", "torch._utils.rebuild"};

Pickle read_pickled(const std::string& bytes) { return read_pickle(std::as_bytes(std::span(bytes)), kGlobals, "a.bin: data.pkl"); }

void expect_refused_pickle(ErrorKind kind, const std::string& body, std::initializer_list<std::string_view> parts) {
  const std::string bytes = "\x80\x02" + body + ".";
  expect_error(kind, parts, [&] { read_pickled(bytes); });
}
void expect_unsupported_pickle(const std::string& body, std::initializer_list<std::string_view> parts) {
  expect_refused_pickle(ErrorKind::unsupported, body, parts);
}
void expect_corrupt_pickle(const std::string& body, std::initializer_list<std::string_view> parts = {"a.bin: data.pkl at byte "}) {
  expect_refused_pickle(ErrorKind::corrupt, body, parts);
}

TEST(Pickle, IntegersOfEveryWidth) {
  const std::string body("(K\xFFM\x01\x80J\xFE\xFF\xFF\xFF\x8A\x00\x8A\x01\x80\x8A\x02\xFF\x00\x8B\x02\x00\x00\x00\x34\x12t", 28);
  const std::string file = "\x80\x02" + body + ".";
  const Pickle found = read_pickled(file);
  const auto items = found.items(found.root);
  std::vector<std::int64_t> numbers;
  for (const PickleValue& item : items) numbers.push_back(item.number);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{255, 32769, -2, 0, -128, 255, 0x1234}));
}

TEST(Pickle, ValuesOfEveryKind) {
  const std::string body = std::string("(N\x88\x89", 4) + "\x8C\x01" + "a" + "U\x01" + "b" + "T" + little_endian(1, 4) + "c" + "\x8D" +
                           little_endian(1, 8) + "d" + "\x94" + ")" + "]Na" + "}(" + std::string("h\0", 2) + "K\x07u" + "K\x01\x85" + "t";
  const std::string whole = "\x80\x04\x95" + little_endian(0, 8) + body + ".";
  const Pickle found = read_pickled(whole);
  EXPECT_EQ(found.bytes, whole.size());
  const auto items = found.items(found.root);
  ASSERT_EQ(items.size(), 11u);
  EXPECT_EQ(items[0].kind, PickleKind::none);
  EXPECT_EQ(items[1].number, 1);
  EXPECT_EQ(items[2].number, 0);
  std::string texts;
  for (std::size_t at = 3; at < 7; ++at) texts += items[at].text;
  EXPECT_EQ(texts, "abcd");
  EXPECT_TRUE(found.items(items[7]).empty());
  EXPECT_EQ(found.items(items[8]).size(), 1u);
  EXPECT_EQ(found.items(items[9])[0].text, "d");  // out of the memo
  EXPECT_EQ(found.items(items[9])[1].number, 7);
  EXPECT_EQ(found.items(items[10])[0].number, 1);
}

TEST(Pickle, ACallIsDescribedAndNotMade) {
  const std::string file = pickle::whole(pickle::call(pickle::global("torch._utils", "rebuild"), {pickle::integer(3)}));
  const Pickle found = read_pickled(file);
  EXPECT_EQ(found.root.kind, PickleKind::reduction);
  EXPECT_EQ(found.root.global, 1u);
  EXPECT_EQ(found.items(found.root)[0].number, 3);
}

TEST(Pickle, AnOrderedDictOfPython2IsADict) {
  const std::string pair = "](" + pickle::text("a") + "K\x01" + "e";
  const std::string file = pickle::whole(pickle::call(pickle::global("collections", "OrderedDict"), {"](" + pair + pair + "e"}));
  const Pickle found = read_pickled(file);
  EXPECT_EQ(found.root.kind, PickleKind::dict);
  EXPECT_EQ(found.items(found.root).size(), 4u);
}

TEST(Pickle, WhatIsNotOnTheListIsRefusedByName) {
  const auto ordered = pickle::global("collections", "OrderedDict");
  expect_unsupported_pickle(pickle::call(pickle::global("os", "system"), {pickle::text("touch /tmp/x")}), {"data.pkl at byte 2", "os.system"});
  expect_unsupported_pickle(pickle::global("posix", "system"), {"posix.system"});
  expect_unsupported_pickle(pickle::global("builtins", "eval"), {"builtins.eval"});
  expect_unsupported_pickle(pickle::global("torch._utils", "rebuild2"), {"torch._utils.rebuild2"});
  expect_unsupported_pickle(pickle::global("torch._utils", "rebuil"), {"torch._utils.rebuil"});
  expect_unsupported_pickle(pickle::global("collections", ""), {"collections."});
  expect_unsupported_pickle("\x8C\x08" "builtins" "\x8C\x04" "exec\x93", {"builtins.exec"});                      // STACK_GLOBAL
  expect_unsupported_pickle("(" + pickle::text("x") + "ios\nsystem\n", {"INST"});
  expect_unsupported_pickle("(" + ordered + "o", {"OBJ"});
  expect_unsupported_pickle(ordered + ")\x81", {"NEWOBJ"});
  expect_unsupported_pickle(ordered + ")}\x92", {"NEWOBJ_EX"});
  expect_unsupported_pickle("\x82\x01", {"EXT1"});
  expect_unsupported_pickle(std::string("\x83\x01\0", 3), {"EXT2"});
  expect_unsupported_pickle(std::string("\x84\x01\0\0\0", 5), {"EXT4"});
  expect_unsupported_pickle("P1\n", {"PERSID"});
  expect_unsupported_pickle("I1\n", {"INT"});
  expect_unsupported_pickle("(d", {"DICT"});
  expect_unsupported_pickle("N0", {"POP"});
  expect_unsupported_pickle(std::string("\x96\0\0\0\0\0\0\0\0", 9), {"BYTEARRAY8"});
  const auto rebuild = pickle::global("torch._utils", "rebuild");
  expect_unsupported_pickle(pickle::call(pickle::text("os.system"), {}), {"call"});          // of no global
  expect_unsupported_pickle(pickle::call(pickle::call(rebuild, {}), {}), {"call"});          // of what a call gives
  expect_unsupported_pickle(pickle::call(rebuild, {}) + "}b", {"BUILD"});
  expect_unsupported_pickle(rebuild + "}b", {"BUILD"});
  expect_unsupported_pickle(pickle::call(ordered, {pickle::text("a")}), {"OrderedDict"});
  expect_unsupported_pickle("\x80\x01N", {"protocol", "found 1"});
  expect_unsupported_pickle("\x80\x06N", {"protocol", "found 6"});
}

TEST(Pickle, WhatIsNotThereIsNotTaken) {
  for (const char* body : {"", "(", "t", "e", "u", "(e", "(u", "a", "s", "Na", "NNs", "]NNs", "}Na", "}(Nu", "R", ")R", "Q", "NQ", "b",
                           "Nb", "q\x01", "h\x05", "j\x01\x01\x01\x01", "\x85", "N\x86", "NN\x87", "N(\x85", "N(q\x01", "\x94", "NN",
                           "\x93", "NN\x93",
                           "N(", "(NNt(", "cos", "cos\nsystem", "X\x05\x00\x00", "\xFF", "}(NNub"}) {
    SCOPED_TRACE(body);
    expect_corrupt_pickle(body);
  }
  expect_corrupt_pickle("X" + little_endian(0xFFFFFFFF, 4) + "a");
  expect_corrupt_pickle("\x8D" + little_endian(~0ull, 8) + "a");
  expect_corrupt_pickle("\x8B" + little_endian(0xFFFFFFFF, 4) + "a");
  expect_corrupt_pickle(pickle::call(pickle::global("collections", "OrderedDict"), {"](N" "e"}));
  expect_corrupt_pickle(pickle::call(pickle::global("collections", "OrderedDict"), {"](](NNNe" "e"}));
}

TEST(Pickle, CutShortAtAnyByte) {
  const std::string call = pickle::call(pickle::global("torch._utils", "rebuild"), {pickle::integer(3)});
  const std::string file = pickle::whole(pickle::dict({{"w", call}}));
  read_pickled(file);
  for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
    const std::string part = file.substr(0, bytes);
    expect_error(ErrorKind::corrupt, {"a.bin"}, [&] { read_pickled(part); });
  }
}

TEST(Pickle, FloodsEndEarly) {
  for (const char* opcode : {"N", "(", ")", "]", "}", "]\x94"}) {
    std::string body;
    for (int count = 0; count < 1'500'000; ++count) body += opcode;
    expect_unsupported_pickle(body, {"1000000 steps"});
  }
  // A list of many pairs, made into dict after dict.
  std::string pairs = "](" "](NNe" + std::string("q\0", 2);
  for (int count = 0; count < 10'000; ++count) pairs += std::string("h\0", 2);
  std::string body = pickle::global("collections", "OrderedDict") + "q\x01" + pairs + "e\x85q\x02R";
  for (int count = 0; count < 10'000; ++count) body += "h\x01h\x02R";
  expect_unsupported_pickle("(" + body + "t", {"1000000 steps"});
}

TEST(Pickle, WhatHoldsItselfIsNoEndlessLoop) {
  const std::string file = pickle::whole(std::string("]q\0h\0a", 6));
  EXPECT_EQ(read_pickled(file).root.kind, PickleKind::list);
  const std::string nested = pickle::whole(std::string(200'000, ']') + std::string(199'999, 'a'));  // no recursion, however deep
  EXPECT_EQ(read_pickled(nested).root.kind, PickleKind::list);
}

}  // namespace
}  // namespace filbert
