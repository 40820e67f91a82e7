// The safetensors reader: what the format allows is read, every lie is named.
#include "load/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/array_file.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using nlohmann::ordered_json;
using reference::expect_error;
using reference::safetensors_bytes;

std::vector<TensorView> parse_header(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "a.safetensors");
}

ordered_json entry(std::string dtype, std::vector<std::size_t> shape, std::size_t begin, std::size_t end) {
  return {{"dtype", std::move(dtype)}, {"shape", std::move(shape)}, {"data_offsets", {begin, end}}};
}

// Parses {"w": entry} over `data_bytes` bytes.
void parse_entry(const ordered_json& tensor, std::size_t data_bytes) {
  parse_header(safetensors_bytes(ordered_json{{"w", tensor}}.dump(), std::string(data_bytes, '\0')));
}

void expect_corrupt_header(const std::string& file, std::initializer_list<std::string_view> parts = {"a.safetensors"}) {
  expect_error(ErrorKind::corrupt, parts, [&] { parse_header(file); });
}

TEST(Safetensors, TensorsComeInTheOrderOfTheirBytes) {
  const ordered_json header = {{"b", entry("F16", {2, 1}, 8, 12)}, {"a", entry("F32", {2}, 0, 8)},
                               {"scalar", entry("BF16", {}, 12, 14)}};
  const std::string file = safetensors_bytes(header.dump(), "AAAAAAAABBBBCC");
  const auto tensors = parse_header(file);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].dtype, Dtype::f32);
  EXPECT_EQ(tensors[0].num_elements(), 2u);
  EXPECT_EQ(tensors[1].name, "b");
  EXPECT_EQ(tensors[1].dtype, Dtype::f16);
  EXPECT_EQ(tensors[1].shape, (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(std::memcmp(tensors[1].data.data(), "BBBB", 4), 0);
  EXPECT_EQ(tensors[2].dtype, Dtype::bf16);
  EXPECT_EQ(tensors[2].num_elements(), 1u);
}

TEST(Safetensors, MetadataAndPaddingOfTheHeaderAreNoTensors) {
  const ordered_json header = {{"__metadata__", {{"format", "pt"}}}, {"w", entry("F32", {1}, 0, 4)}};
  EXPECT_EQ(parse_header(safetensors_bytes(header.dump() + "      ", "abcd")).size(), 1u);
  EXPECT_TRUE(parse_header(safetensors_bytes("{}", "")).empty());
}

TEST(Safetensors, MetadataHoldsStringsOnly) {
  expect_corrupt_header(safetensors_bytes(R"({"__metadata__": {"format": 3}})", ""), {"a.safetensors", "__metadata__"});
  expect_corrupt_header(safetensors_bytes(R"({"__metadata__": "pt"})", ""), {"a.safetensors", "__metadata__"});
}

TEST(Safetensors, EmptyTensorsTakeNoBytes) {
  const ordered_json header = {{"none", entry("F32", {0, 7}, 4, 4)}, {"w", entry("F32", {1}, 0, 4)},
                               {"first", entry("F32", {0}, 0, 0)}};
  const std::string file = safetensors_bytes(header.dump(), "abcd");
  const auto tensors = parse_header(file);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].num_elements(), 0u);
  convert_to_f32(tensors[0], 0, {});
}

TEST(Safetensors, OtherDtypesOfTheFormatAreReadAndNamed) {
  const ordered_json header = {{"position_ids", entry("I64", {1, 2}, 0, 16)}, {"mask", entry("BOOL", {2}, 16, 18)}};
  const std::string file = safetensors_bytes(header.dump(), std::string(18, '\0'));
  const auto tensors = parse_header(file);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].dtype, Dtype::other);
  EXPECT_EQ(tensors[0].dtype_name, "I64");
}

TEST(Safetensors, FilesCutShortAreErrors) {
  const ordered_json header = {{"w", entry("F32", {4}, 0, 16)}};
  const std::string file = safetensors_bytes(header.dump(), std::string(16, 'x'));
  EXPECT_EQ(parse_header(file).size(), 1u);
  for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
    SCOPED_TRACE(bytes);
    expect_corrupt_header(file.substr(0, bytes));
  }
  expect_corrupt_header(file + "y");  // and longer than the tensors
}

