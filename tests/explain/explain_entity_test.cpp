// Explanations of entities: occlusion beside plain loops over masked ids, gradients beside central differences in double, on tiny checkpoints.
#include <filbert/explain_entity.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/json_writer.h"
#include "explain/explain_json.h"
#include "explain/gradients.h"
#include "gradients/backpropagation.h"
#include "reference/goldens.h"
#include "reference/labelled.h"
#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using nlohmann::json;
using reference::message_of;

constexpr std::string_view kRoomsText = "It's  fine, isn't it? one of the best rooms";
constexpr Offset kRooms = {34, 44};  // "best rooms"

Entity entity_at(std::string type, Offset offset) {
  Entity entity;
  entity.entity = std::move(type);
  entity.offset = offset;
  return entity;
}

// A checkpoint of tests/data/families whose labels are O, B-PER, I-PER, B-LOC and I-LOC.
class Labelled {
 public:
  explicit Labelled(const std::string& name) : directory_(reference::with_labels(name, {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"})) {}
  TokenClassificationPipeline load(const ModelOptions& options = {}) const {
    return pipeline<TokenClassificationPipeline>("ner", directory_.path(), {}, options);
  }

 private:
  reference::TemporaryDirectory directory_;
};

BatchEncoding row_of(const TokenClassificationPipeline& pipeline, std::string_view text) {
  return pipeline.tokenizer()(text, {.truncation = Truncation::longest_first, .max_length = pipeline.max_length()});
}

// The tokens with characters of `place`, in code points.
std::vector<std::size_t> tokens_in(const BatchEncoding& row, Offset place) {
  std::vector<std::size_t> tokens;
  for (std::size_t token = 0; token < row.total_tokens(); ++token) {
    const Offset offset = row.offset_mapping[token];
    if (row.special_tokens_mask[token] == 0 && offset.begin < place.end && offset.end > place.begin) tokens.push_back(token);
  }
  return tokens;
}

// The mean over `tokens` of what a softmax of their logits gives to `labels`, or of the logarithm of the sum of exponentials.
template <typename Numbers>
double target_of(const Numbers& logits, const std::vector<std::size_t>& tokens, const std::vector<std::size_t>& labels, bool is_logit) {
  constexpr std::size_t kLabels = 5;
  double sum = 0;
  for (const std::size_t token : tokens) {
    double all = 0, own = 0;
    for (std::size_t label = 0; label < kLabels; ++label) {
      const double weight = std::exp(static_cast<double>(logits[token * kLabels + label]));
      all += weight;
      if (std::find(labels.begin(), labels.end(), label) != labels.end()) own += weight;
    }
    sum += is_logit ? std::log(own) : own / all;
  }
  return sum / static_cast<double>(tokens.size());
}

ExplainTarget target_named(bool is_logit) { return is_logit ? ExplainTarget::logit : ExplainTarget::probability; }

const std::vector<std::size_t> kLoc = {3, 4};

class ExplainEntity : public ::testing::TestWithParam<std::string> {};

TEST_P(ExplainEntity, OcclusionPutsTheMaskInThePlaceOfEachWord) {
  const Labelled checkpoint(GetParam());
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const BatchEncoding row = row_of(pipeline, kRoomsText);
  const std::vector<std::size_t> tokens = tokens_in(row, kRooms);
  for (const bool is_logit : {false, true}) {
    const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("LOC", kRooms),
                                                   {.explain = {.target = target_named(is_logit)}, .methods = {"occlusion"}});
    const ExplainReport& report = found.report;
    EXPECT_EQ(found.tokens, tokens);
    const double whole = target_of(pipeline.model()(row).logits.data, tokens, kLoc, is_logit);
    EXPECT_NEAR(report.text.score, whole, 1e-6);
    ASSERT_EQ(report.occlusion->values.size(), report.text.units.size());
    std::vector<std::size_t> own;
    for (std::size_t unit = 0; unit < report.text.units.size(); ++unit) {
      const Offset place = report.text.units[unit].offset;
      BatchEncoding masked = row;
      for (const std::size_t token : tokens_in(row, place)) masked.input_ids[token] = *pipeline.tokenizer().token_to_id(*pipeline.tokenizer().mask_token());
      const double without = target_of(pipeline.model()(masked).logits.data, tokens, kLoc, is_logit);
      EXPECT_NEAR(report.occlusion->values[unit], whole - without, 1e-6) << report.text.units[unit].text;
      if (place.begin < kRooms.end && place.end > kRooms.begin) own.push_back(unit);
    }
    EXPECT_EQ(found.units, own);
    EXPECT_EQ(own.size(), 2u);
    EXPECT_FALSE(report.occlusion->stopped);
  }
}

// What a token's word adds by the gradient is how fast the target changes as its vector grows.
TEST_P(ExplainEntity, GradientsAreCentralDifferences) {
  const Labelled checkpoint(GetParam());
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const BatchEncoding row = row_of(pipeline, kRoomsText);
  const std::vector<std::size_t> tokens = tokens_in(row, kRooms);
  const Model& model = pipeline.model().internals();
  const std::vector<double> x = input_vectors<double>(model, row, GradientInput::words);
  const std::size_t width = x.size() / row.total_tokens();
  for (const bool is_logit : {false, true}) {
    const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("LOC", kRooms),
                                                   {.explain = {.target = target_named(is_logit)}, .methods = {"input_x_gradient"}});
    const GradientExplanation& gradient = found.report.gradients.front();
    double largest = 0;
    std::vector<double> expected;
    for (std::size_t token = 0; token < row.total_tokens(); ++token) {
      const auto target_at = [&](double share) {
        std::vector<double> moved = x;
        for (std::size_t at = token * width; at < (token + 1) * width; ++at) moved[at] *= share;
        const auto none = [](std::size_t, std::span<const double>, std::span<double> slopes) { std::ranges::fill(slopes, 0.0); };
        return target_of(backpropagate<double>(model, row, moved, none).logits, tokens, kLoc, is_logit);
      };
      expected.push_back((target_at(1 + 1e-4) - target_at(1 - 1e-4)) / 2e-4);
      largest = std::max(largest, std::abs(expected.back()));
    }
    for (std::size_t token = 0; token < row.total_tokens(); ++token) {
      EXPECT_NEAR(gradient.token_values[token], expected[token], 1e-4 * largest) << token;  // 1e-4: gradients in f32, of which terms cancel
    }
  }
}

TEST_P(ExplainEntity, IntegratedGradientsAddUpToTheScore) {
  const Labelled checkpoint(GetParam());
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const EntityExplanation found =
      explain_entity(pipeline, kRoomsText, entity_at("LOC", kRooms), {.methods = {"integrated_gradients", "occlusion"}, .gradients = {.num_steps = 200}});
  const GradientExplanation& gradient = found.report.gradients.front();
  const double sum = std::accumulate(gradient.token_values.begin(), gradient.token_values.end(), 0.0);
  EXPECT_NEAR(gradient.score, found.report.text.score, 1e-5);  // the forward pass of gradients sums in another order
  EXPECT_NEAR(gradient.base_value + sum + gradient.gap, gradient.score, 1e-9);
  EXPECT_LT(gradient.gap_share(), 0.01);
  const double of_units = std::accumulate(gradient.values.begin(), gradient.values.end(), 0.0);
  EXPECT_NEAR(of_units + gradient.special, sum, 1e-9);
  EXPECT_EQ(gradient.tokens.size(), gradient.token_values.size());
  EXPECT_TRUE(found.report.occlusion.has_value());
}

INSTANTIATE_TEST_SUITE_P(Families, ExplainEntity, ::testing::Values("bert/token-v4", "roberta/token-shards", "deberta-v2/token-shards", "xlm-roberta/token-v4"),
                         [](const auto& fixture) {
                           std::string name = fixture.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '/'; });
                           return name;
                         });

