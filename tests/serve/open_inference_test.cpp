// The Open Inference Protocol: metadata, texts, rows, outputs, classification, bytes, and its errors.
#include <cstring>

#include <gtest/gtest.h>

#include "reference/array_file.h"
#include "reference/served.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

using nlohmann::json;
using reference::little_endian;
using reference::Served;
using reference::ServedAnswer;
using reference::TinyCheckpoint;

json texts(const std::vector<std::string>& data, std::string_view name = "text") {
  return {{"name", name}, {"shape", {data.size()}}, {"datatype", "BYTES"}, {"data", data}};
}
json ids(std::string_view name, const std::vector<std::vector<int>>& data, std::string_view datatype = "INT64") {
  return {{"name", name}, {"shape", {data.size(), data.front().size()}}, {"datatype", datatype}, {"data", data}};
}

class OpenInference : public testing::Test {
 protected:
  ServedAnswer infer(const json& request, HttpFields headers = {}) const { return served_.post("/v2/models/tiny/infer", request.dump(), std::move(headers)); }
  Classification answer(std::string_view text, std::optional<std::string_view> pair = {}) const {
    const TextInput input{text, pair};
    return served_.classifier()(std::span(&input, 1)).front();
  }
  void expect_logits(const json& output, const std::vector<Classification>& expected) const {
    EXPECT_EQ(output["datatype"], "FP32");
    EXPECT_EQ(output["shape"], (json{expected.size(), 3}));
    ASSERT_EQ(output["data"].size(), expected.size() * 3);
    for (std::size_t at = 0; at < output["data"].size(); ++at) EXPECT_EQ(output["data"][at].get<float>(), expected[at / 3].logits[at % 3]);
  }
  Served served_{TinyCheckpoint{.seed = 21, .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}}};
};

TEST_F(OpenInference, TextsGiveLogitsScoresAndLabels) {
  const ServedAnswer response = infer({{"id", "42"}, {"inputs", {texts({"good book", ""})}}});
  ASSERT_EQ(response.status, 200) << response.body;
  const json found = response.json();
  EXPECT_EQ(found["id"], "42");
  EXPECT_EQ(found["model_name"], "tiny");
  EXPECT_EQ(found["model_version"], "1");
  ASSERT_EQ(found["outputs"].size(), 3u);
  const std::vector<Classification> expected = {answer("good book"), answer("")};
  EXPECT_EQ(found["outputs"][0]["name"], "logits");
  expect_logits(found["outputs"][0], expected);
  EXPECT_EQ(found["outputs"][1]["name"], "scores");
  for (std::size_t at = 0; at < 6; ++at) EXPECT_EQ(found["outputs"][1]["data"][at].get<float>(), expected[at / 3].scores[at % 3].score);
  EXPECT_EQ(found["outputs"][2], (json{{"name", "label"}, {"datatype", "BYTES"}, {"shape", {2}}, {"data", {expected[0].label, expected[1].label}}}));
  EXPECT_FALSE(infer({{"inputs", {texts({"a"})}}}).json().contains("id"));
}

TEST_F(OpenInference, PairsAndColumnsOfTexts) {
  const json column{{"name", "text_pair"}, {"shape", {2, 1}}, {"datatype", "BYTES"}, {"data", {{"film"}, {"love"}}}};
  const json found = infer({{"inputs", {texts({"good", "bad"}), column}}, {"outputs", {{{"name", "logits"}}}}}).json();
  ASSERT_EQ(found["outputs"].size(), 1u);
  expect_logits(found["outputs"][0], {answer("good", "film"), answer("bad", "love")});
}

TEST_F(OpenInference, RowsAreThoseIdsWithoutPadding) {
  const BatchEncoding encoding = served_.classifier().tokenizer()("good book");
  std::vector<int> row(encoding.input_ids.begin(), encoding.input_ids.end()), mask(row.size(), 1);
  for (int padding = 0; padding < 3; ++padding) row.push_back(0), mask.push_back(0);
  for (const char* datatype : {"INT64", "INT32"}) {
    const json found = infer({{"inputs", {ids("input_ids", {row}, datatype), ids("attention_mask", {mask}, datatype),
                                          ids("token_type_ids", {std::vector<int>(row.size(), 0)}, datatype)}}}).json();
    expect_logits(found["outputs"][0], {answer("good book")});
  }
  const json unmasked = infer({{"inputs", {ids("input_ids", {row})}}}).json();
  EXPECT_NE(unmasked["outputs"][0]["data"][0].get<float>(), answer("good book").logits[0]);
}

