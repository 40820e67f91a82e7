// The dialect of the Inference API: nested lists, best first; inputs and parameters as transformers' pipeline takes them.
#include <gtest/gtest.h>

#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

class InferenceApi : public testing::Test {
 protected:
  void expect_answer(const json& found, std::string_view text, std::optional<std::string_view> pair = {}, const ClassifyOptions& options = {.top_k = 3}) const {
    const TextInput input{text, pair};
    const Classification answer = served_.classifier()(std::span(&input, 1), options).front();
    ASSERT_EQ(found.size(), answer.scores.size()) << found;
    for (std::size_t at = 0; at < found.size(); ++at) {
      EXPECT_EQ(found[at]["label"], answer.scores[at].label);
      EXPECT_EQ(found[at]["score"].get<float>(), answer.scores[at].score);
    }
  }
  Served served_{{{"org/stars", TinyCheckpoint{.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}},
                  {"other", TinyCheckpoint{.seed = 2}}}};
};

TEST_F(InferenceApi, ATextIsAListInAList) {
  for (const char* path : {"/", "/models/org/stars", "/models/stars", "/models/org%2Fstars"}) {
    const ServedAnswer answer = served_.post(path, R"({"inputs": "good book"})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(answer.json().size(), 1u);
    expect_answer(answer.json()[0], "good book");
  }
  EXPECT_EQ(served_.post("/models/other", R"({"inputs": "good book"})").json()[0].size(), 2u);
}

TEST_F(InferenceApi, TextsAndPairsAreAListEach) {
  const json answer = served_.post("/", R"({"inputs": ["good", {"text": "bad", "text_pair": "film"}, {"text": ""}]})").json();
  ASSERT_EQ(answer.size(), 3u);
  expect_answer(answer[0], "good");
  expect_answer(answer[1], "bad", "film");
  expect_answer(answer[2], "");
  expect_answer(served_.post("/", R"({"inputs": {"text": "bad", "text_pair": "film"}})").json()[0], "bad", "film");
}

TEST_F(InferenceApi, ParametersAreThoseOfThePipeline) {
  expect_answer(served_.post("/", R"({"inputs": "good", "parameters": {"top_k": 1}})").json()[0], "good", {}, {.top_k = 1});
  expect_answer(served_.post("/", R"({"inputs": "good", "parameters": {"top_k": 99, "function_to_apply": "none"}})").json()[0], "good", {},
                {.function_to_apply = FunctionToApply::none, .top_k = 3});
  expect_answer(served_.post("/", R"({"inputs": "good", "parameters": {"top_k": null, "function_to_apply": "sigmoid"}})").json()[0], "good", {},
                {.function_to_apply = FunctionToApply::sigmoid, .top_k = 3});
  const std::string words = "book book book book book book book book book book";
  expect_answer(served_.post("/", json{{"inputs", words}, {"parameters", {{"max_length", 6}}}}.dump()).json()[0], words, {},
                {.top_k = 3, .max_length = 6});
  reference::expect_error_in_words(served_.post("/", json{{"inputs", words}, {"parameters", {{"max_length", 6}, {"truncation", false}}}}.dump()), 400, "6 tokens, found 12");
  EXPECT_EQ(served_.post("/", R"({"inputs": "a", "parameters": {"truncation": true, "other": 1}, "options": {"wait_for_model": true}})").status, 200);
}

TEST_F(InferenceApi, WhatIsWrongIsNamed) {
  reference::expect_error_in_words(served_.post("/", "nonsense"), 400, "JSON");
  reference::expect_error_in_words(served_.post("/", "{}"), 400, "\"inputs\"");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": []})"), 400, "at least one text");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": 7})"), 400, "inputs: expected a string, or a pair");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": [["a", "b"]]})"), 400, "inputs[0]: expected a string, or a pair");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": {"text_pair": "b"}})"), 400, "\"text\"");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": "a", "parameters": 3})"), 400, "parameters: expected an object");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": "a", "parameters": {"top_k": 0}})"), 400, "top_k: expected a whole number from 1");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": "a", "parameters": {"function_to_apply": "relu"}})"), 400, "relu");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": "a", "parameters": {"max_length": 25}})"), 400, "at most 24");
  reference::expect_error_in_words(served_.post("/", R"({"inputs": "a", "parameters": {"truncation": "most"}})"), 400, "most");
  reference::expect_error_in_words(served_.post("/models/nobody", R"({"inputs": "a"})"), 404, "\"org/stars\", \"other\"");
}

TEST_F(InferenceApi, EveryKindOfProblemKeepsItsStatus) {
  const ProblemWriter write = inference_api_routes().front().problem;
  for (const ProblemKind kind : {ProblemKind::unauthorized, ProblemKind::timeout, ProblemKind::too_large, ProblemKind::overloaded, ProblemKind::draining}) {
    EXPECT_EQ(write(Problem(kind, "")).status, info(kind).status);
  }
}

TEST_F(InferenceApi, AModelIsDescribed) {
  const json card = served_.get("/models/other").json();
  EXPECT_EQ(card["id"], "other");
  EXPECT_EQ(card["pipeline_tag"], "text-classification");
  EXPECT_EQ(card["config"]["model_type"], "bert");
  reference::expect_error_in_words(served_.get("/models/nobody"), 404, "nobody");
}

}  // namespace
}  // namespace filbert::serve