TEST(ExplainEntity, TheScoresAreTheMeansOfAllTypes) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("PER", kRooms));
  const Classification& answer = found.report.text.classification;
  ASSERT_EQ(answer.scores.size(), 3u);
  EXPECT_EQ(answer.scores[0].label, "O");
  EXPECT_EQ(answer.scores[1].label, "PER");
  EXPECT_EQ(answer.scores[2].label, "LOC");
  EXPECT_NEAR(answer.scores[0].score + answer.scores[1].score + answer.scores[2].score, 1, 1e-6);
  EXPECT_FLOAT_EQ(answer.scores[1].score, static_cast<float>(found.report.text.score));
  // A label stands for itself, and another type can be asked about.
  const auto score = [&](const std::string& entity, std::optional<std::string> label) {
    return explain_entity(pipeline, kRoomsText, entity_at(entity, kRooms), {.explain = {.label = std::move(label)}}).report.text.score;
  };
  EXPECT_NEAR(score("B-PER", {}) + score("I-PER", {}), found.report.text.score, 1e-9);
  EXPECT_EQ(score("LOC", "PER"), found.report.text.score);
}

TEST(ExplainEntity, OffsetsCountWhatTheOptionsSay) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const std::string text = "Über good";
  const EntityExplanation points = explain_entity(pipeline, text, entity_at("LOC", {5, 9}));
  const EntityExplanation bytes = explain_entity(pipeline, text, entity_at("LOC", {6, 10}), {.explain = {.offset_unit = OffsetUnit::bytes}});
  EXPECT_EQ(points.tokens, bytes.tokens);
  EXPECT_EQ(points.report.text.units.back().offset, (Offset{5, 9}));
  EXPECT_EQ(bytes.report.text.units.back().offset, (Offset{6, 10}));
}

