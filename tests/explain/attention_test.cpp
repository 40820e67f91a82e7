// The numbers of attention_map: those of the pass that gives the label, of the layers and heads that were asked for.
#include <filbert/attention.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "explain/attention_page.h"
#include "explain/attention_summary.h"
#include "reference/expect_error.h"
#include "reference/family_fixtures.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"
#include "web/sample_attention.h"

namespace filbert {
namespace {

using namespace reference;
using Numbers = std::vector<std::size_t>;

class Attending : public testing::Test {
 protected:
  const TemporaryDirectory directory_ = write_checkpoint({.seed = 3, .num_hidden_layers = 3, .num_attention_heads = 4, .max_position_embeddings = 24});
  const TextClassificationPipeline classify_ = pipeline("text-classification", directory_.path(), {.num_threads = 2});
};

TEST_F(Attending, LabelIsTheOneOfThePipeline) {
  const AttentionMap map = attention_map(classify_, {"i love this book"});
  const Classification answer = classify_("i love this book");
  EXPECT_EQ(map.classification.label, answer.label);
  EXPECT_TRUE(same_bits(map.classification.logits, answer.logits));
  EXPECT_EQ(map.num_layers, 3U);
  EXPECT_EQ(map.num_heads, 4U);
}

TEST_F(Attending, WeightsAreThoseOfTheModel) {
  const std::string text = "i love this book";
  const AttentionMap map = attention_map(classify_, {text});
  const auto outputs = classify_.model()(classify_.tokenizer()(text), {.output_attentions = true}).outputs;
  ASSERT_EQ(map.layers.size(), 3U);
  for (std::size_t layer = 0; layer < 3; ++layer) EXPECT_EQ(map.layers[layer].weights.data, outputs.attentions[layer].front().data);
}

TEST_F(Attending, LayersAndHeadsAreThoseThatWereAskedFor) {
  const AttentionMap all = attention_map(classify_, {"good book"}, {.queries_keys = true});
  const AttentionMap some = attention_map(classify_, {"good book"}, {.layers = {{2, 0, 2}}, .heads = {{3, 1}}, .queries_keys = true});
  EXPECT_EQ(some.heads, (Numbers{1, 3}));
  ASSERT_EQ(some.layers.size(), 2U);
  EXPECT_EQ(some.layers[1].layer, 2U);
  EXPECT_TRUE(same_bits(some.layers[1].weights[1], all.layers[2].weights[3]));
  EXPECT_TRUE(same_bits(some.layers[1].queries[0], all.layers[2].queries[1]));
  EXPECT_TRUE(same_bits(some.layers[0].keys[1], all.layers[0].keys[3]));
}

TEST_F(Attending, QueriesAndKeysGiveTheWeights) {
  const AttentionMap map = attention_map(classify_, {"really good , not bad"}, {.queries_keys = true});
  for (const AttentionLayer& layer : map.layers) {
    EXPECT_TRUE(layer.products_alone);
    EXPECT_EQ(layer.queries.shape, (Numbers{4, map.tokens.size(), 8}));
  }
  EXPECT_TRUE(attention_map(classify_, {"good"}).layers.front().queries.data.empty());
}

TEST_F(Attending, TokensSayWhereTheyAreFrom) {
  const AttentionMap map = attention_map(classify_, {"i love", "this book"});
  std::vector<std::string> texts;
  for (const AttentionToken& token : map.tokens) texts.push_back(token.text);
  EXPECT_EQ(texts.front(), "[CLS]");
  EXPECT_EQ(texts.back(), "[SEP]");
  ASSERT_TRUE(map.sentence_b_start);
  EXPECT_EQ(map.tokens[*map.sentence_b_start].sequence_id, 1);
  EXPECT_EQ(map.tokens[*map.sentence_b_start - 1].text, "[SEP]");
  EXPECT_TRUE(map.tokens[*map.sentence_b_start - 1].special);
  EXPECT_FALSE(attention_map(classify_, {"i love"}).sentence_b_start);
}

TEST_F(Attending, SmallestAndLongestTexts) {
  EXPECT_EQ(attention_map(classify_, {""}).tokens.size(), 2U);
  const AttentionMap cut = attention_map(classify_, {"a b c d e f g h i j k l m n o p q r s t u v w x y z"});
  EXPECT_EQ(cut.tokens.size(), 24U);
  EXPECT_TRUE(cut.classification.truncated);
  EXPECT_EQ(cut.classification.tokens_total, 28U);
  EXPECT_EQ(attention_map(classify_, {"a b c d"}, {.max_length = 4}).tokens.size(), 4U);
}

TEST_F(Attending, WhatIsNotThereIsRefused) {
  const auto with = [&](const AttentionOptions& options) { return [&, options] { attention_map(classify_, {"good"}, options); }; };
  expect_error(ErrorKind::invalid_argument, {"layers", "0 to 2", "found 3"}, with({.layers = {{3}}}));
  expect_error(ErrorKind::invalid_argument, {"layers", "found none"}, with({.layers = Numbers{}}));
  expect_error(ErrorKind::invalid_argument, {"heads", "0 to 3", "found 4"}, with({.heads = {{0, 4}}}));
  expect_error(ErrorKind::invalid_argument, {"heads", "found none"}, with({.heads = Numbers{}}));
  expect_error(ErrorKind::invalid_argument, {"max_length", "at most 24"}, with({.max_length = 99}));
}

// As pre-training leaves it: the same encoder, with another head or none.
TEST(AttentionOfEncoders, NeedsNoHead) {
  const TinyCheckpoint classifier{.seed = 3, .max_position_embeddings = 24};
  TinyCheckpoint encoder = classifier;
  encoder.edit_config = [](auto& config) { config["architectures"] = {"BertForMaskedLM"}; };
  encoder.edit_tensors = [](Arrays& tensors) {
    for (const char* name : {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}) ASSERT_EQ(tensors.erase(name), 1U) << name;
  };
  const TemporaryDirectory with_head = write_checkpoint(classifier), without = write_checkpoint(encoder);
  const auto classify = pipeline("text-classification", with_head.path(), {.num_threads = 1});
  const AttentionMap expected = attention_map(classify, {"good book"});
  const AttentionMap found = attention_map(AutoTokenizer::from_pretrained(without.path()), AutoModel::from_pretrained(without.path(), ModelOptions{.num_threads = 1}), {"good book"});
  ASSERT_EQ(found.layers.size(), expected.layers.size());
  for (std::size_t layer = 0; layer < found.layers.size(); ++layer) EXPECT_EQ(found.layers[layer].weights.data, expected.layers[layer].weights.data);
  EXPECT_TRUE(found.classification.label.empty());
  EXPECT_EQ(found.classification.tokens_used, 4U);
}

// Families say for themselves whether their weights are the softmax of what is multiplied.
TEST(AttentionOfFamilies, EveryFamilyHasItsTokensAndWeights) {
  std::vector<std::string> with_more;
  for (const Fixture& fixture : fixtures()) {
    SCOPED_TRACE(fixture.name());
    const FamilyRow& row = fixture.rows.back();
    AttentionMap map;
    if (fixture.task == Task::token_classification) {
      const auto model = AutoModelForTokenClassification::from_pretrained(fixture.directory, ModelOptions{.num_threads = 1});
      map = attention_map(AutoTokenizer::from_pretrained(fixture.directory), model, fixture.input(row), {.queries_keys = true});
      EXPECT_TRUE(map.classification.label.empty());
    } else {
      map = attention_map(pipeline("text-classification", fixture.directory, ModelOptions{.num_threads = 1}), fixture.input(row), {.queries_keys = true});
    }
    EXPECT_EQ(map.tokens.size(), map.classification.tokens_used);
    for (const AttentionToken& token : map.tokens) {
      EXPECT_FALSE(token.text.empty());
      EXPECT_EQ(token.text.find("\xE2\x96\x81"), token.text == "\xE2\x96\x81" ? 0 : std::string::npos) << token.text;
    }
    for (const AttentionLayer& layer : map.layers) {
      const std::span<const float> first = layer.weights[0].first(map.tokens.size());
      EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0), 1.0, 1e-5);
      if (!layer.products_alone && (with_more.empty() || with_more.back() != fixture.family)) with_more.push_back(fixture.family);
    }
    EXPECT_NO_THROW(attention_html(map, {.view = "neuron"}));
  }
  const std::vector<std::string> products = {"albert", "bert", "camembert", "distilbert", "electra", "ernie", "mobilebert", "roberta", "xlm-roberta"};
  for (const std::string& family : products) EXPECT_EQ(std::ranges::count(with_more, family), 0) << family;
  for (const std::string family : {"deberta-v2", "mpnet", "xlnet"}) EXPECT_EQ(std::ranges::count(with_more, family), 1) << family;
}

