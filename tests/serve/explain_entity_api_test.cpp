// /explain of a model that labels tokens: the JSON of the library for an entity, named by its number, by what stands there or by its place; events, a
// page, windows, and what is refused.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/explain_entity.h>

#include "base/json_writer.h"
#include "explain/explain_json.h"
#include "reference/served.h"
#include "serve/served_models.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

const std::string kNamesText = "I really love this book, not good";

// What differs from run to run, or from caller to caller.
class ExplainEntityApi : public testing::Test {
 protected:
  static const TokenClassificationPipeline& finder() {
    static const auto pipeline = [] {
      const auto directory = reference::write_checkpoint(reference::tiny_finder());
      return filbert::pipeline<TokenClassificationPipeline>("ner", directory.path(), {}, {.num_threads = 1});
    }();
    return pipeline;
  }
  static std::vector<Entity> entities(const TokenClassificationOptions& options = {.aggregation_strategy = AggregationStrategy::simple}) {
    return finder()(kNamesText, options).entities;
  }
  static json expected(const Entity& entity, const EntityExplainOptions& options = {}) {
    JsonWriter writer;
    write_json(explain_entity(finder(), kNamesText, entity, options), writer);
    return reference::without_circumstances(json::parse(writer.take_line()));
  }
  // {"model": "names", "text": kNamesText} with what is given.
  ServedAnswer explain(json request, HttpFields headers = {}) const {
    request.emplace("model", "names");
    request.emplace("text", kNamesText);
    return served_.post("/explain", request.dump(), std::move(headers));
  }
  json found(json request) const {
    const ServedAnswer answer = explain(std::move(request));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return reference::without_circumstances(answer.json());
  }
  void expect_error(const json& request, int status, std::string_view part) const {
    const ServedAnswer answer = explain(request);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.json().at("error").at("message").get<std::string>().find(part), std::string::npos) << answer.body;
  }
  Served served_{{{"stars", TinyCheckpoint{.seed = 21, .max_position_embeddings = 24}}, {"names", reference::tiny_finder()}}};
};

TEST_F(ExplainEntityApi, TheTextHasSeveralEntities) { ASSERT_GT(entities().size(), 1u); }

TEST_F(ExplainEntityApi, AnEntityIsNamedByItsNumberByWhatStandsThereOrByItsPlace) {
  const Entity entity = entities()[1];
  const json answer = expected(entity);
  EXPECT_EQ(found({{"entity", 1}}), answer);
  EXPECT_EQ(found({{"entity", "1"}}), answer);
  EXPECT_EQ(found({{"entity", kNamesText.substr(entity.offset.begin, entity.offset.end - entity.offset.begin)}}), answer);
  EXPECT_EQ(found({{"entity", answer["entity"]}}), answer);  // as /v1/entities gives it
  const ServedAnswer of_first = served_.post("/explain", json{{"text", kNamesText}, {"entity", 1}}.dump());  // the first model that labels tokens
  ASSERT_EQ(of_first.status, 200) << of_first.body;
  EXPECT_EQ(reference::without_circumstances(of_first.json()), answer);
  EXPECT_EQ(of_first.json()["model_sha256"].get<std::string>().size(), 64u);
  EXPECT_TRUE(of_first.json()["command"].get<std::string>().starts_with("POST /explain {\"entity\":1")) << of_first.body;
}

TEST_F(ExplainEntityApi, OptionsAreThoseOfTheCommand) {
  EntityExplainOptions options{.methods = {"occlusion", "integrated_gradients"}, .gradients = {.num_steps = 5}};
  options.explain.label = "LOC";
  options.explain.target = ExplainTarget::logit;
  options.explain.unit = ExplainUnit::token;
  options.explain.offset_unit = OffsetUnit::utf16;
  const std::vector<Entity> by_word = entities({.aggregation_strategy = AggregationStrategy::first});
  EXPECT_EQ(found({{"entity", 0}, {"aggregation_strategy", "first"}, {"methods", {"occlusion", "integrated_gradients"}}, {"num_steps", 5}, {"label", "LOC"},
                   {"target", "logit"}, {"unit", "token"}, {"offset_unit", "utf16"}, {"values_only", true}}),
            expected(by_word[0], options));
  EXPECT_EQ(found({{"entity", 0}, {"budget_ms", 500}})["settings"]["budget_ms"], 500);
}

TEST_F(ExplainEntityApi, APlaceOfOnesOwnGetsItsScoreAndItsWord) {
  const json of_type = found({{"entity", {{"start", 2}, {"end", 8}, {"entity_group", "PER"}}}});
  EXPECT_EQ(of_type["entity"]["word"], "really");
  EXPECT_FLOAT_EQ(of_type["entity"]["score"], of_type["score"]);
  const json of_label = found({{"entity", {{"start", 2}, {"end", 8}, {"entity", "B-PER"}}}, {"offset_unit", "bytes"}});
  EXPECT_EQ(of_label["label"], "B-PER");
  EXPECT_EQ(of_label["entity"]["score"], nullptr);
  // A token, as /v1/entities gives it with the strategy none.
  const json token = found({{"entity", {{"entity", "B-LOC"}, {"score", 0.5}, {"index", 2}, {"word", "really"}, {"start", 2}, {"end", 8}}}});
  EXPECT_EQ(token["entity"]["score"], 0.5);
}

TEST_F(ExplainEntityApi, OfALongTextItIsExplainedInAWindow) {
  const TokenClassificationOptions windows{.aggregation_strategy = AggregationStrategy::simple, .max_length = 7, .stride = 2};
  const std::vector<Entity> of_windows = entities(windows);
  EntityExplainOptions options{.stride = 2};
  options.explain.max_length = 7;
  const json answer = found({{"entity", of_windows.size() - 1}, {"max_length", 7}, {"stride", 2}});
  EXPECT_EQ(answer, expected(of_windows.back(), options));
  EXPECT_GT(answer["windows"], 1);
  EXPECT_GT(answer["window"], 0);
  EXPECT_EQ(answer["not_seen"][0]["start"], 0);
  EXPECT_EQ(answer["settings"]["stride"], 2);
}