TEST(ExplainEntity, EveryEntityThatThePipelineFindsHasTokens) {
  for (const char* name : {"roberta/token-shards", "xlm-roberta/token-v4"}) {  // of which one has tokens for spaces, in empty places
    const Labelled checkpoint(name);
    const TokenClassificationPipeline pipeline = checkpoint.load();
    for (const AggregationStrategy strategy : {AggregationStrategy::none, AggregationStrategy::simple}) {
      const TokenClassification answer = pipeline("one of the best  rooms we ever had", {.aggregation_strategy = strategy, .ignore_labels = {}});
      ASSERT_FALSE(answer.entities.empty());
      for (const Entity& entity : answer.entities) {
        EXPECT_FALSE(explain_entity(pipeline, "one of the best  rooms we ever had", entity).tokens.empty()) << name << ", " << entity.offset.begin;
      }
    }
  }
}

TEST(ExplainEntity, WhatCannotBeExplainedIsAnError) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const auto message = [&](ErrorKind kind, const Entity& entity, const EntityExplainOptions& options) {
    return message_of(kind, [&] { explain_entity(pipeline, kRoomsText, entity, options); });
  };
  const Entity rooms = entity_at("LOC", kRooms);
  EXPECT_EQ(message(ErrorKind::invalid_argument, entity_at("ORG", kRooms), {.methods = {"occlusion"}}),
            "entity: expected one of O, PER, LOC, found \"ORG\"");
  EXPECT_EQ(message(ErrorKind::invalid_argument, entity_at("LOC", {90, 95}), {.methods = {"occlusion"}}),
            "entity: expected one that the model sees, found none of its tokens from 90 to 95");
  EXPECT_EQ(message(ErrorKind::invalid_argument, rooms, {.explain = {.max_length = 4}, .methods = {"occlusion"}}),
            "entity: expected one that the model sees, found none of its tokens from 34 to 44, and the text is truncated");
  EXPECT_EQ(message(ErrorKind::unsupported, rooms, {.methods = {"shap"}}),
            "method: expected occlusion, saliency, input_x_gradient, integrated_gradients or smoothgrad for an entity, found \"shap\"");
  EXPECT_EQ(message(ErrorKind::unsupported, rooms, {.explain = {.masking = Masking::remove}, .methods = {"occlusion"}}),
            "mask: expected the mask token for an entity, whose tokens keep their places, found remove");
  EXPECT_EQ(message(ErrorKind::unsupported, rooms, {.explain = {.target = ExplainTarget::contrast}, .methods = {"occlusion"}}),
            "target: expected probability or logit for an entity, found contrast");
  EXPECT_EQ(message(ErrorKind::unsupported, rooms, {.explain = {.function_to_apply = FunctionToApply::sigmoid}, .methods = {"occlusion"}}),
            "function_to_apply: expected none for an entity, found sigmoid");
}

