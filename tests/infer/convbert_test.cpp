// What of ConvBERT's configuration is taken and what is refused; its numbers are those of the fixtures (families_test.cpp).
#include "infer/convbert.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "infer/architecture.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

std::vector<ExpectedTensor> convbert_tensors(const std::string& fields) {
  const std::string sizes = R"(, "hidden_size": 48, "embedding_size": 48, "num_attention_heads": 4, "num_hidden_layers": 1})";
  return expected_tensors(Config::from_json(R"({"model_type": "convbert")" + fields + sizes, "config.json"));  // of a field given twice, the first counts
}

std::vector<std::size_t> shape_of(const std::string& fields, std::string_view file_name) {
  const std::vector<ExpectedTensor> tensors = convbert_tensors(fields);
  const auto found = std::ranges::find(tensors, file_name, &ExpectedTensor::file_name);
  return found == tensors.end() ? std::vector<std::size_t>() : found->shape;
}

TEST(ConvBert, HalfOfTheNumbersAttendWhateverTheHeads) {
  using Shape = std::vector<std::size_t>;
  const std::string self = "encoder.layer.0.attention.self.";
  for (const char* ratio : {"1", "2", "3", "100"}) {
    EXPECT_EQ(shape_of(std::string(R"(, "head_ratio": )") + ratio, self + "query.weight"), (Shape{24, 48})) << ratio;
  }
  EXPECT_EQ(shape_of("", self + "conv_kernel_layer.weight"), (Shape{2 * 9, 24}));
  EXPECT_EQ(shape_of(R"(, "head_ratio": 100)", self + "conv_kernel_layer.weight"), (Shape{9, 24}));  // one head is left
  EXPECT_EQ(shape_of("", self + "key_conv_attn_layer.bias"), (Shape{24, 1}));
  EXPECT_EQ(shape_of(R"(, "num_groups": 2)", "encoder.layer.0.intermediate.dense.weight"), (Shape{2, 24, 1536}));
}

TEST(ConvBert, WhatItCannotRunIsRefusedByName) {
  const auto refused = [](const std::string& fields, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::unsupported, parts, [&] { convbert_tensors(fields); });
  };
  refused(R"(, "conv_kernel_size": 8)", {"config.json", "conv_kernel_size", "odd", "8"});
  refused(R"(, "num_groups": 5)", {"num_groups", "hidden_size (48)", "5"});
  refused(R"(, "num_attention_heads": 16, "head_ratio": 1)", {"head_ratio", "hidden_size being 48", "16 of each"});
  expect_error(ErrorKind::corrupt, {"head_ratio", "0"}, [] { convbert_tensors(R"(, "head_ratio": 0)"); });
}

}  // namespace
}  // namespace filbert
