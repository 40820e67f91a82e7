// Models that label tokens, beside those that label texts: every dialect gives the library's own entities, and each route knows which model is for it.
#include <chrono>
#include <future>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/entities.h>

#include "infer/architecture.h"
#include "postprocess/entities_json.h"
#include "reference/served.h"
#include "serve/answering.h"
#include "serve/problem.h"
#include "serve/served_tiny.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

constexpr std::string_view kText = "I really love this book, not good";

class EntitiesApi : public testing::Test {
 protected:
  static json expected(std::string_view text, const TokenClassificationOptions& options = {.aggregation_strategy = AggregationStrategy::simple}) {
    JsonWriter writer;
    write_entities(finder()->finder()(text, options).entities, options.aggregation_strategy, writer);
    return json::parse(writer.take_line());
  }
  static std::shared_ptr<const ServedModel> finder() {
    static const auto model = [] {
      const auto directory = reference::write_checkpoint(reference::tiny_finder());
      return make_served_model("names", "names", "0", pipeline<TokenClassificationPipeline>("ner", directory.path(), {}, {.num_threads = 1}));
    }();
    return model;
  }
  // The error's message, whatever the dialect.
  static std::string message(const ServedAnswer& answer) {
    const json error = answer.json().at("error");
    return error.is_string() ? error.get<std::string>() : error.at("message").get<std::string>();
  }
  Served served_{{{"stars", TinyCheckpoint{.seed = 21, .max_position_embeddings = 24}}, {"names", reference::tiny_finder()}}};
};

TEST_F(EntitiesApi, TheModelFindsSomethingInTheTextOfTheseTests) { EXPECT_GT(expected(kText).size(), 1u); }

TEST_F(EntitiesApi, InferenceApiGivesAListForATextAndListsForAList) {
  const json one = served_.post("/models/names", R"({"inputs": ")" + std::string(kText) + R"("})").json();
  EXPECT_EQ(one, expected(kText));
  EXPECT_EQ(one[0].size(), 5u);
  EXPECT_TRUE(one[0].contains("entity_group") && one[0].contains("word") && one[0].contains("start") && one[0].contains("end") && one[0].contains("score"));
  const json several = served_.post("/models/names", R"({"inputs": ["good book", ""]})").json();
  EXPECT_EQ(several, json::array({expected("good book"), json::array()}));
}

TEST_F(EntitiesApi, InferenceApiTakesTheParametersOfThePipeline) {
  const auto ask = [&](const std::string& parameters) {
    return served_.post("/models/names", R"({"inputs": ")" + std::string(kText) + R"(", "parameters": )" + parameters + "}").json();
  };
  EXPECT_EQ(ask(R"({"aggregation_strategy": "none"})"), expected(kText, {}));
  EXPECT_EQ(ask(R"({"aggregation_strategy": "max", "ignore_labels": []})"),
            expected(kText, {.aggregation_strategy = AggregationStrategy::max, .ignore_labels = {}}));
  EXPECT_EQ(ask(R"({"ignore_labels": ["O", "PER"], "stride": 2, "max_length": 6})"),
            expected(kText, {.aggregation_strategy = AggregationStrategy::simple, .ignore_labels = {"O", "PER"}, .max_length = 6, .stride = 2}));
  EXPECT_NE(ask(R"({"aggregation_strategy": "none", "stride": 2})").dump().find("aggregation_strategy: expected simple"), std::string::npos);
  EXPECT_EQ(served_.get("/models/names").json()["pipeline_tag"], "token-classification");
  EXPECT_EQ(served_.get("/models/stars").json()["pipeline_tag"], "text-classification");
}

TEST_F(EntitiesApi, OurOwnRouteHasTheFieldsOfTheCommand) {
  const ServedAnswer answer = served_.post("/v1/entities", R"({"input": ["good book", "love"], "offset_unit": "bytes", "request_id": "7"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json found = answer.json();
  EXPECT_EQ(found["id"], "entities-7");
  EXPECT_EQ(found["model"], "names");  // the first that labels tokens, not the first of all
  ASSERT_EQ(found["data"].size(), 2u);
  EXPECT_EQ(found["data"][0]["entities"], expected("good book"));
  EXPECT_EQ(found["data"][0]["tokens_total"], 4);
  EXPECT_EQ(found["data"][0]["truncated"], false);
  EXPECT_EQ(found["data"][1]["index"], 1);
  EXPECT_EQ(found["usage"]["total_tokens"], 7);
}

TEST_F(EntitiesApi, ATextThatIsTooLongIsCutOrFailsAlone) {
  std::string text;
  for (int word = 0; word < 50; ++word) text += "book ";
  const auto ask = [&](const std::string& more) { return served_.post("/v1/entities", R"({"input": ["love", ")" + text + "\"]" + more + "}").json(); };
  EXPECT_EQ(ask("")["data"][1]["truncated"], true);
  EXPECT_GT(ask(R"(, "stride": 4)")["data"][1]["windows"], 2);
  const json refused = ask(R"(, "truncation": false)");
  EXPECT_EQ(refused["data"][1]["error"]["message"], "inputs: expected at most 24 tokens, found 52");
  EXPECT_EQ(refused["data"][0]["entities"], expected("love"));
}

