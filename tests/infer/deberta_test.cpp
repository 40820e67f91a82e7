// What the fixtures of DeBERTa cannot show by themselves: which vector stands for a distance, and what is refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infer/architecture.h"
#include "infer/deberta.h"
#include "infer/deberta_config.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

Config deberta_config(const nlohmann::json& fields) {
  nlohmann::json json = {{"model_type", "deberta-v2"}, {"vocab_size", 50}, {"hidden_size", 32}, {"num_hidden_layers", 2}, {"num_attention_heads", 4},
                         {"intermediate_size", 48}, {"relative_attention", true}, {"pos_att_type", "p2c|c2p"}};
  json.update(fields);
  return Config::from_json(json.dump(), "config.json");
}

// From make_log_bucket_position() of transformers 5.24, for DeBERTaV3 and for an odd number of buckets.
TEST(DebertaDistances, HaveTheRowsOfTransformers) {
  const DebertaConfig v3{.max_relative_positions = 512, .position_buckets = 256};
  const std::pair<std::ptrdiff_t, std::size_t> of_v3[] = {
      {0, 256},   {1, 257},   {-1, 255},  {127, 383}, {128, 384}, {129, 385}, {-129, 127}, {130, 386}, {200, 425},
      {300, 463}, {-300, 49}, {400, 489}, {511, 511}, {512, 511}, {-511, 1},  {-512, 0},   {600, 511},
  };
  for (const auto& [distance, row] : of_v3) EXPECT_EQ(v3.row_of(distance), row) << distance;
  const DebertaConfig odd{.max_relative_positions = 37, .position_buckets = 9};
  const std::pair<std::ptrdiff_t, std::size_t> of_odd[] = {
      {0, 9}, {3, 12}, {4, 13}, {5, 14}, {-5, 4}, {36, 16}, {37, 17}, {-40, 1}, {130, 17}, {300, 17},
  };
  for (const auto& [distance, row] : of_odd) EXPECT_EQ(odd.row_of(distance), row) << distance;
}

TEST(DebertaDistances, EndWithTheTable) {
  const DebertaConfig plain{.max_relative_positions = 24};
  for (const std::ptrdiff_t distance : {-25, -24, -1, 0, 23, 24, 25}) {
    EXPECT_EQ(plain.row_of(distance), static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(distance + 24, 0, 47))) << distance;
  }
}

TEST(DebertaDistances, NumbersRiseToBothEndsWhicheverWayTheyAreCounted) {
  const DebertaConfig v3{.max_relative_positions = 512, .position_buckets = 256}, plain{.max_relative_positions = 24};
  for (const DebertaConfig& config : {v3, plain}) {
    for (const bool by_key : {false, true}) {
      const DistanceNumbers numbers = number_distances(config, std::nullopt, by_key);
      EXPECT_TRUE(std::ranges::is_sorted(numbers.index));
      EXPECT_EQ(numbers.index.front(), 0);
      EXPECT_EQ(numbers.index.back(), static_cast<std::int32_t>(config.num_vectors() - 1));
      EXPECT_EQ(numbers.even, config.position_buckets > 0 ? 131 : 23);  // the first few shared buckets have one distance each
      for (std::ptrdiff_t distance = -numbers.reach; distance <= numbers.reach; ++distance) {
        const auto row = static_cast<std::int32_t>(config.row_of(by_key ? -distance : distance));
        const auto number = numbers.index[static_cast<std::size_t>(distance + numbers.reach)];
        EXPECT_EQ(number, by_key ? static_cast<std::int32_t>(config.num_vectors() - 1) - row : row) << distance;
      }
    }
  }
  EXPECT_EQ(number_distances({.max_relative_positions = 512}, 100, false).reach, 100);  // no row has more
}

TEST(DebertaConfigs, PosAttTypeIsTextOrList) {
  for (const nlohmann::json& types : {nlohmann::json("P2C | c2p"), nlohmann::json({"c2p", "p2c"})}) {
    const DebertaConfig config = DebertaConfig::of(deberta_config({{"pos_att_type", types}}));
    EXPECT_TRUE(config.content_to_position && config.position_to_content);
    EXPECT_EQ(config.scale_factor, 3u);
  }
  EXPECT_EQ(DebertaConfig::of(deberta_config({{"pos_att_type", nullptr}})).scale_factor, 1u);
  const DebertaConfig absolute = DebertaConfig::of(deberta_config({{"relative_attention", false}}));
  EXPECT_FALSE(absolute.content_to_position || absolute.position_to_content);
  EXPECT_EQ(absolute.scale_factor, 3u);  // counted all the same, as there
}

TEST(DebertaConfigs, WhatIsNotComputedIsRefusedByItsName) {
  const std::pair<const char*, nlohmann::json> unsupported[] = {
      {"pos_att_type", "p2c|p2p"},  {"embedding_size", 16},    {"attention_head_size", 16}, {"conv_kernel_size", 4}, {"conv_act", "softplus"},
      {"position_buckets", 1},      {"pooler_hidden_size", 16}, {"pooler_hidden_act", "mish"},
  };
  for (const auto& [field, value] : unsupported) {
    nlohmann::json fields = {{"conv_kernel_size", 3}};
    fields[field] = value;
    const Config config = deberta_config(fields);
    expect_error(ErrorKind::unsupported, {"config.json", field, "expected", "found"}, [&] { expected_tensors(config); });
  }
  expect_error(ErrorKind::unsupported, {"max_relative_positions", "at least 66", "found 65"},
               [] { expected_tensors(deberta_config({{"position_buckets", 128}, {"max_relative_positions", 65}})); });
  expect_error(ErrorKind::unsupported, {"talking_head", "false", "true"},
               [] { expected_tensors(deberta_config({{"model_type", "deberta"}, {"talking_head", true}})); });
  expect_error(ErrorKind::corrupt, {"conv_groups", "32", "5"}, [] { expected_tensors(deberta_config({{"conv_kernel_size", 3}, {"conv_groups", 5}})); });
  expect_error(ErrorKind::corrupt, {"max_relative_positions", "1048576"}, [] { expected_tensors(deberta_config({{"max_relative_positions", 1 << 30}})); });
}

}  // namespace
}  // namespace filbert
