// The dialect of text-embeddings-inference: its shapes, its headers, its errors with their codes.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

TinyCheckpoint three_labels() { return {.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}; }

std::string books(std::size_t count) {
  std::string text;
  for (std::size_t word = 0; word < count; ++word) text += "book ";
  return text;
}

void expect_tei_error(const ServedAnswer& answer, int status, std::string_view type, std::string_view part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const json error = answer.json();
  EXPECT_EQ(error.size(), 2u);
  EXPECT_EQ(error["error_type"], type) << answer.body;
  EXPECT_NE(error["error"].get<std::string>().find(part), std::string::npos) << answer.body;
}

class Tei : public testing::Test {
 protected:
  // What /predict has to say of a text.
  json predictions(std::string_view text, std::optional<std::string_view> pair = {}, const ClassifyOptions& options = {.top_k = 3}) const {
    const TextInput input{text, pair};
    const Classification answer = served_.classifier()(std::span(&input, 1), options).front();
    json all = json::array();
    for (const LabelScore& score : answer.scores) all.push_back({{"score", score.score}, {"label", score.label}});
    return all;
  }
  Served served_{three_labels()};
};

void expect_same(const json& found, const json& expected) {
  ASSERT_EQ(found.size(), expected.size()) << found;
  for (std::size_t at = 0; at < found.size(); ++at) {
    EXPECT_EQ(found[at]["label"], expected[at]["label"]);
    EXPECT_EQ(found[at]["score"].get<float>(), expected[at]["score"].get<float>());
  }
}

TEST_F(Tei, ASingleTextIsAFlatListBestFirst) {
  const ServedAnswer answer = served_.post("/predict", R"({"inputs": "good book"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/json");
  expect_same(answer.json(), predictions("good book"));
  expect_same(served_.post("/invocations", R"({"inputs": ["good book"]})").json(), predictions("good book"));
}

TEST_F(Tei, AListOfTwoStringsIsAPair) {
  expect_same(served_.post("/predict", R"({"inputs": ["good book", "bad film"]})").json(), predictions("good book", "bad film"));
}

TEST_F(Tei, AListOfListsIsABatchOfTextsAndPairs) {
  const json answer = served_.post("/predict", R"({"inputs": [["good"], ["bad", "film"], [""]]})").json();
  ASSERT_EQ(answer.size(), 3u);
  expect_same(answer[0], predictions("good"));
  expect_same(answer[1], predictions("bad", "film"));
  expect_same(answer[2], predictions(""));
  EXPECT_EQ(served_.post("/predict", R"({"inputs": [["good"]]})").json().size(), 1u);
}

TEST_F(Tei, RawScoresAreLogits) {
  expect_same(served_.post("/predict", R"({"inputs": "good book", "raw_scores": true})").json(),
              predictions("good book", {}, {.function_to_apply = FunctionToApply::none, .top_k = 3}));
}

TEST_F(Tei, HeadersSayWhatItTook) {
  const ServedAnswer answer = served_.post("/predict", R"({"inputs": [["gööd"], ["bad", "film"]]})");
  EXPECT_EQ(answer.header("x-compute-type"), "cpu");
  EXPECT_EQ(answer.header("x-compute-characters"), "11");
  EXPECT_GT(std::stoi(answer.header("x-compute-tokens")), 6);
  EXPECT_EQ(answer.header("x-compute-time"), "8");
  EXPECT_EQ(answer.header("x-total-time"), "8");
  EXPECT_EQ(answer.header("x-tokenization-time"), "1");
  EXPECT_EQ(answer.header("x-queue-time"), "2");
  EXPECT_EQ(answer.header("x-inference-time"), "3");
}

TEST_F(Tei, ALongTextIsCutUnlessTruncateIsFalse) {
  expect_same(served_.post("/predict", json{{"inputs", books(30)}, {"truncate", nullptr}}.dump()).json(), predictions(books(30)));
  expect_tei_error(served_.post("/predict", json{{"inputs", books(30)}, {"truncate", false}}.dump()), 422, "Validation", "24");
  EXPECT_EQ(served_.post("/predict", json{{"inputs", books(22)}, {"truncate", false}}.dump()).status, 200);
  expect_tei_error(served_.post("/predict", R"({"inputs": "a", "truncation_direction": "left"})"), 424, "Backend", "left");
  expect_tei_error(served_.post("/predict", R"({"inputs": "a", "truncation_direction": "up"})"), 422, "Validation", "truncation_direction");
  EXPECT_EQ(served_.post("/predict", R"({"inputs": "a", "truncation_direction": "Right", "unknown": 1})").status, 200);
}

