// config.json as transformers' configuration classes read it: defaults of the class, labels in any order, nothing trusted.
#include <filbert/config.h>

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using reference::expect_error;
using reference::TemporaryDirectory;
using Labels = std::map<int, std::string>;

Config read(std::string_view json) { return Config::from_json(json, "some/config.json"); }

TEST(Config, AbsentKeysTakeTheDefaultsOfTheClass) {  // transformers' BertConfig()
  const Config config = read("{}");
  EXPECT_EQ(config.model_type, "bert");
  EXPECT_EQ(config.vocab_size, 30522u);
  EXPECT_EQ(config.hidden_size, 768u);
  EXPECT_EQ(config.num_hidden_layers, 12u);
  EXPECT_EQ(config.num_attention_heads, 12u);
  EXPECT_EQ(config.intermediate_size, 3072u);
  EXPECT_EQ(config.max_position_embeddings, 512u);
  EXPECT_EQ(config.type_vocab_size, 2u);
  EXPECT_EQ(config.pad_token_id, 0);
  EXPECT_EQ(config.hidden_act, "gelu");
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_EQ(config.position_embedding_type, "absolute");
  EXPECT_EQ(config.head_size(), 64u);
  EXPECT_TRUE(config.architectures.empty());
  EXPECT_FALSE(config.problem_type);
  EXPECT_FALSE(config.dtype);
}

// Of every family: what its configuration class says by itself, under the names that it writes.
TEST(Config, EveryFamilyHasTheDefaultsOfItsClass) {
  std::ifstream file(reference::source_directory() / "tests" / "data" / "config_defaults.json");
  const auto families = nlohmann::json::parse(file).at("families");
  EXPECT_EQ(families.size(), 17u);
  for (const auto& [model_type, fields] : families.items()) {
    SCOPED_TRACE(model_type);
    const Config config = read(nlohmann::json{{"model_type", model_type}}.dump());
    EXPECT_EQ(config.model_type, model_type);
    EXPECT_EQ(config.vocab_size, fields.at("vocab_size"));
    EXPECT_EQ(config.embedding_size, fields.value("embedding_size", config.hidden_size));
    EXPECT_EQ(config.hidden_size, fields.at("hidden_size"));
    EXPECT_EQ(config.num_hidden_layers, fields.at("num_hidden_layers"));
    EXPECT_EQ(config.num_hidden_groups, fields.value("num_hidden_groups", std::size_t{0}));
    EXPECT_EQ(config.inner_group_num, fields.value("inner_group_num", std::size_t{1}));
    EXPECT_EQ(config.num_attention_heads, fields.at("num_attention_heads"));
    EXPECT_EQ(config.intermediate_size, fields.at("intermediate_size"));
    EXPECT_EQ(config.max_position_embeddings, fields.value("max_position_embeddings", std::size_t{512}));
    EXPECT_EQ(config.type_vocab_size, fields.value("type_vocab_size", std::size_t{0}));
    EXPECT_EQ(config.pad_token_id, fields.at("pad_token_id"));
    EXPECT_EQ(config.hidden_act, fields.at("hidden_act").get<std::string>());
    EXPECT_EQ(config.layer_norm_eps, fields.value("layer_norm_eps", 1e-12));
  }
}

TEST(Config, FamiliesHaveTheirOwnNamesForFields) {
  const Config distilbert = read(R"({"model_type": "distilbert", "dim": 24, "n_layers": 3, "n_heads": 4, "hidden_dim": 50, "activation": "relu"})");
  EXPECT_EQ(distilbert.hidden_size, 24u);
  EXPECT_EQ(distilbert.num_hidden_layers, 3u);
  EXPECT_EQ(distilbert.num_attention_heads, 4u);
  EXPECT_EQ(distilbert.intermediate_size, 50u);
  EXPECT_EQ(distilbert.hidden_act, "relu");
  const Config xlnet = read(R"({"model_type": "xlnet", "d_model": 24, "n_layer": 3, "n_head": 4, "d_inner": 50, "ff_activation": "relu", "n_token": 9})");
  EXPECT_EQ(xlnet.hidden_size, 24u);
  EXPECT_EQ(xlnet.vocab_size, 9u);
  EXPECT_EQ(xlnet.intermediate_size, 50u);
  EXPECT_EQ(read(R"({"hidden_size": 24, "embedding_size": 8})").embedding_size, 24u) << "BERT has no such field";
  EXPECT_EQ(read(R"({"hidden_size": 24, "num_hidden_groups": 2})").num_hidden_groups, 0u);
  expect_error(ErrorKind::corrupt, {"some/config.json", "n_heads", "0"}, [] { read(R"({"model_type": "distilbert", "n_heads": 0})"); });
}