TEST_F(OpenInference, ClassificationSaysValueIndexAndLabel) {
  const json request{{"inputs", {texts({"good book"})}}, {"outputs", {{{"name", "probabilities"}, {"parameters", {{"classification", 2}}}},
                                                                     {{"name", "logits"}, {"parameters", {{"classification", 9}}}}}}};
  const json outputs = infer(request).json()["outputs"];
  Classification best = served_.classifier()("good book", {.top_k = 3});
  EXPECT_EQ(outputs[0]["shape"], (json{1, 2}));
  EXPECT_EQ(outputs[0]["datatype"], "BYTES");
  EXPECT_EQ(outputs[1]["shape"], (json{1, 3}));
  for (std::size_t at = 0; at < 2; ++at) {
    const std::string element = outputs[0]["data"][at];
    const std::size_t first = element.find(':'), second = element.find(':', first + 1);
    EXPECT_EQ(std::stof(element.substr(0, first)), best.scores[at].score);
    EXPECT_EQ(element.substr(second + 1), best.scores[at].label);
    EXPECT_EQ(served_.classifier().config().id2label.at(std::stoi(element.substr(first + 1))), best.scores[at].label);
  }
  reference::expect_error_in_words(infer({{"inputs", {texts({"a"})}}, {"outputs", {{{"name", "label"}, {"parameters", {{"classification", 1}}}}}}}), 400, "not of label");
}

