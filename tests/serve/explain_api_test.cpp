// /explain and /attention: the JSON of the library, pages, events, limits.
#include <gtest/gtest.h>

#include "base/json_writer.h"
#include "explain/explain_json.h"
#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

void expect_explain_error(const ServedAnswer& answer, int status, std::string_view type, std::string_view part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const json error = answer.json().at("error");
  EXPECT_EQ(error["type"], type) << answer.body;
  EXPECT_NE(error["message"].get<std::string>().find(part), std::string::npos) << answer.body;
}

class ExplainApi : public testing::Test {
 protected:
  ServedAnswer explain(const json& request, HttpFields headers = {}) const { return served_.post("/explain", request.dump(), std::move(headers)); }
  ServedAnswer attention(const json& request) const { return served_.post("/attention", request.dump()); }
  Served served_{TinyCheckpoint{.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}};
};

// What differs from run to run, or from caller to caller.
TEST_F(ExplainApi, TheAnswerIsThatOfTheLibrary) {
  const ServedAnswer answer = explain({{"text", "I love this book"}, {"methods", {"shap", "occlusion"}}, {"offset_unit", "utf16"}, {"label", "good"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  ReportOptions options;
  options.methods = {"shap", "occlusion"};
  options.explain.label = "good";
  options.explain.offset_unit = OffsetUnit::utf16;
  JsonWriter expected;
  write_json(filbert::explain(served_.classifier(), {"I love this book"}, options), expected);
  const json found = answer.json();
  EXPECT_EQ(reference::without_circumstances(found), reference::without_circumstances(json::parse(expected.take_line())));
  EXPECT_EQ(found["model_sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(found["tokenizer_sha256"].get<std::string>().size(), 64u);
  EXPECT_TRUE(found["command"].get<std::string>().starts_with("POST /explain {\"label\":\"good\"")) << found["command"];
  EXPECT_EQ(answer.body.find('\n'), answer.body.size() - 1);
  EXPECT_TRUE(answer.events.empty());
}

TEST_F(ExplainApi, OptionsAreThoseOfTheCommand) {
  const json found = explain({{"text", "good book"}, {"text_pair", "bad film"}, {"method", "lime,saliency"}, {"target", "good-bad"}, {"unit", "token"},
                              {"mask", "remove"}, {"num_samples", 20}, {"num_features", 2}, {"feature_selection", "none"}, {"seed", 7}, {"values_only", true},
                              {"max_length", 20}, {"embedding", "embeddings"}}).json();
  EXPECT_EQ(found["target"], "contrast");
  EXPECT_EQ(found["against"], "bad");
  EXPECT_EQ(found["settings"]["unit"], "token");
  EXPECT_EQ(found["settings"]["masking"], "remove");
  EXPECT_EQ(found["settings"]["max_length"], 20);
  EXPECT_TRUE(found["methods"].contains("lime"));
  EXPECT_TRUE(found["methods"].contains("saliency"));
  EXPECT_FALSE(found["methods"].contains("shap"));
  EXPECT_FALSE(found.contains("counterfactuals"));
  EXPECT_EQ(explain({{"text", "good book"}, {"compat", "lime"}, {"num_samples", 20}, {"values_only", true}}).json()["settings"]["compat"], "lime");
  EXPECT_EQ(explain({{"text", "a"}, {"budget_ms", 500}}).json()["settings"]["budget_ms"], 500);
}

TEST_F(ExplainApi, EventsSayHowFarItIs) {
  for (const bool by_header : {false, true}) {
    json request{{"text", "I love this book"}, {"methods", {"occlusion", "shap"}}};
    if (!by_header) request["stream"] = true;
    const Plan plan = served_.plan("/explain", request.dump(), by_header ? HttpFields{{"accept", "text/event-stream"}} : HttpFields{});
    EXPECT_TRUE(std::get<SlowPlan>(plan).events);
    const ServedAnswer answer = explain(request, by_header ? HttpFields{{"accept", "text/event-stream"}} : HttpFields{});
    std::vector<std::string> finished;
    std::size_t done = 0, texts = 0;
    for (const auto& [event, data] : answer.events) {
      if (event == "partial") {
        finished.push_back(data["methods"].contains("shap") ? "with shap" : "occlusion alone");
        EXPECT_EQ(data["text"], "I love this book");
        continue;
      }
      ASSERT_EQ(event, "progress");
      EXPECT_EQ(data["total"], 4);  // two methods, counterfactuals, faithfulness
      EXPECT_GE(data["done"], done);
      EXPECT_GE(data["texts"], texts);
      done = data["done"];
      texts = data["texts"];
    }
    EXPECT_EQ(done, 4u);
    EXPECT_GT(texts, 5u);
    EXPECT_EQ(finished, (std::vector<std::string>{"occlusion alone", "with shap", "with shap", "with shap"}));
    EXPECT_TRUE(answer.json()["methods"].contains("shap"));
  }
}

TEST_F(ExplainApi, APageIsSelfContained) {
  const ServedAnswer answer = explain({{"text", "I love this book"}, {"format", "html"}, {"with_attention", true}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(answer.body.starts_with("<!DOCTYPE html>") || answer.body.starts_with("<!doctype html>"));
  EXPECT_NE(answer.body.find("love"), std::string::npos);
  const ServedAnswer map = attention({{"text", "I love this book"}, {"format", "html"}, {"view", "neuron"}, {"layer", 1}, {"head", 0}});
  ASSERT_EQ(map.status, 200) << map.body;
  EXPECT_EQ(map.content_type, "text/html; charset=utf-8");
}

TEST_F(ExplainApi, WhoeverIsGoneIsNotComputedFor) {
  served_.cancelled = true;
  const json found = explain({{"text", "I love this book"}, {"methods", {"lime"}}, {"num_samples", 100'000}}).json();
  EXPECT_EQ(found["methods"]["lime"]["stopped"], true);
  EXPECT_LT(found["methods"]["lime"]["num_samples"], 100'000);
}

TEST_F(ExplainApi, WhatIsWrongIsNamed) {
  expect_explain_error(served_.post("/explain", "["), 400, "malformed", "JSON");
  expect_explain_error(explain({{"inputs", "a"}}), 400, "invalid", "expected no field \"inputs\"");
  expect_explain_error(explain(json::object()), 400, "invalid", "\"text\"");
  expect_explain_error(explain({{"text", "a"}, {"num_sample", 3}}), 400, "invalid", "did you mean \"num_samples\"?");
  expect_explain_error(explain({{"text", "a"}, {"methods", {"magic"}}}), 400, "invalid", "found \"magic\"");
  expect_explain_error(explain({{"text", "a"}, {"methods", json::array()}}), 400, "invalid", "methods: expected at least one method");
  expect_explain_error(explain({{"text", "a"}, {"label", "great"}}), 400, "invalid", "label: expected one of bad, so-so, good");
  expect_explain_error(explain({{"text", "a"}, {"target", "nobody"}}), 400, "invalid", "target: expected probability, logit or two of");
  expect_explain_error(explain({{"text", "a"}, {"mask", "nothing"}}), 400, "invalid", "mask: expected token, remove or string=TEXT");
  expect_explain_error(explain({{"text", "a"}, {"unit", "regex=("}}), 400, "invalid", "regular expression");
  expect_explain_error(explain({{"text", "a"}, {"unit", "regex=" + std::string(2000, 'a')}}), 400, "invalid", "at most 1000 bytes");
  expect_explain_error(explain({{"text", "a"}, {"budget_ms", 10'001}}), 400, "invalid", "budget_ms: expected a whole number from 0 to 10000");
  expect_explain_error(explain({{"text", "a"}, {"num_samples", 100'001}}), 400, "invalid", "num_samples");
  expect_explain_error(explain({{"text", "a"}, {"compat", "lime"}, {"method", "shap,lime"}}), 400, "invalid", "compat lime: expected method lime");
  expect_explain_error(explain({{"text", "a"}, {"format", "pdf"}}), 400, "invalid", "format: expected json or html");
  expect_explain_error(explain({{"text", "a"}, {"format", "html"}, {"stream", true}}), 400, "invalid", "no event");
  expect_explain_error(explain({{"text", "a"}, {"with_attention", true}}), 400, "invalid", "with_attention");
  expect_explain_error(explain({{"text", "a"}, {"max_length", 99}}), 400, "invalid", "at most 24");
  expect_explain_error(explain({{"text", "a"}, {"compat", "shap"}, {"text_pair", "b"}}), 501, "unsupported", "");
  expect_explain_error(explain({{"text", "a"}, {"model", "nobody"}}), 404, "not_found", "nobody");
  served_.explain = false;
  expect_explain_error(explain({{"text", "a"}}), 403, "forbidden", "--explain");
  expect_explain_error(attention({{"text", "a"}}), 403, "forbidden", "--explain");
}

TEST_F(ExplainApi, AttentionIsThatOfTheLibrary) {
  const ServedAnswer answer = attention({{"text", "love book"}, {"text_pair", "film"}, {"layers", "0-1"}, {"heads", {1}}, {"neurons", true}, {"values", true}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  AttentionMap map = attention_map(served_.classifier(), {"love book", "film"},
                                   {.layers = std::vector<std::size_t>{0, 1}, .heads = std::vector<std::size_t>{1}, .queries_keys = true, .values_contexts = true});
  json expected = json::parse(attention_json(map)), found = answer.json();
  expected.erase("model");
  found.erase("model");
  EXPECT_EQ(found, expected);
  EXPECT_EQ(attention({{"text", "a"}, {"layers", 1}}).json()["layers"], (json{1}));
  EXPECT_TRUE(attention({{"text", "a"}, {"hidden_states", true}}).json().contains("hidden_states"));
}

TEST_F(ExplainApi, WhatIsWrongWithAttentionIsNamed) {
  expect_explain_error(attention({{"text", "a"}, {"layers", "2"}}), 400, "invalid", "layers: expected numbers from 0 to 1, found 2");
  expect_explain_error(attention({{"text", "a"}, {"layers", "x"}}), 400, "invalid", "layers: expected numbers, such as 3 or 0,2,5-7");
  expect_explain_error(attention({{"text", "a"}, {"heads", {0, "1"}}}), 400, "invalid", "heads[1]");
  expect_explain_error(attention({{"text", "a"}, {"view", "bird"}, {"format", "html"}}), 400, "invalid", "bird");
  expect_explain_error(attention({{"text", "a"}, {"methods", "shap"}}), 400, "invalid", "expected no field \"methods\"");
}

TEST_F(ExplainApi, ATextThatIsTooLongForTheMemoryIsRefused) {
  expect_explain_error(explain({{"text", std::string(16'385, 'a')}}), 413, "too_large", "at most 16384 bytes to explain");
  expect_explain_error(explain({{"text", std::string(8'193, 'a')}, {"unit", "regex=b"}}), 413, "too_large", "at most 8192 bytes");
  expect_explain_error(explain({{"text", "a"}, {"text_pair", std::string(8'192, 'a')}, {"compat", "lime"}}), 413, "too_large", "at most 8192 bytes");
  expect_explain_error(explain({{"text", "a"}, {"max_evals", 20'001}}), 400, "invalid", "max_evals");
  EXPECT_EQ(explain({{"text", std::string(16'384, 'a')}, {"method", "occlusion"}}).status, 200);
}

TEST(ExplainApiLimits, AMapThatIsTooLargeIsRefused) {
  const Served served(TinyCheckpoint{.max_position_embeddings = 1200});
  std::string text;
  for (int word = 0; word < 1100; ++word) text += "book ";
  expect_explain_error(served.post("/attention", json{{"text", text}}.dump()), 413, "too_large", "layers, heads and max_length make it smaller");
  EXPECT_EQ(served.post("/attention", json{{"text", text}, {"max_length", 100}}.dump()).status, 200);
}

}  // namespace
}  // namespace filbert::serve