// What is left for a row of the table of positions.
TEST(Config, MaxTokensIsWhatPositionsLeave) {
  EXPECT_EQ(read(R"({"max_position_embeddings": 40})").max_tokens, 40u);
  EXPECT_EQ(read(R"({"model_type": "roberta", "max_position_embeddings": 514})").max_tokens, 512u);
  EXPECT_EQ(read(R"({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 0})").max_tokens, 513u);
  EXPECT_EQ(read(R"({"model_type": "nystromformer", "max_position_embeddings": 510})").max_tokens, 510u);
  EXPECT_EQ(read(R"({"model_type": "deberta-v2"})").max_tokens, 512u);
  const Config relative = read(R"({"model_type": "deberta-v2", "position_biased_input": false, "max_position_embeddings": 40})");
  EXPECT_FALSE(relative.max_tokens);
  EXPECT_EQ(relative.default_max_length(), 40u);
  for (const char* pad : {"-1", "40", "39"}) {
    expect_error(ErrorKind::corrupt, {"some/config.json", "pad_token_id", "0 to 38", pad}, [&] {
      read(R"({"model_type": "mpnet", "max_position_embeddings": 40, "pad_token_id": )" + std::string(pad) + "}");
    });
  }
}

TEST(Config, NullIsAsAbsent) {
  const Config config = read(R"({"hidden_size": null, "problem_type": null, "id2label": null, "architectures": null})");
  EXPECT_EQ(config.hidden_size, 768u);
  EXPECT_FALSE(config.problem_type);
  EXPECT_EQ(config.num_labels(), 2u);
}

TEST(Config, EveryKeyIsRead) {
  const Config config = read(R"({
    "architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": 31, "hidden_size": 33,
    "num_hidden_layers": 1, "num_attention_heads": 3, "intermediate_size": 7, "max_position_embeddings": 9,
    "type_vocab_size": 1, "pad_token_id": 3, "hidden_act": "relu", "layer_norm_eps": 1e-05,
    "problem_type": "regression", "hidden_dropout_prob": 0.1, "unknown": {"to": ["us"]}})");
  EXPECT_EQ(config.architectures, std::vector<std::string>{"BertForSequenceClassification"});
  EXPECT_EQ(config.vocab_size, 31u);
  EXPECT_EQ(config.hidden_size, 33u);
  EXPECT_EQ(config.num_hidden_layers, 1u);
  EXPECT_EQ(config.num_attention_heads, 3u);
  EXPECT_EQ(config.head_size(), 11u);
  EXPECT_EQ(config.intermediate_size, 7u);
  EXPECT_EQ(config.max_position_embeddings, 9u);
  EXPECT_EQ(config.type_vocab_size, 1u);
  EXPECT_EQ(config.pad_token_id, 3);
  EXPECT_EQ(config.hidden_act, "relu");
  EXPECT_EQ(config.layer_norm_eps, 1e-5);
  EXPECT_EQ(config.problem_type, "regression");
  EXPECT_EQ(config.path, "some/config.json");
}

// As transformers 5, which raises ValueError: a softmax over one label is always 1.
TEST(Config, SingleLabelClassificationNeedsTwoLabels) {
  expect_error(ErrorKind::corrupt, {"some/config.json", "problem_type", "found 1"},
               [] { read(R"({"num_labels": 1, "problem_type": "single_label_classification"})"); });
}

TEST(Config, DtypeStandsUnderItsNewOrItsOldName) {
  EXPECT_EQ(read(R"({"torch_dtype": "float16"})").dtype, "float16");
  EXPECT_EQ(read(R"({"dtype": "bfloat16"})").dtype, "bfloat16");
  EXPECT_EQ(read(R"({"dtype": "bfloat16", "torch_dtype": "float32"})").dtype, "bfloat16");
}

TEST(Config, LabelsAreOrderedByNumberWhateverTheFileSays) {
  std::string json = R"({"id2label": {)";
  for (const int id : {10, 2, 0, 9, 11, 1, 3, 8, 4, 7, 5, 6}) {
    json += '"' + std::to_string(id) + R"(": "label )" + std::to_string(id) + (id == 6 ? "\"" : "\", ");
  }
  const Config config = read(json + "}}");
  ASSERT_EQ(config.num_labels(), 12u);
  EXPECT_FALSE(config.has_default_labels);
  int expected = 0;
  for (const auto& [id, label] : config.id2label) {
    EXPECT_EQ(id, expected);
    EXPECT_EQ(label, "label " + std::to_string(expected++));
  }
}

TEST(Config, AbsentLabelsAreNumbered) {
  EXPECT_EQ(read("{}").id2label, (Labels{{0, "LABEL_0"}, {1, "LABEL_1"}}));
  EXPECT_TRUE(read("{}").has_default_labels);
  EXPECT_EQ(read(R"({"num_labels": 3})").id2label, (Labels{{0, "LABEL_0"}, {1, "LABEL_1"}, {2, "LABEL_2"}}));
  EXPECT_EQ(read(R"({"_num_labels": 1})").id2label, (Labels{{0, "LABEL_0"}}));
}