TEST(ExplainEntity, WhatTruncationCutOffIsNoUnit) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("LOC", {0, 4}), {.explain = {.max_length = 8}, .methods = {"occlusion"}});
  ASSERT_EQ(found.report.text.not_seen.size(), 1u);
  EXPECT_EQ(found.report.text.not_seen.front().second.end, kRoomsText.size());
  EXPECT_TRUE(found.report.text.classification.truncated);
  EXPECT_LE(found.report.text.units.back().offset.begin, found.report.text.not_seen.front().second.begin);
}

// A text of which no window has all, with an entity that stands in two of them.
TEST(ExplainEntity, OfWindowsItIsTheOneThatIsSurest) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const EntityExplainOptions options{.explain = {.max_length = 8}, .methods = {"occlusion", "input_x_gradient"}, .stride = 3};
  const BatchEncoding windows = pipeline.tokenizer()(kRoomsText, {.truncation = Truncation::longest_first, .max_length = 8, .return_overflowing_tokens = true,
                                                             .stride = 3});
  ASSERT_GT(windows.batch_size(), 2u);
  const Tensor logits = pipeline.model()(windows).logits;
  std::size_t in_several = 0;
  const BatchEncoding whole = row_of(pipeline, kRoomsText);
  for (std::size_t token = 1; token + 1 < whole.total_tokens(); ++token) {
    const Offset place = whole.offset_mapping[token];
    std::vector<std::pair<double, std::size_t>> scores;  // of the windows that have the token
    for (std::size_t window = 0; window < windows.batch_size(); ++window) {
      for (std::size_t at = windows.row_starts[window]; at < windows.row_starts[window + 1]; ++at) {
        if (windows.special_tokens_mask[at] != 0 || windows.offset_mapping[at] != place) continue;
        scores.emplace_back(target_of(logits.data, {at}, kLoc, false), window);
      }
    }
    in_several += scores.size() > 1;
    const auto best = std::max_element(scores.begin(), scores.end());
    const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("LOC", place), options);
    EXPECT_EQ(found.windows, windows.batch_size());
    EXPECT_EQ(found.window, best->second) << token;
    EXPECT_NEAR(found.report.text.score, best->first, 1e-6);
    EXPECT_EQ(found.report.text.classification.tokens_total, whole.total_tokens());
    EXPECT_EQ(found.report.text.classification.tokens_used, windows.row_length(found.window));
    EXPECT_FALSE(found.report.text.classification.truncated);
    const std::size_t first = windows.row_starts[found.window], last = windows.row_starts[found.window + 1];
    EXPECT_EQ(found.report.gradients.front().token_values.size(), last - first);
    const Offset seen{windows.offset_mapping[first + 1].begin, windows.offset_mapping[last - 2].end};
    for (const ExplainedUnit& unit : found.report.text.units) EXPECT_TRUE(unit.offset.begin < seen.end && unit.offset.end > seen.begin);
    std::vector<std::pair<std::int32_t, Offset>> not_seen;
    if (found.window > 0) not_seen.emplace_back(0, Offset{0, seen.begin});
    if (found.window + 1 < found.windows) not_seen.emplace_back(0, Offset{seen.end, kRoomsText.size()});
    EXPECT_EQ(found.report.text.not_seen, not_seen);
  }
  EXPECT_GT(in_several, 2u);
}

TEST(ExplainEntity, AWindowThatCutsTheEntityIsNotTaken) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  for (const Entity& entity : pipeline(kRoomsText, {.aggregation_strategy = AggregationStrategy::simple, .ignore_labels = {}, .max_length = 8, .stride = 4}).entities) {
    const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity, {.explain = {.max_length = 8}, .stride = 4});
    EXPECT_EQ(found.tokens.size(), tokens_in(row_of(pipeline, kRoomsText), entity.offset).size()) << entity.word;
  }
}

