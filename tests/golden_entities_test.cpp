// Entities that others recorded of real token classifiers (../shared/data/golden_model_outputs): where they stand, and what the recorded labels
// make up. Skipped where ../shared is not there.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/entities.h>

#include "base/file.h"
#include "postprocess/entities.h"
#include "tokenize/load.h"
#include "tokenize/word_parts.h"

namespace filbert {
namespace {

using nlohmann::json;

const std::filesystem::path kData = std::filesystem::path(FILBERT_SOURCE_DIR) / "../shared/data";
const std::map<int, std::string> kLabels = {{0, "O"}, {1, "B-PER"}, {2, "I-PER"}, {3, "B-ORG"}, {4, "I-ORG"}, {5, "B-LOC"}, {6, "I-LOC"}};

int id_of(const std::string& label) {
  for (const auto& [id, name] : kLabels) {
    if (name == label) return id;
  }
  throw std::out_of_range(label);
}

// The tokens of `text` as if the model had given those of `recorded` their labels and scores, and O to all others.
std::vector<ScoredToken> tokens_of(const Tokenizer& tokenizer, const std::string& text, const json& recorded) {
  const BatchEncoding inputs = tokenizer(text, {.offset_unit = OffsetUnit::bytes});
  const WordParts word_parts(tokenizer);
  std::vector<ScoredToken> tokens;
  for (std::size_t at = 0; at < inputs.total_tokens(); ++at) {
    if (inputs.special_tokens_mask[at] != 0) continue;
    const WordParts::Part part = word_parts(inputs.input_ids[at], text, inputs.offset_mapping[at]);
    tokens.push_back({std::string(part.word), std::vector<float>(kLabels.size()), inputs.offset_mapping[at], at, part.is_subword});
    std::size_t label = 0;
    float score = 1;
    for (const json& entity : recorded) {
      if (entity.at(2) != at) continue;
      label = static_cast<std::size_t>(id_of(entity.at(0).get<std::string>()));
      score = entity.at(1).get<float>();
    }
    tokens.back().scores[label] = score;
  }
  return tokens;
}

void expect_equal(const std::vector<Entity>& found, const json& recorded, bool is_token) {
  ASSERT_EQ(found.size(), recorded.size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    const json& entity = recorded[at];
    std::size_t field = 2;
    EXPECT_EQ(found[at].entity, entity[0].get<std::string>());
    EXPECT_NEAR(found[at].score, entity[1].get<double>(), 1e-6);
    if (is_token) {
      EXPECT_EQ(found[at].index, entity[field++].get<std::size_t>());
    }
    EXPECT_EQ(found[at].word, entity[field].get<std::string>());
    EXPECT_EQ(found[at].offset, (Offset{entity[field + 1].get<std::size_t>(), entity[field + 2].get<std::size_t>()}));
  }
}

TEST(GoldenEntities, StandWhereTheyWereRecorded) {
  const auto file = kData / "golden_model_outputs/outputs.jsonl", vocabulary = kData / "vocab/bert-base-cased/vocab.txt";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << kData.lexically_normal() << " is not there";
  const Tokenizer tokenizer = load_wordpiece_vocab(read_file(vocabulary), R"({"do_lower_case":false})", vocabulary.string());
  std::ifstream lines(file);
  std::size_t compared = 0;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    if (!row.contains("entities")) continue;
    SCOPED_TRACE(row.at("model").get<std::string>());
    const auto text = row.at("text").get<std::string>();
    const auto tokens = tokens_of(tokenizer, text, row.at("entities"));
    const auto entities = [&](const TokenClassificationOptions& options) {
      const EntityRules rules(options, kLabels, [&](std::span<const std::string> words) { return tokenizer.convert_tokens_to_string(words); });
      return entities_of_row(tokens, rules, true, true);
    };
    expect_equal(entities({}), row.at("entities"), true);
    if (row.contains("aggregated_simple")) {
      expect_equal(entities({.aggregation_strategy = AggregationStrategy::simple}), row.at("aggregated_simple"), false);
    }
    ++compared;
  }
  EXPECT_GE(compared, 2u);
}

}  // namespace
}  // namespace filbert