TEST(AttentionJson, HasEveryNumber) {
  const AttentionMap map = sample_attention({"a", "b"}, {"c"}, {.layers = 2, .heads = 3, .head_size = 4});
  const auto json = nlohmann::json::parse(attention_json(map));
  EXPECT_EQ(json["tokens"], (std::vector<std::string>{"[CLS]", "a", "b", "[SEP]", "c", "[SEP]"}));
  EXPECT_EQ(json["sentence_b_start"], 4);
  EXPECT_EQ(json["sequence_ids"][0], nullptr);
  EXPECT_EQ(json["attentions"].size(), 2U);
  EXPECT_EQ(json["attentions"][1].size(), 3U);
  EXPECT_EQ(json["attentions"][1][2][5][4].get<float>(), map.layers[1].weights[2][5 * 6 + 4]);
  EXPECT_EQ(json["keys"][1][2][5][3].get<float>(), map.layers[1].keys[2][5 * 4 + 3]);
  EXPECT_EQ(json["label"], "5 stars");
}

TEST(AttentionSummary, SharesOfKnownWeights) {
  AttentionMap map = sample_attention({"a"}, {}, {.layers = 1, .heads = 1, .head_size = 2});  // [CLS] a [SEP]
  map.layers[0].weights.data = {1, 0, 0, /**/ 0.5f, 0.25f, 0.25f, /**/ 0, 1, 0};
  const LayerSummary summary = summarize(map, map.layers[0]);
  EXPECT_NEAR(summary.itself, (1 + 0.25 + 0) / 3, 1e-7);
  EXPECT_NEAR(summary.before, (0.5 + 1) / 3, 1e-7);
  EXPECT_NEAR(summary.after, 0.25 / 3, 1e-7);
  EXPECT_NEAR(summary.special, (1 + 0.75) / 3, 1e-7);
  EXPECT_NEAR(summary.spread, (1 + std::exp(1.5 * std::log(2.0)) + 1) / 3, 1e-7);
  EXPECT_EQ(summary.other_text, 0);
  EXPECT_NEAR(summary.received[1], 1.25 / 3, 1e-7);
  EXPECT_EQ(largest(summary.received, 2), (Numbers{0, 1}));
}

TEST(AttentionData, WeightsAreBytesAndRunsOfZerosAreCounted) {
  Tensor weights({1, 1, 4});
  weights.data = {0, 0.5f, 1, std::nanf("")};
  EXPECT_EQ(eight_bits(weights.data), std::string("\x00\x80\xFF\x00", 4));
  EXPECT_EQ(without_runs(std::string("\x00\x05\x00\x00\x00\x07", 6)), std::string("\x00\x00\x05\x00\x02\x07", 6));
  EXPECT_EQ(without_runs(std::string(300, '\0')), std::string("\x00\xFF\x00\x2B", 4));
}

}  // namespace
}  // namespace filbert