TEST_F(OpenInference, TensorsComeAndGoAsBytes) {
  const std::string bytes = little_endian(4, 4) + "good" + little_endian(0, 4);
  const json request{{"inputs", {{{"name", "text"}, {"shape", {2, 1}}, {"datatype", "BYTES"}, {"parameters", {{"binary_data_size", bytes.size()}}}}}},
                     {"outputs", {{{"name", "logits"}}, {{"name", "label"}, {"parameters", {{"binary_data", true}}}},
                                  {{"name", "scores"}, {"parameters", {{"binary_data", false}}}}}},
                     {"parameters", {{"binary_data_output", true}}}};
  const std::string head = request.dump();
  const ServedAnswer response = served_.post("/v2/models/tiny/infer", head + bytes, {{"inference-header-content-length", std::to_string(head.size())}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/octet-stream");
  const std::size_t length = std::stoul(response.header("inference-header-content-length"));
  const json outputs = json::parse(response.body.substr(0, length))["outputs"];
  EXPECT_EQ(outputs[0]["parameters"]["binary_data_size"], 24);
  EXPECT_FALSE(outputs[0].contains("data"));
  EXPECT_TRUE(outputs[2].contains("data"));
  const std::vector<Classification> expected = {answer("good"), answer("")};
  for (std::size_t at = 0; at < 6; ++at) {
    float number = 0;
    std::memcpy(&number, response.body.data() + length + 4 * at, 4);
    EXPECT_EQ(number, expected[at / 3].logits[at % 3]);
  }
  std::string labels;
  for (const Classification& each : expected) labels += little_endian(each.label.size(), 4) + each.label;
  EXPECT_EQ(outputs[1]["parameters"]["binary_data_size"], labels.size());
  EXPECT_EQ(response.body.substr(length + 24), labels);
}

TEST_F(OpenInference, ParametersSayPriorityAndTime) {
  const auto plan = [&](const json& parameters) {
    return std::get<ClassifyPlan>(served_.plan("/v2/models/tiny/infer", json{{"inputs", {texts({"a"})}}, {"parameters", parameters}}.dump()));
  };
  EXPECT_EQ(plan({{"priority", 0}, {"timeout", 0}}).urgency, std::nullopt);
  EXPECT_EQ(plan({{"timeout", 0}}).timeout, std::nullopt);
  EXPECT_EQ(plan({{"priority", 1}}).urgency, 0);
  EXPECT_EQ(plan({{"priority", 4}}).urgency, 3);
  EXPECT_EQ(plan({{"priority", 400}}).urgency, 7);
  EXPECT_EQ(plan({{"timeout", 1'500'000}}).timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(plan({{"timeout", 1}}).timeout, std::chrono::milliseconds(1));
  EXPECT_EQ(plan({{"function_to_apply", "none"}, {"max_length", 8}}).options.max_length, 8u);
  reference::expect_error_in_words(infer({{"inputs", {texts({"a"})}}, {"parameters", {{"timeout", -1}}}}), 400, "timeout");
}

TEST_F(OpenInference, ModelsAndVersionsAreFound) {
  const std::string request = json{{"inputs", {texts({"a"})}}}.dump();
  EXPECT_EQ(served_.post("/v2/models/tiny/versions/1/infer", request).status, 200);
  EXPECT_EQ(served_.post("/v2/models/tiny/versions/revision-of-tiny/infer", request).status, 200);
  reference::expect_error_in_words(served_.post("/v2/models/tiny/versions/2/infer", request), 404, "expected version 1, found \"2\"");
  reference::expect_error_in_words(served_.post("/v2/models/nobody/infer", request), 404, "nobody");
  reference::expect_error_in_words(served_.get("/v2/models/nobody"), 404, "nobody");
  const json metadata = served_.get("/v2/models/tiny/versions/1").json();
  EXPECT_EQ(metadata["name"], "tiny");
  EXPECT_EQ(metadata["versions"], (json{"1"}));
  EXPECT_EQ(metadata["platform"], "filbert");
  EXPECT_EQ(metadata["inputs"], (json{{{"name", "text"}, {"datatype", "BYTES"}, {"shape", {-1}}}}));
  EXPECT_EQ(metadata["outputs"][1], (json{{"name", "scores"}, {"datatype", "FP32"}, {"shape", {-1, 3}}}));
  EXPECT_EQ(metadata["outputs"].size(), 3u);
}

TEST_F(OpenInference, HealthAndServer) {
  EXPECT_EQ(served_.get("/v2").json()["name"], "filbert");
  EXPECT_EQ(served_.get("/v2").json()["extensions"], (json{"classification", "binary_tensor_data", "model_repository"}));
  EXPECT_EQ(served_.get("/v2/health/live").json(), (json{{"live", true}}));
  EXPECT_EQ(served_.get("/v2/health/ready").status, 200);
  EXPECT_EQ(served_.get("/v2/models/tiny/ready").json(), (json{{"name", "tiny"}, {"ready", true}}));
  EXPECT_EQ(served_.post("/v2/repository/index", "").json(), (json{{{"name", "tiny"}, {"version", "1"}, {"state", "READY"}, {"reason", ""}}}));
  served_.ready = false;
  EXPECT_EQ(served_.get("/v2/health/live").status, 200);
  EXPECT_EQ(served_.get("/v2/health/ready").status, 503);
  EXPECT_EQ(served_.get("/v2/models/tiny/versions/1/ready").status, 503);
  EXPECT_EQ(served_.post("/v2/repository/index", "{}").json()[0]["state"], "UNAVAILABLE");
}

TEST_F(OpenInference, WhatIsWrongWithTensorsIsNamed) {
  const auto input = [&](const json& tensor) { return infer({{"inputs", {tensor}}}); };
  const auto text = [](json changes) {
    json tensor = texts({"a", "b"});
    tensor.update(changes);
    return tensor;
  };
  reference::expect_error_in_words(served_.post("/v2/models/tiny/infer", "{"), 400, "JSON");
  reference::expect_error_in_words(infer({{"inputs", json::array()}}), 400, "\"text\" or \"input_ids\"");
  reference::expect_error_in_words(infer({{"inputs", {texts({})}}}), 400, "at least one text");
  reference::expect_error_in_words(infer({{"id", 3}, {"inputs", {texts({"a"})}}}), 400, "id: expected a string");
  reference::expect_error_in_words(input(text({{"shape", {3}}})), 400, "expected 3 elements, as its shape says, found 2");
  reference::expect_error_in_words(input(text({{"shape", {1, 2}}})), 400, "BYTES of shape [n] or [n, 1]");
  reference::expect_error_in_words(input(text({{"shape", {1'000'000, 1'000'000}}})), 400, "at most");
  reference::expect_error_in_words(input(text({{"shape", {-1}}})), 400, "shape[0]");
  reference::expect_error_in_words(input(text({{"datatype", "FP32"}})), 400, "BYTES, INT64 or INT32");
  reference::expect_error_in_words(input(text({{"data", {"a", 3}}})), 400, "data[1]: expected a string");
  reference::expect_error_in_words(input(text({{"name", "sentence"}})), 400, "input_ids");
  reference::expect_error_in_words(input(text({{"parameters", {{"shared_memory_region", "r"}}}})), 400, "shared memory");
  reference::expect_error_in_words(infer({{"inputs", {texts({"a"}), texts({"b"})}}}), 400, "no other input has");
  reference::expect_error_in_words(infer({{"inputs", {texts({"a"}), texts({"b", "c"}, "text_pair")}}}), 400, "as many as of text (1)");
  reference::expect_error_in_words(infer({{"inputs", {texts({"b", "c"}, "text_pair")}}}), 400, "beside \"text_pair\"");
  reference::expect_error_in_words(infer({{"inputs", {texts({"a"})}}, {"outputs", {{{"name", "probs"}}}}}), 400, "outputs[0]: name: expected logits, scores");
  reference::expect_error_in_words(input(ids("input_ids", {{2, 101, 3}})), 400, "row 0: expected ids from 0 to 100, found 101");
  reference::expect_error_in_words(input(ids("input_ids", {std::vector<int>(25, 5)})), 400, "at most 24 ids, found 25");
  reference::expect_error_in_words(infer({{"inputs", {ids("input_ids", {{2, 3}}), ids("attention_mask", {{1, 2}})}}}), 400, "another order");
  reference::expect_error_in_words(infer({{"inputs", {ids("input_ids", {{2, 3}}), ids("attention_mask", {{0, 0}})}}}), 400, "another order");
  reference::expect_error_in_words(infer({{"inputs", {ids("input_ids", {{2, 3}}), ids("attention_mask", {{0, 1}})}}}), 400, "padding behind");
  reference::expect_error_in_words(infer({{"inputs", {ids("input_ids", {{2, 3}}), ids("attention_mask", {{1}})}}}), 400, "the shape of input_ids");
  reference::expect_error_in_words(infer({{"inputs", {ids("input_ids", {{2, -3}})}}}), 400, "from 0 to 2147483647");
  json deep = "a";
  for (int depth = 0; depth < 20; ++depth) deep = json::array({deep});
  reference::expect_error_in_words(input(text({{"shape", {1}}, {"data", deep}})), 400, "at most 8 arrays");
}

TEST_F(OpenInference, WhatIsWrongWithBytesIsNamed) {
  const auto with_bytes = [&](const std::string& bytes, std::size_t announced, const char* datatype = "BYTES") {
    const json request{{"inputs", {{{"name", "text"}, {"shape", {1}}, {"datatype", datatype}, {"parameters", {{"binary_data_size", announced}}}}}}};
    const std::string head = request.dump();
    return served_.post("/v2/models/tiny/infer", head + bytes, {{"inference-header-content-length", std::to_string(head.size())}});
  };
  EXPECT_EQ(with_bytes(little_endian(1, 4) + "a", 5).status, 200);
  reference::expect_error_in_words(with_bytes(little_endian(1, 4) + "a", 6), 400, "expected 6 bytes behind the JSON, found 5");
  reference::expect_error_in_words(with_bytes(little_endian(1, 4) + "ab", 5), 400, "no more bytes");
  reference::expect_error_in_words(with_bytes(little_endian(2, 4) + "a", 5), 400, "expected 2 bytes of a string, found 1");
  reference::expect_error_in_words(with_bytes("abc", 3), 400, "a length of 4 bytes");
  reference::expect_error_in_words(with_bytes(little_endian(1, 4) + "\xff", 5), 400, "expected UTF-8");
  reference::expect_error_in_words(with_bytes("abc", 3, "INT64"), 400, "elements of 8 bytes");
  reference::expect_error_in_words(with_bytes(little_endian(0xFFFFFFFF, 4), 4, "INT32"), 400, "found -1");
  for (const char* length : {"x", "-1", "999999", "3x"}) {
    reference::expect_error_in_words(served_.post("/v2/models/tiny/infer", "{}", {{"inference-header-content-length", length}}), 400, "Inference-Header-Content-Length");
  }
}

TEST(OpenInferenceProblems, EveryKindHasItsStatus) {
  const ProblemWriter write = open_inference_routes().front().problem;
  const std::pair<ProblemKind, int> statuses[] = {{ProblemKind::unsupported, 400}, {ProblemKind::not_found, 404},  {ProblemKind::overloaded, 429},
                                                  {ProblemKind::draining, 503},    {ProblemKind::failed, 500},     {ProblemKind::invalid, 400}};
  for (const auto& [kind, status] : statuses) EXPECT_EQ(write(Problem(kind, "")).status, status);
}

TEST(OpenInferenceRows, AModelWithoutATokenizerTakesThem) {
  const reference::TemporaryDirectory directory = reference::write_checkpoint(TinyCheckpoint{});
  std::filesystem::remove(directory.path() / "vocab.txt");
  std::filesystem::remove(directory.path() / "tokenizer_config.json");
  const Served served(directory.path());
  const std::string path = "/v2/models/" + directory.path().filename().string();
  EXPECT_EQ(served.post(path + "/infer", json{{"inputs", {ids("input_ids", {{2, 5, 3}})}}}.dump()).status, 200);
  reference::expect_error_in_words(served.post(path + "/infer", json{{"inputs", {texts({"a"})}}}.dump()), 400, "no tokenizer");
  EXPECT_EQ(served.get(path).json()["inputs"][0]["name"], "input_ids");
}

}  // namespace
}  // namespace filbert::serve