TEST(Config, Id2labelWinsOverNumLabels) {
  const Config config = read(R"({"num_labels": 5, "id2label": {"0": "no", "1": "yes"}})");
  EXPECT_EQ(config.id2label, (Labels{{0, "no"}, {1, "yes"}}));
}

TEST(Config, LabelsMayHoldAnyText) {
  EXPECT_EQ(read(R"({"id2label": {"0": "", "1": "très “bon” ☺\n"}})").id2label, (Labels{{0, ""}, {1, "très “bon” ☺\n"}}));
}

TEST(Config, IdsWithAGapOrThatAreNoNumbersAreErrors) {
  const std::initializer_list<std::string_view> names_it = {"some/config.json", "id2label"};
  for (const char* labels : {R"({"0": "a", "2": "b"})", R"({"1": "a", "2": "b"})", R"({"0": "a", "one": "b"})",
                             R"({"0": "a", "-1": "b"})", R"({"0": "a", "": "b"})", R"({"0": "a", "1 ": "b"})",
                             R"({"0": "a", "99999999999999999999": "b"})", R"({"0": "a", "0": "b"})", R"(["a", "b"])",
                             R"("a")"}) {
    SCOPED_TRACE(labels);
    expect_error(ErrorKind::corrupt, names_it, [&] { read(std::string(R"({"id2label": )") + labels + "}"); });
  }
}

TEST(Config, ValuesThatCannotBeAreErrorsThatNameTheField) {
  struct Case {
    const char* field;
    const char* value;
  };
  for (const Case& wrong : {
           Case{"hidden_size", "0"}, Case{"hidden_size", "-8"}, Case{"hidden_size", "1.5"}, Case{"hidden_size", R"("768")"},
           Case{"hidden_size", "1e300"}, Case{"hidden_size", "18446744073709551615"}, Case{"hidden_size", "[768]"},
           Case{"vocab_size", "0"}, Case{"vocab_size", "9223372036854775807"}, Case{"num_hidden_layers", "-1"},
           Case{"num_attention_heads", "0"}, Case{"intermediate_size", "0"}, Case{"max_position_embeddings", "0"},
           Case{"type_vocab_size", "0"}, Case{"layer_norm_eps", "-1"}, Case{"layer_norm_eps", R"("1e-12")"},
           Case{"hidden_act", "7"}, Case{"model_type", "[]"}, Case{"architectures", R"("BertModel")"},
           Case{"architectures", "[1]"}, Case{"problem_type", R"("guessing")"},
           Case{"num_labels", "-1"}, Case{"num_labels", "0"}, Case{"num_labels", "2000000000"},
           Case{"_num_labels", "2000000000"}, Case{"dtype", "16"}}) {
    SCOPED_TRACE(std::string(wrong.field) + " " + wrong.value);
    const std::string json = std::string("{\"") + wrong.field + "\": " + wrong.value + "}";
    expect_error(ErrorKind::corrupt, {"some/config.json", wrong.field}, [&] { read(json); });
  }
}

TEST(Config, HeadsMustDivideHiddenSize) {
  expect_error(ErrorKind::corrupt, {"some/config.json", "hidden_size", "num_attention_heads", "768", "7"},
               [] { read(R"({"num_attention_heads": 7})"); });
}

TEST(Config, WhatIsNoJsonIsAnError) {
  for (const char* text : {"", "   ", "{", "{\"hidden_size\": }", "{} {}", "not json", "\xFF\xFE{\0}\0", "{\"a\":1,}",
                           "[]", "3", "null"}) {
    SCOPED_TRACE(text);
    expect_error(ErrorKind::corrupt, {"some/config.json"}, [&] { read(text); });
  }
  expect_error(ErrorKind::corrupt, {"some/config.json"}, [] { read(std::string(100'000, '[')); });
}

TEST(Config, AByteOrderMarkIsNoError) { EXPECT_EQ(read("\xEF\xBB\xBF{\"hidden_size\": 24}").hidden_size, 24u); }

TEST(Config, DirectoriesAndFilesThatAreNotThereAreNotFound) {
  const TemporaryDirectory directory;
  const std::string absent = (directory.path() / "absent").string();
  expect_error(ErrorKind::not_found, {absent}, [&] { Config::from_pretrained(absent); });
  expect_error(ErrorKind::not_found, {"config.json"}, [&] { Config::from_pretrained(directory.path()); });
  const std::filesystem::path file = directory.write("a_file", "{}");
  expect_error(ErrorKind::not_found, {file.string()}, [&] { Config::from_pretrained(file); });
  directory.write("nested/config.json/a_file", "");
  expect_error(ErrorKind::corrupt, {"config.json"}, [&] { Config::from_pretrained(directory.path() / "nested"); });
}

}  // namespace
}  // namespace filbert
