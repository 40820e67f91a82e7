// /similar: the JSON of the library, of a model that is served with its index; which token is meant; limits; and an index of another model.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/contexts.h>
#include <filbert/error.h>

#include "base/json_writer.h"
#include "explain/contexts_json.h"
#include "reference/expect_error.h"
#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;

class SimilarApi : public testing::Test {
 protected:
  static std::shared_ptr<const ContextIndex> index_of(const std::filesystem::path& checkpoint) {
    const auto classifier = pipeline("text-classification", checkpoint, {.num_threads = 1});
    const CheckpointHashes hashes = checkpoint_hashes(classifier);
    IndexInfo origin;
    origin.model_sha256 = hashes.weights;
    origin.tokenizer_sha256 = hashes.tokenizer;
    const std::filesystem::path file = checkpoint / "contexts.filbert";
    ContextIndexWriter writer(classifier, file, origin, {.layers = {{0, 1}}});
    const std::vector<CorpusText> texts = {{1, "I love this book", "good"}, {2, "not good, not bad!", {}}, {3, "this film was good 42", "bad"}, {4, "very bad film", {}}};
    writer.add(texts);
    writer.finish();
    return std::make_shared<const ContextIndex>(ContextIndex::open(file));
  }
  ServedAnswer similar(const json& request) const { return served_.post("/similar", request.dump()); }
  void expect_problem(const json& request, int status, std::string_view type, std::string_view part) const {
    const ServedAnswer answer = similar(request);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.json()["error"]["type"], type) << answer.body;
    EXPECT_NE(answer.json()["error"]["message"].get<std::string>().find(part), std::string::npos) << answer.body;
  }

  const reference::TemporaryDirectory directory_ =
      reference::write_checkpoint({.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}});
  const std::shared_ptr<const ContextIndex> index_ = index_of(directory_.path());
  Served served_{directory_.path(), index_};
};

// What differs from run to run, or from caller to caller.
json without_run(json report) {
  for (const char* key : {"milliseconds", "command", "model"}) report.erase(key);
  return report;
}