TEST(Safetensors, HeaderLongerThanTheFile) {
  for (const std::string& length : {std::string("\x03\0\0\0\0\0\0\0", 8), std::string(8, '\xFF'),
                                    std::string("\0\0\0\0\0\0\0\x80", 8), std::string("\xF8\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8)}) {
    expect_corrupt_header(length + "{}", {"a.safetensors", "header", "10"});
  }
}

TEST(Safetensors, HeadersThatAreNoJsonObject) {
  for (const char* header : {"", "{", "[]", "null", "7", "{\"w\": }", "\xFF\xFE", "{\"w\": 3}", "{\"w\": []}", "{\"w\": null}"}) {
    SCOPED_TRACE(header);
    expect_corrupt_header(safetensors_bytes(header, ""));
  }
  expect_corrupt_header(safetensors_bytes(std::string(200'000, '['), ""));
}

TEST(Safetensors, EntriesWithoutAFieldOrWithAnotherType) {
  const ordered_json good = entry("F32", {1}, 0, 4);
  for (const char* field : {"dtype", "shape", "data_offsets"}) {
    for (const ordered_json& value : {ordered_json(), ordered_json(1.5), ordered_json("x"), ordered_json({{"a", 1}}),
                                      ordered_json::array({-4, 4}), ordered_json::array({"0", "4"}),
                                      ordered_json::array({0.5, 4})}) {
      if (std::string(field) == "dtype" && value.is_string()) continue;  // an unknown dtype: below
      ordered_json wrong = good;
      wrong[field] = value;
      SCOPED_TRACE(wrong.dump());
      expect_error(ErrorKind::corrupt, {"a.safetensors", "w", field}, [&] { parse_entry(wrong, 4); });
    }
    ordered_json without = good;
    without.erase(field);
    expect_error(ErrorKind::corrupt, {"a.safetensors", "w", field}, [&] { parse_entry(without, 4); });
  }
}

TEST(Safetensors, UnknownDtypeIsUnsupported) {
  expect_error(ErrorKind::unsupported, {"a.safetensors", "w", "F5"}, [] { parse_entry(entry("F5", {1}, 0, 4), 4); });
}

TEST(Safetensors, OffsetsThatCannotBe) {
  const auto corrupt = [](const ordered_json& tensor) {
    SCOPED_TRACE(tensor.dump());
    expect_error(ErrorKind::corrupt, {"a.safetensors", "w"}, [&] { parse_entry(tensor, 8); });
  };
  corrupt(entry("F32", {2}, 8, 0));                       // end before begin
  corrupt(entry("F32", {3}, 0, 12));                      // past the end
  corrupt(entry("F32", {1}, 8, 12));                      // begins at the end
  corrupt(entry("F32", {2}, 1u << 30, (1u << 30) + 8));   // far past the end
  corrupt(entry("F32", {1}, 0, 8));                       // more than the shape needs
  corrupt(entry("F32", {4}, 0, 8));                       // less than the shape needs
  corrupt(entry("F16", {2}, 0, 8));                       // right for another dtype
  corrupt(entry("F32", {}, 0, 8));                        // a scalar is one element
  corrupt(entry("F32", {1}, 4, 8));                       // leaves a hole in front
  for (const ordered_json& offsets : {ordered_json::array(), ordered_json::array({0}), ordered_json::array({0, 4, 8}),
                                      ordered_json::array({0, 18446744073709551615u})}) {
    ordered_json wrong = entry("F32", {2}, 0, 8);
    wrong["data_offsets"] = offsets;
    corrupt(wrong);
  }
}

TEST(Safetensors, DimensionsWhoseProductOverflows) {
  constexpr std::size_t kHalf = std::size_t{1} << 32;
  const std::vector<std::vector<std::size_t>> shapes = {{kHalf, kHalf},              // 2^64 elements: 0 after wrapping
                                                        {kHalf, kHalf / 4 + 1},      // 2^62 + …: 4 bytes each wrap
                                                        {std::size_t{1} << 62},      // 2^64 bytes
                                                        {3, std::size_t{1} << 62, 5},
                                                        {std::numeric_limits<std::int64_t>::max()}};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(shape_string(shape));
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{4}}) {
      expect_error(ErrorKind::corrupt, {"a.safetensors", "w"}, [&] { parse_entry(entry("F32", shape, 0, bytes), bytes); });
    }
  }
}

TEST(Safetensors, TensorsThatOverlapOrLeaveAHole) {
  const std::string data(16, '\0');
  const auto two = [&](std::size_t begin_a, std::size_t end_a, std::size_t begin_b, std::size_t end_b) {
    const ordered_json header = {{"a", entry("U8", {end_a - begin_a}, begin_a, end_a)},
                                 {"b", entry("U8", {end_b - begin_b}, begin_b, end_b)}};
    return safetensors_bytes(header.dump(), data);
  };
  EXPECT_EQ(parse_header(two(0, 8, 8, 16)).size(), 2u);
  expect_corrupt_header(two(0, 9, 8, 16), {"a.safetensors", "b", "overlap"});
  expect_corrupt_header(two(0, 16, 0, 16), {"a.safetensors", "overlap"});
  expect_corrupt_header(two(0, 16, 4, 8), {"a.safetensors", "b", "overlap"});
  expect_corrupt_header(two(0, 7, 8, 16), {"a.safetensors", "b", "hole"});
  expect_corrupt_header(two(0, 8, 8, 15), {"a.safetensors", "15", "16"});
  expect_corrupt_header(two(0, 4, 4, 8), {"a.safetensors", "8", "16"});
  expect_corrupt_header(two(0, 16, 8, 8), {"a.safetensors", "b"});  // an empty one inside another
}

TEST(Safetensors, ANameTwiceIsAnError) {
  const std::string one = R"("w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})";
  const std::string other = R"("w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]})";
  expect_corrupt_header(safetensors_bytes("{" + one + ", " + other + "}", "abcdefgh"), {"a.safetensors", "w", "twice"});
}