TEST_F(EntitiesApi, OpenInferenceGivesEntitiesForTextsAndLogitsForTokens) {
  const json of_texts = served_.post("/v2/models/names/infer", R"({"inputs": [
      {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["good book", "love"]}]})").json();
  ASSERT_EQ(of_texts["outputs"].size(), 1u) << of_texts;
  EXPECT_EQ(of_texts["outputs"][0]["name"], "entities");
  EXPECT_EQ(of_texts["outputs"][0]["datatype"], "BYTES");
  EXPECT_EQ(of_texts["outputs"][0]["shape"], json({2}));
  EXPECT_EQ(json::parse(of_texts["outputs"][0]["data"][0].get<std::string>()), expected("good book"));

  const json of_rows = served_.post("/v2/models/names/infer", R"({"inputs": [
      {"name": "input_ids", "shape": [2, 4], "datatype": "INT64", "data": [2, 85, 3, 0, 2, 86, 87, 3]},
      {"name": "attention_mask", "shape": [2, 4], "datatype": "INT64", "data": [1, 1, 1, 0, 1, 1, 1, 1]}]})").json();
  const json& logits = of_rows["outputs"][0];
  EXPECT_EQ(logits["name"], "logits");
  EXPECT_EQ(logits["shape"], json({2, 4, 5}));
  BatchEncoding row;
  row.add_row(std::vector<std::int32_t>{2, 85, 3});
  const Tensor first = finder()->logits(row);
  for (std::size_t at = 0; at < 20; ++at) EXPECT_EQ(logits["data"][at].get<float>(), at < 15 ? first.data[at] : 0) << at;
}

TEST_F(EntitiesApi, OpenInferenceRefusesWhatCannotBe) {
  const auto ask = [&](const std::string& inputs, const std::string& outputs) {
    return served_.post("/v2/models/names/infer", R"({"inputs": [)" + inputs + R"(], "outputs": [)" + outputs + "]}");
  };
  const std::string rows = R"({"name": "input_ids", "shape": [1, 3], "datatype": "INT64", "data": [2, 85, 3]})";
  const std::string texts = R"({"name": "text", "shape": [1], "datatype": "BYTES", "data": ["good"]})";
  EXPECT_NE(message(ask(rows, R"({"name": "entities"})")).find("there is none"), std::string::npos);
  EXPECT_NE(message(ask(texts, R"({"name": "label"})")).find("expected entities or logits"), std::string::npos);
  EXPECT_NE(message(ask(texts, R"({"name": "logits", "parameters": {"classification": 2}})")).find("no classification"), std::string::npos);
  const std::string mask = R"(, {"name": "attention_mask", "shape": [1, 3], "datatype": "INT64", "data": [0, 1, 1]})";
  EXPECT_NE(message(ask(rows + mask, "")).find("padding"), std::string::npos);
  const std::string pair = R"(, {"name": "text_pair", "shape": [1], "datatype": "BYTES", "data": ["b"]})";
  EXPECT_NE(message(ask(texts + pair, "")).find("expected one text"), std::string::npos);
  EXPECT_EQ(ask(texts, R"({"name": "entities"}, {"name": "logits"})").json()["outputs"][1]["shape"], json({1, 3, 5}));
}

