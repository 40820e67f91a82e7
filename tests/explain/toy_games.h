// Games whose values are a function of a string: of the zeros and ones of a set, or of a masked text. tools/make_shap_goldens.py plays
// the same ones.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "explain/game.h"
#include "explain/partition_tree.h"
#include "explain/random.h"
#include "explain/shap_text.h"

namespace filbert::reference {

constexpr double kRounding = 1e-12;  // of sums of a few thousand doubles below 1
constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

inline void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

inline std::filesystem::path data(const std::string& name) { return std::filesystem::path(FILBERT_SOURCE_DIR) / "tests/data" / name; }

inline nlohmann::json golden(const std::string& name) {
  std::ifstream file(data("explain/" + name));
  return nlohmann::json::parse(file);
}

inline std::uint64_t fnv(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const char each : text) value = (value ^ static_cast<unsigned char>(each)) * 0x100000001B3;
  return value;
}

// Two outputs of a string.
using ToyModel = std::function<std::vector<double>(const std::string&)>;

inline std::vector<double> hash_model(const std::string& text) {
  std::vector<double> outputs;
  for (const char output : {'\0', '\1'}) outputs.push_back(static_cast<double>(fnv(text + output) >> 11) / 9007199254740992.0);
  return outputs;
}

inline std::vector<double> words_model(const std::string& text) {
  double sum = 0;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(' ', begin);
    const std::uint64_t hash = fnv(std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin));
    sum += (static_cast<double>((hash >> 20) % 128) - 64) / 64;
  }
  const double squashed = sum / (1 + std::abs(sum));
  return {squashed, 1 - squashed};
}

inline ToyModel toy_model(const std::string& name) { return name == "hash" ? hash_model : words_model; }

inline Game game_of(std::size_t num_players, std::size_t num_outputs,
                    const std::function<std::vector<double>(std::span<const std::uint8_t>)>& value) {
  return {.num_players = num_players, .num_outputs = num_outputs, .values = [value](const Masks& masks) {
            std::vector<double> values;
            for (std::size_t row = 0; row < masks.rows; ++row) {
              const std::vector<double> outputs = value(masks[row]);
              values.insert(values.end(), outputs.begin(), outputs.end());
            }
            return values;
          }};
}

inline Game game_of_sets(std::size_t num_players, const ToyModel& model) {
  return game_of(num_players, 2, [model](std::span<const std::uint8_t> kept) {
    std::string bits;
    for (const std::uint8_t each : kept) bits += each != 0 ? '1' : '0';
    return model(bits);
  });
}

// `text` must outlive it.
inline Game game_of_text(const ShapText& text, const ToyModel& model) {
  return game_of(text.segments().size(), 2, [&text, model](std::span<const std::uint8_t> kept) { return model(text.masked(kept)); });
}

// One output, a function of the players that stay.
inline Game game_of_players(std::size_t num_players, const std::function<double(std::span<const std::uint8_t>)>& value) {
  return game_of(num_players, 1, [value](std::span<const std::uint8_t> kept) { return std::vector<double>{value(kept)}; });
}

inline double value_of(const Game& game, std::vector<std::uint8_t> kept, std::size_t output = 0) {
  Masks one(game.num_players);
  one.add_row(kept);
  return game.values(one)[output];
}

// Neighbours joined at random.
inline PartitionTree random_tree(std::size_t num_leaves, RandomState& random) {
  PartitionTree tree = {.num_leaves = num_leaves, .joins = {}};
  std::vector<std::size_t> groups(num_leaves);
  for (std::size_t i = 0; i < num_leaves; ++i) groups[i] = i;
  while (groups.size() > 1) {
    const std::size_t at = random.randint(0, groups.size() - 1);
    tree.joins.push_back({groups[at], groups[at + 1], tree.size(groups[at]) + tree.size(groups[at + 1])});
    groups[at] = tree.root();
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return tree;
}

// The tree that a golden describes: which group, counted from the left, joined the one behind it.
inline PartitionTree tree_of_merges(std::size_t num_leaves, const std::vector<std::size_t>& merges) {
  PartitionTree tree = {.num_leaves = num_leaves, .joins = {}};
  std::vector<std::size_t> groups(num_leaves);
  for (std::size_t i = 0; i < num_leaves; ++i) groups[i] = i;
  for (const std::size_t at : merges) {
    tree.joins.push_back({groups.at(at), groups.at(at + 1), tree.size(groups[at]) + tree.size(groups[at + 1])});
    groups[at] = tree.root();
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return tree;
}

// A text of a golden as shap's masker of a family has it, or of SimpleTokenizer for "".
inline ShapText shap_text(const std::string& family, const std::string& text, ShapTextOptions options) {
  if (family.empty()) return ShapText(text, std::move(options));
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(data("families/" + family + "/sequence"));
  return ShapText(text, tokenizer(text, {.offset_unit = OffsetUnit::bytes}), std::move(options));
}

inline ShapText shap_text(const std::string& family, const std::string& text) {
  if (family.empty()) return shap_text(family, text, {});
  const bool bert = family != "roberta";
  return shap_text(family, text, {.mask_token = bert ? "[MASK]" : "<mask>",
                                  .collapse_mask_token = false,
                                  .sep_token = bert ? "[SEP]" : "</s>",
                                  .kept = {1, 1}});
}

}  // namespace filbert::reference