TEST_F(SimilarApi, TheAnswerIsThatOfTheLibrary) {
  const ServedAnswer answer = similar({{"text", "this good book"}, {"text_pair", "love it"}, {"token", "good"}, {"layer", 0}, {"by", "context"}, {"heads", "1"},
                                       {"top_k", 7}, {"mask", "book"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  JsonWriter expected;
  write_json(filbert::similar(served_.classifier(), *index_, {"this good book", "love it"}, {{}, "good"},
                              {.layer = 0, .by = SimilarBy::context, .heads = {1}, .top_k = 7, .mask = {{{}, "book"}}}), expected);
  const json found = answer.json();
  EXPECT_EQ(without_run(found), without_run(json::parse(expected.take_line())));
  EXPECT_EQ(found["hits"].size(), 7u);
  EXPECT_EQ(found["masked"].size(), 1u);
  EXPECT_TRUE(found["command"].get<std::string>().starts_with("POST /similar {")) << found["command"];
  EXPECT_EQ(answer.body.find('\n'), answer.body.size() - 1);
}

TEST_F(SimilarApi, ATokenMayBeMeantByItsPlace) {
  const auto token = [&](json request) {
    request.update({{"top_k", 1}, {"attention", false}});
    const ServedAnswer answer = similar(request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json()["token"];
  };
  const json pair{{"text", "a bad film"}, {"text_pair", "love it"}};
  const auto with = [](json request, const json& more) { return request.update(more), request; };
  EXPECT_EQ(token(with(pair, {{"token", 2}}))["token"], "bad");
  for (const int position : {2, 3, 4}) EXPECT_EQ(token(with(pair, {{"position", position}}))["token"], "bad");
  EXPECT_EQ(token(with(pair, {{"position", 5}}))["start"], 6);  // white space: what follows
  const json found = token(with(pair, {{"position", 1}, {"sequence_id", 1}}));
  EXPECT_EQ(found["token"], "love");
  EXPECT_EQ(found["sequence_id"], 1);
  EXPECT_EQ(found["start"], 0);
  // An emoji is one code point, two units of UTF-16, four bytes.
  for (const auto& [unit, position] : {std::pair{"code_points", 2}, {"utf16", 3}, {"bytes", 5}}) {
    EXPECT_EQ(token({{"text", "\U0001F600 bad film"}, {"position", position}, {"offset_unit", unit}})["token"], "bad") << unit;
  }
}

TEST_F(SimilarApi, APageIsSelfContained) {
  const ServedAnswer answer = similar({{"text", "I love this book"}, {"text_pair", "a film"}, {"token", "love"}, {"format", "html"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(answer.body.starts_with("<!DOCTYPE html>"));
  EXPECT_NE(answer.body.find("In their sentences"), std::string::npos);
}

TEST_F(SimilarApi, WhoeverIsGoneIsNotComputedFor) {
  served_.cancelled = true;
  const json found = similar({{"text", "I love this book"}, {"token", "love"}}).json();
  EXPECT_EQ(found["counts"]["most"], json::array());
  EXPECT_FALSE(found["hits"].empty());
  EXPECT_NE(found["warnings"].dump().find("stopped: the attention in"), std::string::npos) << found["warnings"];
}

TEST_F(SimilarApi, AnExplanationMayHaveIt) {
  const json request{{"text", "I love this bad book"}, {"method", "occlusion"}, {"with_contexts", true}, {"values_only", true}};
  const json found = served_.post("/explain", request.dump()).json();
  ReportOptions options;
  options.methods = {"occlusion"};
  const ExplainReport report = explain(served_.classifier(), {"I love this bad book"}, options);
  JsonWriter expected;
  write_json(explained_contexts(served_.classifier(), *index_, report, {.top_k = 10}), expected);
  json contexts = json::parse(expected.take_line());
  ASSERT_EQ(found.at("contexts"), contexts);
  EXPECT_EQ(contexts["units"].size(), 3u);
  json page = request;
  page["format"] = "html";
  EXPECT_NE(served_.post("/explain", page.dump()).body.find("Where else these words stand so"), std::string::npos);
  const ServedAnswer without = Served(directory_.path()).post("/explain", request.dump());
  EXPECT_EQ(without.status, 501);
  EXPECT_NE(without.body.find("filbert serve --index"), std::string::npos) << without.body;
}

TEST_F(SimilarApi, ModelsSayWhatTheyAreServedWith) {
  const json with = served_.get("/v1/models").json()["data"][0];
  EXPECT_EQ(with["index"]["texts"], 4);
  EXPECT_EQ(with["index"]["tokens"], index_->info().tokens);
  EXPECT_EQ(with["index"]["gold"], 2);
  EXPECT_EQ(with["index"]["layers"], (json{{{"layer", 0}, {"heads", 2}}, {{"layer", 1}, {"heads", 2}}}));
  EXPECT_FALSE(Served(directory_.path()).get("/v1/models").json()["data"][0].contains("index"));
}

TEST_F(SimilarApi, WhatIsWrongIsNamed) {
  const json ask{{"text", "I love this book"}, {"token", "love"}};
  const auto with = [&](const json& more) {
    json request = ask;
    return request.update(more), request;
  };
  expect_problem({{"token", 1}}, 400, "invalid", "\"text\"");
  expect_problem({{"text", "a"}}, 400, "invalid", "token: expected the number of a token or a word of the text, or position, found neither");
  expect_problem(with({{"tokn", 1}}), 400, "invalid", "did you mean \"token\"?");
  expect_problem(with({{"token", 0}}), 400, "invalid", "[CLS], a special token");
  expect_problem(with({{"token", 99}}), 400, "invalid", "token: expected one of 1 i, 2 love");
  expect_problem(with({{"token", "hate"}}), 400, "invalid", "found \"hate\"");
  expect_problem(with({{"position", 1}}), 400, "invalid", "position");
  expect_problem(with({{"sequence_id", 1}}), 400, "invalid", "sequence_id: expected position beside it");
  expect_problem({{"text", "love"}, {"position", 0}, {"sequence_id", 1}}, 400, "invalid", "there is no text_pair");
  expect_problem({{"text", "love "}, {"position", 5}}, 400, "invalid", "before or in a token (1 love), found byte 5");
  expect_problem(with({{"layer", 2}}), 400, "invalid", "layer: expected one that is in the index (0, 1), found 2");
  expect_problem(with({{"heads", "2"}}), 400, "invalid", "heads: expected numbers from 0 to 1, found 2");
  expect_problem(with({{"by", "sound"}}), 400, "invalid", "by: expected");
  expect_problem(with({{"top_k", 0}}), 400, "invalid", "top_k");
  expect_problem(with({{"top_k", 201}}), 400, "invalid", "top_k");
  expect_problem(with({{"mask", "hate"}}), 400, "invalid", "mask");
  expect_problem(with({{"format", "pdf"}}), 400, "invalid", "json or html");
  expect_problem(with({{"text", ""}}), 400, "invalid", "token");
  expect_problem(with({{"text", std::string(16'385, 'a')}}), 413, "too_large", "at most 16384 bytes");
  expect_problem(with({{"model", "nobody"}}), 404, "not_found", "nobody");
  served_.explain = false;
  expect_problem(ask, 403, "forbidden", "--explain");
}

TEST_F(SimilarApi, AModelWithoutAnIndexSaysSo) {
  const ServedAnswer answer = Served(directory_.path()).post("/similar", json{{"text", "a"}, {"token", 1}}.dump());
  EXPECT_EQ(answer.status, 501);
  EXPECT_NE(answer.body.find("filbert serve --index"), std::string::npos) << answer.body;
}

TEST_F(SimilarApi, AnIndexOfAnotherModelIsRefused) {
  const reference::TemporaryDirectory other = reference::write_checkpoint({.seed = 22, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}});
  reference::expect_error(ErrorKind::invalid_argument, {"contexts.filbert", "model", "sha256", index_->info().model_sha256}, [&] { Served(other.path(), index_); });
}

}  // namespace
}  // namespace filbert::serve