// Every bit pattern of the 16-bit formats, against the definition of the formats.
TEST(Safetensors, SixteenBitFloatsConvertExactly) {
  std::string data;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    data.push_back(static_cast<char>(bits & 0xFF));
    data.push_back(static_cast<char>(bits >> 8));
  }
  struct Case {
    const char* dtype;
    int exponent_bits, mantissa_bits;
  };
  for (const Case& format : {Case{"F16", 5, 10}, Case{"BF16", 8, 7}}) {
    const std::string file = safetensors_bytes(ordered_json{{"w", entry(format.dtype, {0x10000}, 0, data.size())}}.dump(), data);
    const auto tensors = parse_header(file);
    std::vector<float> values(0x10000);
    convert_to_f32(tensors.at(0), 0, values);
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const double expected = reference::decode_float(bits, format.exponent_bits, format.mantissa_bits);
      const double found = values[bits];
      ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : expected == found && std::signbit(expected) == std::signbit(found))
          << format.dtype << " " << bits << ": expected " << expected << ", found " << found;
    }
    float middle[3];
    convert_to_f32(tensors.at(0), 1000, middle);
    EXPECT_EQ(std::memcmp(middle, &values[1000], sizeof(middle)), 0);
  }
}

TEST(Safetensors, TensorsMayLieAtAnyAddress) {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const ordered_json header = {{"pad", entry("U8", {shift}, 0, shift)}, {"w", entry("F32", {2}, shift, shift + 8)}};
    std::string data(shift, '\0');
    for (const float value : {1.5f, -2.25f}) data.append(reinterpret_cast<const char*>(&value), sizeof(value));
    const std::string file = safetensors_bytes(header.dump(), data);
    const auto tensors = parse_header(file);
    float values[2];
    convert_to_f32(tensors.back(), 0, values);
    EXPECT_EQ(values[0], 1.5f);
    EXPECT_EQ(values[1], -2.25f);
  }
}

}  // namespace
}  // namespace filbert
