// Entities are those of transformers on its own answers; and what it does not say: windows, truncation, units, paths that a scheme allows.
#include <filbert/entities.h>

#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/labelled.h"

namespace filbert {
namespace {

using namespace reference;
using Json = nlohmann::json;

TokenClassificationPipeline ner_of(const std::filesystem::path& directory) {
  return pipeline<TokenClassificationPipeline>("ner", directory, HubOptions{}, {.num_threads = 1});
}

const std::vector<std::string> kNames = {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"};

// A loaded pipeline for each fixture, one at a time.
struct Loaded {
  TemporaryDirectory directory;
  TokenClassificationPipeline ner;
  explicit Loaded(const std::string& fixture) : directory(with_labels(fixture, kNames)), ner(ner_of(directory.path())) {}
};

TokenClassificationOptions options_of(const Json& record) {
  TokenClassificationOptions options{.aggregation_strategy = aggregation_strategy_from_name(record.at("strategy").get<std::string>())};
  if (record.contains("ignore_labels")) options.ignore_labels = record.at("ignore_labels").get<std::vector<std::string>>();
  if (record.contains("stride")) options.stride = record.at("stride").get<std::size_t>();
  return options;
}

TokenClassification answer_of(const TokenClassificationPipeline& ner, const Json& record) {
  if (!record.contains("words")) return ner(record.at("text").get<std::string>(), options_of(record));
  const auto words = record.at("words").get<std::vector<std::string>>();
  const std::vector<std::string_view> views(words.begin(), words.end());
  const WordsInput input{views};
  return ner(std::span(&input, 1), options_of(record)).front();
}

// Of transformers' keys in their order: with none a label, score, index, word, start, end; else a type, score, word, start, end.
void expect_entity(const Entity& entity, const Json& recorded) {
  const bool is_token = recorded.size() == 6;
  EXPECT_EQ(entity.entity, recorded.at(0).get<std::string>());
  EXPECT_NEAR(entity.score, recorded.at(1).get<double>(), 1e-5);  // the order of f32 sums, and six digits
  if (is_token) {
    EXPECT_EQ(entity.index, recorded.at(2).get<std::size_t>());
  }
  EXPECT_EQ(entity.word, recorded.at(is_token ? 3 : 2).get<std::string>());
  EXPECT_EQ(entity.offset.begin, recorded.at(is_token ? 4 : 3).get<std::size_t>());
  EXPECT_EQ(entity.offset.end, recorded.at(is_token ? 5 : 4).get<std::size_t>());
}

TEST(TokenPipeline, EntitiesAreThoseOfTransformers) {
  std::ifstream file(source_directory() / "tests/data/entities/goldens.jsonl");
  std::string line;
  std::getline(file, line);
  ASSERT_EQ(Json::parse(line).at("labels"), Json(kNames));
  std::unique_ptr<Loaded> loaded;
  std::string fixture;
  std::size_t entities = 0, of_words = 0;
  while (std::getline(file, line)) {
    const Json record = Json::parse(line);
    SCOPED_TRACE(line.substr(0, 300));
    if (record.at("fixture") != fixture) {
      fixture = record.at("fixture").get<std::string>();
      loaded = std::make_unique<Loaded>(fixture);
    }
    const TokenClassification answer = answer_of(loaded->ner, record);
    ASSERT_EQ(answer.entities.size(), record.at("entities").size());
    for (std::size_t at = 0; at < answer.entities.size(); ++at) expect_entity(answer.entities[at], record.at("entities")[at]);
    entities += answer.entities.size();
    of_words += record.contains("words") ? 1 : 0;
  }
  EXPECT_GT(entities, 2000u);
  EXPECT_GT(of_words, 20u);
}

class TokenPipelineText : public testing::Test {
 protected:
  const Loaded loaded_{"bert/token-v4"};
  const TokenClassificationPipeline& ner_ = loaded_.ner;

  static std::string many(std::size_t words) {
    std::string text;
    for (std::size_t word = 0; word < words; ++word) text += word % 3 == 0 ? "good " : "food ";
    return text;
  }
};

TEST_F(TokenPipelineText, SaysWhatItCouldNotRead) {
  const TokenClassification cut = ner_(many(100));
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.tokens_total, 102u);
  EXPECT_EQ(cut.tokens_used, ner_.max_length());
  EXPECT_EQ(cut.windows, 1u);
  const TokenClassification whole = ner_(many(100), {.aggregation_strategy = AggregationStrategy::simple, .stride = 4});
  EXPECT_FALSE(whole.truncated);
  EXPECT_EQ(whole.tokens_used, 102u);
  EXPECT_GT(whole.windows, 3u);
  EXPECT_GT(whole.entities.back().offset.end, 300u);
}

TEST_F(TokenPipelineText, OfWindowsNoEntitiesOverlap) {
  const TokenClassification answer =
      ner_(many(150), {.aggregation_strategy = AggregationStrategy::simple, .ignore_labels = {}, .stride = 10});
  for (std::size_t at = 1; at < answer.entities.size(); ++at) {
    EXPECT_GE(answer.entities[at].offset.begin, answer.entities[at - 1].offset.end);
  }
}

TEST_F(TokenPipelineText, OffsetsAreInTheUnitAskedFor) {
  const std::string text = "🙂 très good \xff food";  // the smile is 4 bytes, 2 of UTF-16, 1 code point
  const auto of = [&](OffsetUnit unit) {
    return ner_(text, {.ignore_labels = {}, .offset_unit = unit});
  };
  const TokenClassification bytes = of(OffsetUnit::bytes), points = of(OffsetUnit::code_points), utf16 = of(OffsetUnit::utf16);
  EXPECT_EQ(bytes.invalid_utf8, 1u);
  ASSERT_EQ(bytes.entities.size(), points.entities.size());
  std::size_t food = 0;
  for (std::size_t at = 0; at < bytes.entities.size(); ++at) {
    EXPECT_EQ(bytes.entities[at].word, points.entities[at].word);
    if (bytes.entities[at].word != "food") continue;
    food = at;
    const Offset offset = bytes.entities[at].offset;
    EXPECT_EQ(text.substr(offset.begin, offset.end - offset.begin), "food");
  }
  ASSERT_NE(food, 0u);
  EXPECT_EQ(points.entities[food].offset, (Offset{14, 18}));
  EXPECT_EQ(utf16.entities[food].offset, (Offset{15, 19}));
}

TEST_F(TokenPipelineText, CompanyChangesNothing) {
  const std::vector<std::string> owned = {"good food", many(40), "", "The food was good (the room wasn't)"};
  const std::vector<std::string_view> texts(owned.begin(), owned.end());
  const TokenClassificationOptions options{.aggregation_strategy = AggregationStrategy::average, .ignore_labels = {}, .stride = 2};
  const auto together = ner_(texts, options);
  ASSERT_EQ(together.size(), texts.size());
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const TokenClassification alone = ner_(texts[text], options);
    ASSERT_EQ(together[text].entities.size(), alone.entities.size());
    for (std::size_t at = 0; at < alone.entities.size(); ++at) {
      EXPECT_EQ(together[text].entities[at].score, alone.entities[at].score);  // bit for bit
      EXPECT_EQ(together[text].entities[at].offset, alone.entities[at].offset);
    }
  }
}

TEST_F(TokenPipelineText, ViterbiBeginsWhatItGoesOnWith) {
  const TokenClassificationOptions options{.ignore_labels = {}, .decoding = Decoding::viterbi};
  const TokenClassification answer = ner_("The food was good, the room wasn't. It was not the best of all.", options);
  std::string previous = "O";
  std::size_t inside = 0;
  for (const Entity& token : answer.entities) {
    if (token.entity.starts_with("I-")) {
      EXPECT_EQ(previous.substr(std::min<std::size_t>(2, previous.size())), token.entity.substr(2));
      ++inside;
    }
    previous = token.entity;
  }
  EXPECT_GT(inside, 0u);
}

TEST_F(TokenPipelineText, TokenScoresAreThoseOfTheAnswer) {
  const std::string text = "The food was good, isn't it?";
  const std::vector<TokenScores> tokens = ner_.token_scores(text);
  const TokenClassification answer = ner_(text, {.ignore_labels = {}});
  ASSERT_EQ(tokens.size(), answer.entities.size());
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    EXPECT_EQ(*std::max_element(tokens[at].scores.begin(), tokens[at].scores.end()), answer.entities[at].score);
    EXPECT_EQ(tokens[at].offset, answer.entities[at].offset);
    EXPECT_EQ(tokens[at].index, answer.entities[at].index);
  }
}

TEST_F(TokenPipelineText, RefusesWhatContradictsItself) {
  expect_error(ErrorKind::invalid_argument, {"aggregation_strategy", "none", "stride"}, [&] { ner_("good", {.stride = 2}); });
  expect_error(ErrorKind::invalid_argument, {"max_length", "33"}, [&] { ner_("good", {.max_length = 33}); });
  expect_error(ErrorKind::invalid_argument, {"aggregation_strategy", "mean"}, [] { aggregation_strategy_from_name("mean"); });
  expect_error(ErrorKind::invalid_argument, {"tagging_scheme", "iob"}, [] { tagging_scheme_from_name("iob"); });
  expect_error(ErrorKind::invalid_argument, {"decoding", "greedy"}, [] { decoding_from_name("greedy"); });
  expect_error(ErrorKind::unsupported, {"task", "text-classification"},
               [&] { pipeline<TokenClassificationPipeline>("text-classification", loaded_.directory.path()); });
  expect_error(ErrorKind::unsupported, {"task", "ner"}, [&] { pipeline("ner", loaded_.directory.path()); });
}

}  // namespace
}  // namespace filbert