TEST_F(EntitiesApi, EachRouteNamesTheOneThatTakesTheModel) {
  for (const auto& [path, field] : {std::pair("/v1/classify", "input"), std::pair("/attention", "text")}) {
    const ServedAnswer answer = served_.post(path, json{{"model", "names"}, {field, "good"}}.dump());
    EXPECT_EQ(answer.status, 501) << path << answer.body;
    EXPECT_NE(message(answer).find("\"names\", which labels tokens: /v1/entities"), std::string::npos) << answer.body;
  }
  const ServedAnswer other = served_.post("/v1/entities", R"({"model": "stars", "input": "good"})");
  EXPECT_EQ(other.status, 501);
  EXPECT_NE(message(other).find("\"stars\", which labels texts: /v1/classify"), std::string::npos) << other.body;
  for (const char* path : {"/predict?model=names", "/rerank?model=names"}) {
    const ServedAnswer tei = served_.post(path, R"({"inputs": "good", "query": "a", "texts": ["b"]})");
    EXPECT_EQ(tei.status, 424);
    EXPECT_TRUE(message(tei).starts_with("model is not a ")) << tei.body;
  }
  EXPECT_EQ(served_.post("/predict", R"({"inputs": "good"})").status, 200);
}

TEST_F(EntitiesApi, DescriptionsSayTheTask) {
  EXPECT_TRUE(served_.get("/info?model=names").json()["model_type"].contains("token_classifier"));
  EXPECT_EQ(served_.get("/v2/models/names").json()["task"], "token-classification");
  EXPECT_EQ(served_.get("/v2/models/names").json()["outputs"][1]["shape"], json({-1, -1, 5}));
  const json listed = served_.get("/v1/models").json()["data"];
  EXPECT_EQ(listed[0]["task"], "text-classification");
  EXPECT_EQ(listed[1]["task"], "token-classification");
  EXPECT_EQ(listed[1]["entity_groups"], json({"O", "PER", "LOC"}));
  EXPECT_EQ(served_.post("/v1/tokenize", R"({"model": "names", "input": "good book"})").json()["data"][0]["tokens"].size(), 4u);
}

// Through the stages of the server themselves.
ClassifyResult answered(ClassifyPlan plan, Metrics& metrics) {
  const ServeLimits limits;
  Classifying classifying = tokenize(std::move(plan), limits);
  if (classifying.job) {
    Batcher batcher(limits, metrics);
    std::promise<void> done;
    classifying.job->deadline = Clock::now() + std::chrono::seconds(60);
    classifying.job->done = [&] { done.set_value(); };
    batcher.submit(classifying.job);
    done.get_future().wait();
  }
  return conclude(classifying, metrics);
}

TEST_F(EntitiesApi, BatchesGiveThePipelinesOwnAnswersAndCountThem) {
  Metrics metrics;
  const std::vector<std::string> texts = {"good book", "", std::string(kText), "love"};
  ClassifyPlan plan{.model = finder(), .wants_token_logits = true};
  plan.entities.aggregation_strategy = AggregationStrategy::first;
  for (const std::string& text : texts) plan.texts.push_back({text});
  const ClassifyResult result = answered(std::move(plan), metrics);
  std::size_t entities = 0;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const TokenClassification expected = finder()->finder()(texts[text], {.aggregation_strategy = AggregationStrategy::first});
    ASSERT_FALSE(result.outcomes[text].problem);
    ASSERT_EQ(result.outcomes[text].entities.entities.size(), expected.entities.size());
    for (std::size_t at = 0; at < expected.entities.size(); ++at) {
      EXPECT_EQ(result.outcomes[text].entities.entities[at].score, expected.entities[at].score);
      EXPECT_EQ(result.outcomes[text].entities.entities[at].word, expected.entities[at].word);
    }
    EXPECT_EQ(result.outcomes[text].token_logits.size(), expected.tokens_used * 5);
    entities += expected.entities.size();
  }
  std::size_t counted = 0;
  std::istringstream lines(metrics.text());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("filbert_entities_total{")) counted += static_cast<std::size_t>(std::stoi(line.substr(line.rfind(' '))));
  }
  EXPECT_EQ(counted, entities);
}

TEST_F(EntitiesApi, ATextThatIsTooLongFailsAloneInABatch) {
  Metrics metrics;
  std::string text;
  for (int word = 0; word < 50; ++word) text += "book ";
  ClassifyPlan plan{.model = finder(), .texts = {{"love"}, {text}, {"good book"}}, .refuse_truncation = true};
  const ClassifyResult result = answered(std::move(plan), metrics);
  ASSERT_TRUE(result.outcomes[1].problem.has_value());
  EXPECT_STREQ(result.outcomes[1].problem->what(), "inputs: expected at most 24 tokens, found 52");
  for (const std::size_t good : {0, 2}) {
    EXPECT_FALSE(result.outcomes[good].problem.has_value());
    EXPECT_EQ(result.outcomes[good].entities.tokens_total, finder()->finder()(good == 0 ? "love" : "good book").tokens_total);
  }
}

}  // namespace
}  // namespace filbert::serve