TEST_F(Tei, WhatIsWrongWithARequestIsNamed) {
  expect_tei_error(served_.post("/predict", "{"), 400, "Validation", "JSON");
  expect_tei_error(served_.post("/predict", ""), 400, "Validation", "JSON");
  expect_tei_error(served_.post("/predict", "{\"inputs\": \"\xff\"}"), 400, "Validation", "UTF");
  expect_tei_error(served_.post("/predict", R"({"inputs": "\ud83d"})"), 400, "Validation", "surrogate \\ud83d");
  expect_tei_error(served_.post("/predict", std::string(5000, '[')), 400, "Validation", "JSON");
  expect_tei_error(served_.post("/predict", "[]"), 422, "Validation", "body: expected an object, found an array");
  expect_tei_error(served_.post("/predict", "{}"), 422, "Validation", "\"inputs\"");
  expect_tei_error(served_.post("/predict", R"({"inputs": 3})"), 422, "Validation", "inputs: expected a string, a pair");
  expect_tei_error(served_.post("/predict", R"({"inputs": []})"), 422, "Validation", "invalid length 0");
  expect_tei_error(served_.post("/predict", R"({"inputs": ["a", "b", "c"]})"), 422, "Validation", "invalid length 3");
  expect_tei_error(served_.post("/predict", R"({"inputs": [["a", "b", "c"]]})"), 422, "Validation", "invalid length 3");
  expect_tei_error(served_.post("/predict", R"({"inputs": [["a"], "b"]})"), 422, "Validation", "inputs[1]");
  expect_tei_error(served_.post("/predict", R"({"inputs": ["a", 3]})"), 422, "Validation", "inputs[1]: expected a string, found a number (3)");
  expect_tei_error(served_.post("/predict", R"({"inputs": "a", "raw_scores": 1})"), 422, "Validation", "raw_scores");
  expect_tei_error(served_.post("/predict?model=nobody", R"({"inputs": "a"})"), 404, "Validation", "\"tiny\"");
}

TEST_F(Tei, MoreTextsThanAllowedAreRefusedInItsWords) {
  served_.limits.max_client_batch_size = 2;
  const std::string message = "batch size 3 > maximum allowed batch size 2";
  expect_tei_error(served_.post("/predict", R"({"inputs": [["a"], ["b"], ["c"]]})"), 422, "Validation", message);
  expect_tei_error(served_.post("/tokenize", R"({"inputs": ["a", "b", "c"]})"), 422, "Validation", message);
}

TEST_F(Tei, OnlyAModelOfOneLabelReranks) {
  expect_tei_error(served_.post("/rerank", R"({"query": "q", "texts": ["a"]})"), 424, "Backend", "model is not a re-ranker model");
  expect_tei_error(served_.post("/rerank", R"({"query": "q", "texts": []})"), 400, "Empty", "`texts` cannot be empty");
}