TEST(ExplainEntity, AStrideChangesNothingWhereTheTextFits) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  const auto written = [&](std::optional<std::size_t> stride) {
    JsonWriter writer;
    write_json(explain_entity(pipeline, kRoomsText, entity_at("LOC", kRooms), {.stride = stride}), writer);
    json line = json::parse(writer.take_line());
    EXPECT_EQ(line.at("settings").contains("stride"), stride.has_value());
    line.at("settings").erase("stride");
    line.erase("milliseconds");
    EXPECT_FALSE(line.contains("windows"));
    return line;
  };
  EXPECT_EQ(written(4), written({}));
}

TEST(ExplainEntity, ProgressTellsOfEachMethod) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  std::vector<std::string> told;
  std::size_t texts = 0;
  EntityExplainOptions options{.methods = {"saliency", "occlusion"}};
  options.progress = [&](const ReportProgress& progress, const EntityExplanation* so_far) {
    EXPECT_EQ(progress.total, 2u);
    EXPECT_EQ(progress.so_far, so_far == nullptr ? nullptr : &so_far->report);
    texts = progress.texts;
    if (so_far == nullptr) return;
    told.push_back(std::string(progress.part) + " " + std::to_string(progress.done));
    EXPECT_TRUE(so_far->report.occlusion.has_value());
    EXPECT_EQ(so_far->report.gradients.size(), progress.done - 1);
    EXPECT_EQ(so_far->entity.entity, "LOC");
  };
  const EntityExplanation found = explain_entity(pipeline, kRoomsText, entity_at("LOC", kRooms), options);
  EXPECT_EQ(told, (std::vector<std::string>{"occlusion 1", "saliency 2"}));
  EXPECT_EQ(texts, found.report.occlusion->evaluations);
}

TEST(ExplainEntity, JsonHasTheShapeOfOtherExplanations) {
  const Labelled checkpoint("bert/token-v4");
  const TokenClassificationPipeline pipeline = checkpoint.load();
  Entity rooms = entity_at("LOC", kRooms);
  rooms.score = 0.5f;
  rooms.word = "best rooms";
  const EntityExplanation found = explain_entity(pipeline, kRoomsText, rooms,
                                                 {.methods = {"occlusion", "integrated_gradients"}});
  JsonWriter writer;
  write_json(found, writer);
  const json line = json::parse(writer.take_line());
  EXPECT_EQ(line.at("entity"), (json{{"entity_group", "LOC"}, {"score", 0.5}, {"word", "best rooms"}, {"start", 34}, {"end", 44}}));
  EXPECT_EQ(line.at("label"), "LOC");
  EXPECT_EQ(line.at("entity_units").size(), 2u);
  EXPECT_EQ(line.at("entity_tokens").size(), found.tokens.size());
  EXPECT_EQ(line.at("methods").at("occlusion").at("units").size(), found.report.text.units.size());
  EXPECT_EQ(line.at("methods").at("integrated_gradients").at("token_values").size(), found.report.text.classification.tokens_used);
}

TEST(ScoreOfLabels, SlopesAreCentralDifferences) {
  const std::vector<float> logits = {0.5f, -1.25f, 2.0f, 0.25f};
  for (const ScoreOfLabels& score : {ScoreOfLabels{false, {1}}, {false, {0, 2}}, {true, {1}}, {true, {2, 3}}}) {
    std::vector<float> gradient(4);
    score(logits, gradient);
    for (std::size_t at = 0; at < logits.size(); ++at) {
      std::vector<float> above = logits, below = logits;
      above[at] += 0.0078125f;
      below[at] -= 0.0078125f;
      EXPECT_NEAR(gradient[at], (score(above, {}) - score(below, {})) / 0.015625, 1e-5);
    }
  }
}

}  // namespace
}  // namespace filbert
