// Our own dialect: /v1/classify in all its forms, /v1/tokenize, /v1/models.
#include <gtest/gtest.h>

#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

std::string books_and_loves(std::size_t count) {
  std::string text;
  for (std::size_t word = 0; word < count; ++word) text += word % 2 == 0 ? "book " : "love ";
  return text;
}

void expect_own_error(const ServedAnswer& answer, int status, std::string_view type, std::string_view part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const json body = answer.json(), error = body.at("error");
  EXPECT_EQ(body.size(), 1u);
  EXPECT_EQ(error["type"], type) << answer.body;
  EXPECT_EQ(error["code"], status) << answer.body;
  EXPECT_NE(error["message"].get<std::string>().find(part), std::string::npos) << answer.body;
}

class OwnApi : public testing::Test {
 protected:
  ServedAnswer classify(const json& request) const { return served_.post("/v1/classify", request.dump()); }
  json data(const json& request) const {
    const ServedAnswer answer = classify(request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().at("data");
  }
  Classification answer(std::string_view text, std::optional<std::string_view> pair = {}, const ClassifyOptions& options = {}) const {
    const TextInput input{text, pair};
    return served_.classifier()(std::span(&input, 1), options).front();
  }
  static void expect_answer(const json& found, const Classification& expected) {
    EXPECT_EQ(found["label"], expected.label);
    EXPECT_EQ(found["score"].get<float>(), expected.score);
    EXPECT_EQ(found["tokens_total"], expected.tokens_total);
    EXPECT_EQ(found["tokens_used"], expected.tokens_used);
    EXPECT_EQ(found["truncated"], expected.truncated);
    ASSERT_EQ(found["scores"].size(), expected.scores.size());
    for (std::size_t at = 0; at < expected.scores.size(); ++at) {
      EXPECT_EQ(found["scores"][at]["label"], expected.scores[at].label);
      EXPECT_EQ(found["scores"][at]["score"].get<float>(), expected.scores[at].score);
    }
  }
  Served served_{{{"tiny", TinyCheckpoint{.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}},
                  {"several", TinyCheckpoint{.seed = 3, .labels = {"x", "y"},
                                             .edit_config = [](auto& config) { config["problem_type"] = "multi_label_classification"; }}}}};
};

TEST_F(OwnApi, TheAnswerHasTheShapeOfVllmAndMore) {
  const json found = classify({{"input", "good book"}, {"request_id", "seven"}}).json();
  EXPECT_EQ(found["id"], "classify-seven");
  EXPECT_EQ(found["object"], "list");
  EXPECT_EQ(found["model"], "tiny");
  EXPECT_GT(found["created"], 1'700'000'000);
  EXPECT_EQ(found["usage"], (json{{"prompt_tokens", 4}, {"total_tokens", 4}, {"completion_tokens", 0}, {"prompt_tokens_details", nullptr}}));
  ASSERT_EQ(found["data"].size(), 1u);
  const json answered = found["data"][0];
  const Classification expected = answer("good book");
  expect_answer(answered, expected);
  EXPECT_EQ(answered["index"], 0);
  EXPECT_EQ(answered["num_classes"], 3);
  for (std::size_t at = 0; at < 3; ++at) EXPECT_EQ(answered["probs"][at].get<float>(), expected.scores[at].score);
  for (const char* absent : {"logits", "labels", "windows", "error"}) EXPECT_FALSE(answered.contains(absent)) << absent;
  EXPECT_EQ(served_.post("/classify", R"({"input": "good book"})").json()["data"], found["data"]);
  EXPECT_NE(classify({{"input", "a"}}).json()["id"], classify({{"input", "a"}}).json()["id"]);
  EXPECT_EQ(served_.post("/v1/classify", R"({"input": "a"})", {{"x-request-id", "of-header"}}).json()["id"], "classify-of-header");
}

TEST_F(OwnApi, InputComesInEveryForm) {
  const json found = data({{"input", {"good", {"bad", "film"}, {"love"}, {{"text", "bad"}, {"text_pair", "book"}}, ""}}});
  ASSERT_EQ(found.size(), 5u);
  expect_answer(found[0], answer("good"));
  expect_answer(found[1], answer("bad", "film"));
  expect_answer(found[2], answer("love"));
  expect_answer(found[3], answer("bad", "book"));
  expect_answer(found[4], answer(""));
  EXPECT_EQ(found[4]["index"], 4);
  expect_answer(data({{"input", {{"text", "good"}}}})[0], answer("good"));
  ASSERT_EQ(data({{"input", {"good", "bad"}}}).size(), 2u);  // two texts, not a pair
}

TEST_F(OwnApi, RowsOfIdsAreTakenAsTheyAre) {
  const BatchEncoding encoding = served_.classifier().tokenizer()("good book");
  const json row = encoding.input_ids;
  expect_answer(data({{"input", row}})[0], answer("good book"));
  const json found = data({{"input", {row, row}}});
  ASSERT_EQ(found.size(), 2u);
  expect_answer(found[1], answer("good book"));
  expect_own_error(classify({{"input", {2, 101, 3}}}), 400, "invalid", "expected ids from 0 to 100, found 101");
  expect_own_error(classify({{"input", {{2, 3}, {2, -1}}}}), 400, "invalid", "input[1][1]");
  expect_own_error(classify({{"input", {{2, 3}, "a"}}}), 400, "invalid", "input[1]: expected an array");
  expect_own_error(classify({{"input", std::vector<int>(25, 5)}}), 400, "invalid", "at most 24 ids");
  served_.limits.max_length = 3;
  expect_own_error(classify({{"input", {2, 5, 6, 3}}}), 400, "invalid", "at most 3 ids");
}

TEST_F(OwnApi, OptionsAreThoseOfTheLibrary) {
  const json best = data({{"input", "good book"}, {"top_k", 2}, {"return_logits", true}})[0];
  const Classification expected = answer("good book", {}, {.top_k = 2});
  expect_answer(best, expected);
  EXPECT_EQ(best["probs"].size(), 3u);
  EXPECT_EQ(best["logits"].get<std::vector<float>>(), expected.logits);
  expect_answer(data({{"input", "good book"}, {"function_to_apply", "sigmoid"}})[0], answer("good book", {}, {.function_to_apply = FunctionToApply::sigmoid}));
  expect_answer(data({{"input", books_and_loves(30)}, {"max_length", 10}})[0], answer(books_and_loves(30), {}, {.max_length = 10}));
  expect_answer(data({{"input", json::array({json::array({books_and_loves(4), books_and_loves(30)})})}, {"truncation", "only_second"}})[0], answer(books_and_loves(4), books_and_loves(30), {.truncation = Truncation::only_second}));
  const json several = data({{"model", "several"}, {"input", "good book"}, {"threshold", 0.5}})[0];
  EXPECT_EQ(several["labels"].get<std::vector<std::string>>(), served_.classifier(1)("good book", {.threshold = 0.5F}).labels);
}

TEST_F(OwnApi, WindowsAreShown) {
  const json found = data({{"input", books_and_loves(60)}, {"long_text", "windows"}, {"stride", 4}, {"combine", "max"}, {"offset_unit", "utf16"}, {"top_k", 1}})[0];
  const Classification expected = answer(books_and_loves(60), {}, {.top_k = 1, .long_text = LongText::windows, .stride = 4, .combine = Combine::max});
  expect_answer(found, expected);
  ASSERT_EQ(found["windows"].size(), expected.windows.size());
  ASSERT_GT(expected.windows.size(), 2u);
  for (std::size_t at = 0; at < expected.windows.size(); ++at) {
    const json window = found["windows"][at];
    EXPECT_EQ(window["begin"], expected.windows[at].offset.begin);
    EXPECT_EQ(window["end"], expected.windows[at].offset.end);
    EXPECT_EQ(window["tokens_used"], expected.windows[at].tokens_used);
    EXPECT_EQ(window["score"].get<float>(), expected.windows[at].score);
    EXPECT_EQ(window["scores"].size(), 1u);
  }
  expect_own_error(classify({{"input", "a"}, {"stride", 4}}), 400, "invalid", "\"long_text\": \"windows\" beside it");
}

TEST_F(OwnApi, WindowsThatWouldBeEndlessAreRefused) {
  const std::string text(1'000'000, 'a');
  EXPECT_NO_THROW(served_.plan("/v1/classify", json{{"input", text}, {"long_text", "windows"}}.dump()));
  expect_own_error(classify({{"input", text}, {"long_text", "windows"}, {"stride", 20}}), 413, "too_large", "a smaller stride");
  expect_own_error(classify({{"input", json::array({json::array({text, std::string(100, 'b')})})}, {"long_text", "windows"}}), 413, "too_large", "windows of at most");
}

TEST_F(OwnApi, ABadTextFailsAlone) {
  const ServedAnswer response = classify({{"input", {"good", books_and_loves(30), "bad"}}, {"truncation", false}});
  ASSERT_EQ(response.status, 200) << response.body;
  const json found = response.json();
  expect_answer(found["data"][0], answer("good"));
  expect_answer(found["data"][2], answer("bad"));
  EXPECT_EQ(found["data"][1]["index"], 1);
  EXPECT_EQ(found["data"][1]["error"]["type"], "invalid");
  EXPECT_NE(found["data"][1]["error"]["message"].get<std::string>().find("24 tokens, found 32"), std::string::npos);
  EXPECT_FALSE(found["data"][1].contains("label"));
  expect_own_error(classify({{"input", books_and_loves(30)}, {"truncation", "do_not_truncate"}}), 400, "invalid", "24 tokens, found 32");
}

TEST_F(OwnApi, FieldsOfVllmMeanWhatTheyMeanThere) {
  expect_answer(data({{"input", books_and_loves(30)}, {"truncate_prompt_tokens", 8}, {"user", "me"}})[0], answer(books_and_loves(30), {}, {.max_length = 8}));
  expect_answer(data({{"input", books_and_loves(30)}, {"truncate_prompt_tokens", -1}, {"add_special_tokens", true}})[0], answer(books_and_loves(30)));
  expect_answer(data({{"input", "a"}, {"use_activation", false}})[0], answer("a", {}, {.function_to_apply = FunctionToApply::none}));
  expect_own_error(classify({{"input", "a"}, {"add_special_tokens", false}}), 400, "invalid", "add_special_tokens: expected true");
  const auto urgency = [&](std::int64_t priority) {
    return std::get<ClassifyPlan>(served_.plan("/v1/classify", json{{"input", "a"}, {"priority", priority}}.dump())).urgency;
  };
  EXPECT_EQ(urgency(0), 3);
  EXPECT_EQ(urgency(-1), 2);
  EXPECT_EQ(urgency(-1000), 0);
  EXPECT_EQ(urgency(1000), 7);
  EXPECT_EQ(std::get<ClassifyPlan>(served_.plan("/v1/classify", R"({"input": "a", "timeout_ms": 250})")).timeout, std::chrono::milliseconds(250));
}

TEST_F(OwnApi, WhatIsWrongIsNamed) {
  expect_own_error(served_.post("/v1/classify", "{"), 400, "malformed", "JSON");
  expect_own_error(served_.post("/v1/classify", R"({"input": "\ud800"})"), 400, "malformed", "lone surrogate");
  expect_own_error(classify({{"text", "a"}}), 400, "invalid", "expected no field \"text\"");
  expect_own_error(classify({{"input", "a"}, {"topk", 1}}), 400, "invalid", "did you mean \"top_k\"?");
  expect_own_error(classify(json::object()), 400, "invalid", "\"input\"");
  expect_own_error(classify({{"input", json::array()}}), 400, "empty", "at least one text");
  expect_own_error(classify({{"input", 3}}), 400, "invalid", "input: expected a text, or a pair");
  expect_own_error(classify({{"input", {{"a", "b", "c"}}}}), 400, "invalid", "input[0]: expected a text, or a pair [text, text_pair], found an array of 3");
  expect_own_error(classify({{"input", {{{"text", "a"}, {"pair", "b"}}}}}), 400, "invalid", "input[0]: expected no field \"pair\"");
  expect_own_error(classify({{"input", {"a", 3}}}), 400, "invalid", "input[1]");
  expect_own_error(classify({{"input", "a"}, {"model", "nobody"}}), 404, "not_found", "\"tiny\", \"several\"");
  expect_own_error(classify({{"input", "a"}, {"max_length", 25}}), 400, "invalid", "at most 24");
  expect_own_error(classify({{"input", "a"}, {"max_length", 1}}), 400, "invalid", "max_length");
  expect_own_error(classify({{"input", "a"}, {"top_k", 0}}), 400, "invalid", "top_k");
  expect_own_error(classify({{"input", "a"}, {"threshold", 0.5}}), 400, "invalid", "sigmoid");
  expect_own_error(classify({{"input", "a"}, {"threshold", 2}}), 400, "invalid", "threshold: expected a number from 0 to 1");
  expect_own_error(classify({{"input", "a"}, {"truncation", "most"}}), 400, "invalid", "most");
  expect_own_error(classify({{"input", "a"}, {"long_text", "cut"}}), 400, "invalid", "truncate or windows");
  expect_own_error(classify({{"input", "a"}, {"function_to_apply", 3}}), 400, "invalid", "function_to_apply: expected a string");
  expect_own_error(classify({{"input", "a"}, {"timeout_ms", 0}}), 400, "invalid", "timeout_ms");
}

TEST_F(OwnApi, EveryKindKeepsItsNameAndStatus) {
  const ProblemWriter write = own_routes().front().problem;
  for (int kind = 0; kind <= static_cast<int>(ProblemKind::failed); ++kind) {
    const ProblemKindInfo& row = info(static_cast<ProblemKind>(kind));
    const HttpResponse response = write(Problem(row.kind, "why"));
    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(json::parse(response.body), (json{{"error", {{"message", "why"}, {"type", row.name}, {"code", row.status}}}}));
  }
}

TEST_F(OwnApi, TokensHaveTheirPlaces) {
  const ServedAnswer response = served_.post("/v1/tokenize", json{{"input", {"😀 book", {"good", "film"}}}, {"offset_unit", "utf16"}}.dump());
  ASSERT_EQ(response.status, 200) << response.body;
  const json found = response.json();
  EXPECT_EQ(found["offset_unit"], "utf16");
  ASSERT_EQ(found["data"].size(), 2u);
  const json tokens = found["data"][0]["tokens"];
  ASSERT_EQ(tokens.size(), 4u);
  EXPECT_EQ(tokens[0], (json{{"id", 2}, {"token", "[CLS]"}, {"start", 0}, {"end", 0}, {"type_id", 0}, {"special", true}, {"unknown", false},
                             {"word_id", nullptr}, {"sequence_id", nullptr}}));
  EXPECT_EQ(tokens[1]["unknown"], true);
  EXPECT_EQ(tokens[1]["end"], 2);
  EXPECT_EQ(tokens[2]["token"], "book");
  EXPECT_EQ(tokens[2]["start"], 3);
  EXPECT_EQ(found["data"][1]["tokens"][3]["sequence_id"], 1);
  EXPECT_EQ(found["data"][1]["tokens"][3]["type_id"], 1);
  const auto tokenize = [&](json request) { return served_.post("/v1/tokenize", request.dump()); };
  EXPECT_EQ(tokenize({{"input", "😀 book"}}).json()["data"][0]["tokens"][2]["start"], 2);
  const json cut = tokenize({{"input", books_and_loves(30)}}).json()["data"][0];
  EXPECT_EQ(cut["tokens"].size(), 24u);
  EXPECT_EQ(cut["tokens_total"], 32);
  EXPECT_EQ(cut["truncated"], true);
  EXPECT_EQ(tokenize({{"input", books_and_loves(30)}, {"truncation", false}, {"add_special_tokens", false}}).json()["data"][0]["tokens"].size(), 30u);
  EXPECT_EQ(tokenize({{"input", books_and_loves(30)}, {"max_length", 6}}).json()["data"][0]["tokens_used"], 6);
  expect_own_error(tokenize({{"input", "a"}, {"unit", "bytes"}}), 400, "invalid", "expected no field \"unit\"");
  expect_own_error(tokenize({{"input", "a"}, {"offset_unit", "words"}}), 400, "invalid", "words");
  expect_own_error(tokenize({{"input", {1, 2}}}), 400, "invalid", "input[0]");
  expect_own_error(tokenize({{"input", std::string(200'001, 'a')}}), 413, "too_large", "200000 bytes");
}

TEST_F(OwnApi, ModelsSayWhatTheyAre) {
  const json found = served_.get("/v1/models").json();
  EXPECT_EQ(found["object"], "list");
  ASSERT_EQ(found["data"].size(), 2u);
  const json model = found["data"][1];
  EXPECT_EQ(model["id"], "several");
  EXPECT_EQ(model["object"], "model");
  EXPECT_EQ(model["id2label"], (json{{"0", "x"}, {"1", "y"}}));
  EXPECT_EQ(model["function_to_apply"], "sigmoid");
  EXPECT_EQ(model["dtype"], "f32");
  EXPECT_EQ(model["max_length"], 64);
  EXPECT_EQ(model["revision"], "revision-of-several");
  EXPECT_EQ(model["has_mask_token"], true);
  EXPECT_EQ(found["server"]["explain"], true);
  EXPECT_EQ(found["server"]["max_client_batch_size"], served_.limits.max_client_batch_size);
  EXPECT_EQ(served_.get("/v1/models/several").json()["id"], "several");
  expect_own_error(served_.get("/v1/models/nobody"), 404, "not_found", "nobody");
}

TEST_F(OwnApi, AScoreThatIsNoNumberIsAProblemOfItsText) {
  const Served served(TinyCheckpoint{.edit_tensors = [](auto& tensors) { tensors.at("classifier.bias").values[0] = std::numeric_limits<float>::infinity(); }});
  const ServedAnswer response = served.post("/v1/classify", R"({"input": "a", "function_to_apply": "none"})");
  expect_own_error(response, 500, "failed", "not a number");
  EXPECT_EQ(response.body.find("null"), std::string::npos);
}

}  // namespace
}  // namespace filbert::serve