TEST(TeiRerank, RanksByTheSigmoidOfTheScore) {
  Served served(TinyCheckpoint{.seed = 5, .labels = {"LABEL_0"}});
  const std::vector<std::string> texts = {"good book", "bad film", "love"};
  const ServedAnswer answer = served.post("/rerank", json{{"query", "film"}, {"texts", texts}, {"return_text", true}}.dump());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json ranks = answer.json();
  ASSERT_EQ(ranks.size(), 3u);
  float before = 2;
  for (const json& rank : ranks) {
    const std::string& text = texts.at(rank["index"]);
    EXPECT_EQ(rank["text"], text);
    const TextInput input{"film", text};
    EXPECT_EQ(rank["score"].get<float>(), served.classifier()(std::span(&input, 1)).front().score);
    EXPECT_LE(rank["score"].get<float>(), before);
    before = rank["score"];
  }
  EXPECT_FALSE(answer.header("x-compute-tokens").empty());
  const json raw = served.post("/rerank", json{{"query", "film"}, {"texts", texts}, {"raw_scores", true}}.dump()).json();
  EXPECT_FALSE(raw[0].contains("text"));
  EXPECT_EQ(raw[0]["index"], ranks[0]["index"]);
  EXPECT_NE(raw[0]["score"], ranks[0]["score"]);
  served.limits.max_client_batch_size = 2;
  expect_tei_error(served.post("/rerank", json{{"query", "film"}, {"texts", texts}}.dump()), 422, "Validation", "batch size 3");
  expect_tei_error(served.post("/rerank", R"({"texts": ["a"]})"), 422, "Validation", "query");
  served.limits.max_client_batch_size = 1000;
  expect_tei_error(served.post("/rerank", json{{"query", std::string(100'000, 'q')}, {"texts", std::vector<std::string>(1000, "a")}}.dump()), 413, "Validation",
               "at most 16000 bytes for 1000 texts");
  EXPECT_TRUE(served.get("/info").json()["model_type"].contains("reranker"));
}

TEST(TeiScores, ProblemTypeSaysTheFunction) {
  Served served(TinyCheckpoint{.seed = 7, .labels = {"x", "y"}, .edit_config = [](auto& config) { config["problem_type"] = "multi_label_classification"; }});
  const json answer = served.post("/predict", R"({"inputs": "good book"})").json();
  const Classification expected = served.classifier()("good book", {.function_to_apply = FunctionToApply::sigmoid, .top_k = 2});
  for (std::size_t at = 0; at < 2; ++at) EXPECT_EQ(answer[at]["score"].get<float>(), expected.scores[at].score);
}

TEST_F(Tei, TokensHaveTheirBytes) {
  const ServedAnswer answer = served_.post("/tokenize", R"({"inputs": "lövé book"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json tokens = answer.json();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens[0].front(), (json{{"id", 2}, {"text", "[CLS]"}, {"special", true}, {"start", nullptr}, {"stop", nullptr}}));
  const json last = tokens[0][tokens[0].size() - 2];
  EXPECT_EQ(last["text"], "book");
  EXPECT_EQ(last["start"], 7);
  EXPECT_EQ(last["stop"], 11);
  EXPECT_EQ(last["special"], false);
  EXPECT_EQ(tokens[0][1]["start"], 0);
  const json bare = served_.post("/tokenize", R"({"inputs": ["book", "a b"], "add_special_tokens": false})").json();
  ASSERT_EQ(bare.size(), 2u);
  EXPECT_EQ(bare[0].size(), 1u);
  EXPECT_EQ(bare[1].size(), 2u);
  expect_tei_error(served_.post("/tokenize", R"({"inputs": []})"), 400, "Empty", "`inputs` cannot be empty");
  expect_tei_error(served_.post("/tokenize", R"({"inputs": "a", "prompt_name": "query"})"), 422, "Validation", "prompt_name");
  expect_tei_error(served_.post("/tokenize", R"({"inputs": {}})"), 422, "Validation", "inputs: expected an array");
  expect_tei_error(served_.post("/tokenize", json{{"inputs", std::string(24 * 250 + 1, 'a')}}.dump()), 422, "Validation", "6000 characters. Given: 6001");
}

TEST_F(Tei, InfoHasItsFields) {
  served_.limits.max_length = 16;
  const json found = served_.get("/info").json();
  EXPECT_EQ(found["served_model_name"], "tiny");
  EXPECT_EQ(found["model_sha"], "revision-of-tiny");
  EXPECT_EQ(found["model_dtype"], "float32");
  EXPECT_EQ(found["model_type"]["classifier"]["id2label"], (json{{"0", "bad"}, {"1", "so-so"}, {"2", "good"}}));
  EXPECT_EQ(found["model_type"]["classifier"]["label2id"], (json{{"bad", 0}, {"so-so", 1}, {"good", 2}}));
  EXPECT_EQ(found["max_input_length"], 16);
  EXPECT_EQ(found["max_client_batch_size"], served_.limits.max_client_batch_size);
  EXPECT_EQ(found["max_concurrent_requests"], served_.limits.max_concurrent_requests);
  EXPECT_EQ(found["auto_truncate"], true);
  for (const char* absent : {"max_batch_requests", "sha", "docker_label"}) EXPECT_TRUE(found.at(absent).is_null()) << absent;
  for (const char* there : {"model_id", "max_batch_tokens", "tokenization_workers", "version"}) EXPECT_TRUE(found.contains(there)) << there;
}

TEST_F(Tei, HealthIsReadiness) {
  for (const char* path : {"/health", "/ping"}) {
    served_.ready = true;
    EXPECT_EQ(served_.get(path).status, 200);
    EXPECT_EQ(served_.get(path).body, "");
    served_.ready = false;
    expect_tei_error(served_.get(path), 503, "Unhealthy", "unhealthy");
  }
}

TEST_F(Tei, AScoreThatIsNoNumberIsNoAnswer) {
  Served served(TinyCheckpoint{.edit_tensors = [](auto& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name == "classifier.bias") tensor.values[0] = std::numeric_limits<float>::quiet_NaN();
    }
  }});
  expect_tei_error(served.post("/predict", R"({"inputs": "a"})"), 424, "Backend", "not a number");
}

TEST(TeiProblems, EveryKindHasItsStatus) {
  const ProblemWriter write = text_embeddings_inference_routes().front().problem;
  const std::pair<ProblemKind, int> statuses[] = {{ProblemKind::unauthorized, 401}, {ProblemKind::too_large, 413}, {ProblemKind::timeout, 408},
                                                  {ProblemKind::draining, 503},     {ProblemKind::failed, 424},    {ProblemKind::not_found, 404}};
  for (const auto& [kind, status] : statuses) EXPECT_EQ(write(Problem(kind, "")).status, status);
  const HttpResponse busy = write(Problem(ProblemKind::overloaded, "Model is overloaded"));
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(json::parse(busy.body), (json{{"error", "Model is overloaded"}, {"error_type", "Overloaded"}}));
}

}  // namespace
}  // namespace filbert::serve