TEST_F(ExplainEntityApi, EventsSayHowFarItIs) {
  const ServedAnswer answer = explain({{"entity", 1}, {"methods", "occlusion,saliency"}}, {{"accept", "text/event-stream"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::vector<std::string> methods;
  std::size_t done = 0, texts = 0;
  for (const auto& [event, data] : answer.events) {
    if (event == "partial") {
      EXPECT_EQ(data["entity"], answer.json()["entity"]);
      EXPECT_EQ(data["model"], answer.json()["model"]);
      methods.push_back(data["methods"].contains("saliency") ? "both" : "occlusion");
      continue;
    }
    ASSERT_EQ(event, "progress");
    EXPECT_EQ(data["total"], 2);
    done = data["done"];
    texts = data["texts"];
  }
  EXPECT_EQ(methods, (std::vector<std::string>{"occlusion", "both"}));
  EXPECT_EQ(done, 2u);
  EXPECT_EQ(texts, answer.json()["methods"]["occlusion"]["evaluations"]);
}

TEST_F(ExplainEntityApi, APageIsSelfContained) {
  const ServedAnswer answer = explain({{"entity", 1}, {"format", "html"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_NE(answer.body.find("Why this entity?"), std::string::npos);
}

TEST_F(ExplainEntityApi, WhoeverIsGoneIsNotComputedFor) {
  served_.cancelled = true;
  const json answer = found({{"entity", 1}});
  EXPECT_EQ(answer["methods"]["occlusion"]["stopped"], true);
  EXPECT_EQ(answer["methods"]["occlusion"]["units"][0]["value"], nullptr);
}

TEST_F(ExplainEntityApi, WhatIsWrongIsNamed) {
  expect_error(json::object(), 400, "entity: expected an entity's number, what stands there, or {\"start\", \"end\", \"entity_group\"}, since \"names\"");
  expect_error({{"entity", "nowhere"}}, 400, "entity: expected a number below ");
  expect_error({{"entity", 99}}, 400, "entity: expected a number below ");
  expect_error({{"entity", -1}}, 400, "entity");
  expect_error({{"entity", json::array()}}, 400, "entity");
  expect_error({{"entity", {{"start", 0}, {"end", 1}}}}, 400, "entity");
  expect_error({{"entity", {{"start", 3}, {"end", 1}, {"entity_group", "PER"}}}}, 400, "end: expected no less than start");
  expect_error({{"entity", {{"start", 90}, {"end", 91}, {"entity_group", "PER"}}}}, 400, "found none of its tokens from 90 to 91");
  expect_error({{"entity", {{"start", 0}, {"end", 1}, {"entity_group", "ORG"}}}}, 400, "entity: expected one of O, PER, LOC, found \"ORG\"");
  expect_error({{"entity", {{"start", 0}, {"end", 1}, {"entity_group", "PER"}, {"place", 1}}}}, 400, "expected no field \"place\"");
  expect_error({{"entity", 0}, {"text_pair", "good"}}, 400, "text_pair: expected none for \"names\", which labels tokens");
  expect_error({{"entity", 0}, {"with_attention", true}, {"format", "html"}}, 400, "with_attention: expected none");
  expect_error({{"entity", 0}, {"with_contexts", true}}, 400, "with_contexts: expected none");
  expect_error({{"entity", 0}, {"aggregation_strategy", "none"}}, 400, "aggregation_strategy: expected simple, first, average or max");
  expect_error({{"entity", 0}, {"target", "PER-LOC"}}, 400, "target: expected probability or logit for entities, found \"PER-LOC\"");
  expect_error({{"entity", 0}, {"label", "ORG"}}, 400, "entity: expected one of O, PER, LOC");
  expect_error({{"entity", 0}, {"max_length", 99}}, 400, "at most 24");
  expect_error({{"entity", 0}, {"method", "shap"}}, 501, "method: expected occlusion");
  expect_error({{"entity", 0}, {"mask", "remove"}}, 501, "mask: expected the mask token");
  expect_error({{"entity", 0}, {"compat", "lime"}}, 501, "compat: expected none for an entity");
  expect_error({{"entity", 0}, {"threshold", 0.5}}, 501, "threshold: expected none for an entity");
  for (const auto& [field, value] : {std::pair<std::string, json>("entity", 0), {"stride", 2}, {"aggregation_strategy", "first"}}) {
    expect_error({{"model", "stars"}, {field, value}}, 400, field + ": expected none for \"stars\", which labels texts, found one");
  }
  expect_error({{"text", std::string(16'385, 'a')}, {"entity", 0}}, 413, "at most 16384 bytes to explain");
  served_.explain = false;
  expect_error({{"entity", 0}}, 403, "--explain");
}

TEST(ExplainEntityApiModels, WhereOneAloneIsServedItIsAsked) {
  const Served of_tokens(reference::tiny_finder()), of_texts(TinyCheckpoint{});
  EXPECT_EQ(of_tokens.post("/explain", R"({"text": "I really love this book", "entity": 0})").status, 200);
  const ServedAnswer without = of_tokens.post("/explain", R"({"text": "good"})");
  EXPECT_EQ(without.status, 400);
  EXPECT_NE(without.body.find("entity: expected an entity's number"), std::string::npos) << without.body;
  EXPECT_EQ(of_texts.post("/explain", R"({"text": "good", "entity": 0})").status, 400);
}

}  // namespace
}  // namespace filbert::serve
