// RoFormer's positions: the table where the checkpoint has none, and what turning by it means.
#include "infer/roformer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "infer/architecture.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

constexpr std::size_t kHeadSize = 8;

float product(const std::vector<float>& table, std::size_t query_position, std::size_t key_position) {
  std::vector<float> query = {1, -2, 3, 0.5f, -1, 2, 0.25f, 1}, key = {2, 1, -1, 1, 0.5f, -3, 1, 2};
  rotate(table.data() + query_position * kHeadSize, kHeadSize, query.data());
  rotate(table.data() + key_position * kHeadSize, kHeadSize, key.data());
  float sum = 0;
  for (std::size_t at = 0; at < kHeadSize; ++at) sum += query[at] * key[at];
  return sum;
}

TEST(RoFormer, TableHoldsSinesAndThenCosines) {
  const std::vector<float> table = rotary_table(4, kHeadSize);
  for (std::size_t pair = 0; pair < kHeadSize / 2; ++pair) {
    const double angle = 3.0 / std::pow(10000.0, static_cast<double>(pair) / 4.0);
    EXPECT_FLOAT_EQ(table[3 * kHeadSize + pair], static_cast<float>(std::sin(angle)));
    EXPECT_FLOAT_EQ(table[3 * kHeadSize + 4 + pair], static_cast<float>(std::cos(angle)));
    EXPECT_EQ(table[pair], 0.0f);
    EXPECT_EQ(table[4 + pair], 1.0f);
  }
}

TEST(RoFormer, ProductDependsOnTheDistanceAlone) {
  const std::vector<float> table = rotary_table(600, kHeadSize);
  for (const std::size_t distance : {0, 1, 7, 80}) {
    const float near = product(table, distance, 0);
    for (const std::size_t key : {1, 64, 511}) EXPECT_NEAR(product(table, key + distance, key), near, 1e-4) << distance;  // f32 sines of large angles
  }
  EXPECT_GT(std::abs(product(table, 1, 0) - product(table, 0, 1)), 0.1f);
}

TEST(RoFormer, PairsAreNeighbours) {
  const std::vector<float> quarter = {1, 0, 0, 1};  // sines of two pairs, then cosines: the first turns by 90°, the second stays
  std::vector<float> numbers = {1, 2, 3, 4};
  rotate(quarter.data(), 4, numbers.data());
  EXPECT_EQ(numbers, (std::vector<float>{-2, 1, 3, 4}));
}

std::vector<ExpectedTensor> roformer_tensors(const std::string& fields) {
  return expected_tensors(Config::from_json(R"({"model_type": "roformer", "num_hidden_layers": 1)" + fields + "}", "config.json"));
}

TEST(RoFormer, OnlyTheTableMayBeAbsent) {
  for (const ExpectedTensor& tensor : roformer_tensors("")) EXPECT_EQ(tensor.may_be_absent, tensor.name == "encoder.embed_positions.weight") << tensor.name;
}

TEST(RoFormer, WhatItCannotRunIsRefusedByName) {
  expect_error(ErrorKind::unsupported, {"config.json", "is_decoder", "false", "true"}, [] { roformer_tensors(R"(, "is_decoder": true)"); });
  expect_error(ErrorKind::unsupported, {"num_attention_heads", "even", "3"}, [] { roformer_tensors(R"(, "hidden_size": 12, "num_attention_heads": 4)"); });
}

}  // namespace
}  // namespace filbert
