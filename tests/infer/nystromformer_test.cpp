// Which Nyströmformers are BERT's encoder and a convolution; their numbers are those of the fixtures (families_test.cpp).
#include "infer/nystromformer.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "infer/architecture.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

std::vector<ExpectedTensor> nystromformer_tensors(const std::string& fields) {
  return expected_tensors(Config::from_json(R"({"model_type": "nystromformer", "num_hidden_layers": 1)" + fields + "}", "config.json"));
}

TEST(Nystromformer, ConvolvesValuesUnlessTheKernelIsNull) {
  const auto has_convolution = [](const std::string& fields) {
    return std::ranges::any_of(nystromformer_tensors(fields), [](const ExpectedTensor& tensor) {
      return tensor.name == "encoder.layer.0.attention.self.conv.weight" && tensor.shape == std::vector<std::size_t>{12, 1, 65, 1};
    });
  };
  EXPECT_TRUE(has_convolution(""));
  EXPECT_FALSE(has_convolution(R"(, "conv_kernel_size": null)"));
}

TEST(Nystromformer, WhatItCannotRunIsRefusedByName) {
  expect_error(ErrorKind::unsupported, {"config.json", "num_landmarks", "segment_means_seq_len (512)", "found 64"},
               [] { nystromformer_tensors(R"(, "num_landmarks": 64, "segment_means_seq_len": 512)"); });
  expect_error(ErrorKind::unsupported, {"conv_kernel_size", "odd", "64"}, [] { nystromformer_tensors(R"(, "conv_kernel_size": 64)"); });
  expect_error(ErrorKind::corrupt, {"num_landmarks", "-1"}, [] { nystromformer_tensors(R"(, "num_landmarks": -1)"); });
}

}  // namespace
}  // namespace filbert
