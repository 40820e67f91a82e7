// The tensors of a checkpoint: whatever they are called and stored as, all there, nothing else, of the right shape.
#include "load/weights.h"

#include <gtest/gtest.h>

#include <filbert/model.h>

#include "infer/architecture.h"
#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

Weights load(const TemporaryDirectory& directory) {
  return Weights::from_pretrained(directory.path(), "bert.", expected_tensors(Config::from_pretrained(directory.path())));
}

TinyCheckpoint small() { return {.hidden_size = 16, .num_hidden_layers = 1, .intermediate_size = 24}; }

TinyCheckpoint edited(std::function<void(Arrays&)> edit) {
  TinyCheckpoint checkpoint = small();
  checkpoint.edit_tensors = std::move(edit);
  return checkpoint;
}

void expect_corrupt_checkpoint(const TinyCheckpoint& checkpoint, std::initializer_list<std::string_view> parts) {
  const TemporaryDirectory directory = write_checkpoint(checkpoint);
  expect_error(ErrorKind::corrupt, parts, [&] { load(directory); });
}

Array zeros(std::vector<std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t size : shape) count *= size;
  return {std::move(shape), std::vector<double>(count, 0.0)};
}

std::vector<float> values(const TensorView& tensor) {
  std::vector<float> out(tensor.num_elements());
  convert_to_f32(tensor, 0, out);
  return out;
}

TEST(Weights, EveryTensorHasItsNameShapeAndValues) {
  for (const bool bert_prefix : {true, false}) {
    for (const bool gamma_beta : {true, false}) {
      for (const char* dtype : {"F32", "F16", "BF16"}) {
        SCOPED_TRACE(std::string(dtype) + (bert_prefix ? " prefix" : "") + (gamma_beta ? " gamma" : ""));
        TinyCheckpoint checkpoint = small();
        checkpoint.dtype = dtype;
        const Arrays expected = [&] {
          checkpoint.bert_prefix = checkpoint.gamma_beta = false;
          return tiny_tensors(checkpoint);
        }();
        checkpoint.bert_prefix = bert_prefix;
        checkpoint.gamma_beta = gamma_beta;
        const TemporaryDirectory directory = write_checkpoint(checkpoint);
        const Weights weights = load(directory);
        std::size_t parameters = 0;
        for (const auto& [name, array] : expected) {
          EXPECT_EQ(weights.at(name).shape, array.shape) << name;
          EXPECT_EQ(values(weights.at(name)), std::vector<float>(array.values.begin(), array.values.end())) << name;
          parameters += array.values.size();
        }
        EXPECT_EQ(weights.num_parameters(), parameters);
        EXPECT_EQ(weights.dtypes(), dtype);
      }
    }
  }
}

TEST(Weights, DtypesMayBeMixed) {
  const TemporaryDirectory directory = write_checkpoint(edited([](Arrays& arrays) {
    arrays["classifier.weight"].dtype = "F16";
    arrays["classifier.bias"].dtype = "BF16";
  }));
  EXPECT_EQ(load(directory).dtypes(), "BF16, F16, F32");
}

TEST(Weights, BuffersAndHeadsOfPreTrainingAreLetBe) {
  const TemporaryDirectory directory = write_checkpoint(edited([](Arrays& arrays) {
    arrays["bert.embeddings.position_ids"] = zeros({1, 64});
    arrays["bert.embeddings.token_type_ids"] = zeros({1, 64});
    arrays["cls.predictions.bias"] = zeros({101});
    arrays["cls.predictions.decoder.weight"] = zeros({101, 16});
    arrays["cls.predictions.transform.LayerNorm.gamma"] = zeros({16});
    arrays["cls.seq_relationship.weight"] = zeros({2, 16});
  }));
  EXPECT_NO_THROW(load(directory));
}

TEST(Weights, IntegerBuffersAreLetBeAndIntegerWeightsAreNot) {
  const auto with_integers = [](const std::string& name) {
    const TemporaryDirectory directory = write_checkpoint(small());
    Arrays arrays = tiny_tensors(small());
    arrays.erase(name);
    nlohmann::ordered_json header;
    std::string data;
    for (const auto& [other, array] : arrays) {
      const std::size_t begin = data.size();
      data += stored_bytes(array);
      header[other] = {{"dtype", "F32"}, {"shape", array.shape}, {"data_offsets", {begin, data.size()}}};
    }
    header[name] = {{"dtype", "I64"}, {"shape", {2}}, {"data_offsets", {data.size(), data.size() + 16}}};
    directory.write("model.safetensors", safetensors_bytes(header.dump(), data + std::string(16, '\0')));
    load(directory);
  };
  EXPECT_NO_THROW(with_integers("bert.embeddings.position_ids"));
  expect_error(ErrorKind::unsupported, {"model.safetensors", "classifier.bias", "I64"}, [&] { with_integers("classifier.bias"); });
}

TEST(Weights, MissingSurplusAndMisshapenTensorsAreAllNamedAtOnce) {
  expect_corrupt_checkpoint(edited([](Arrays& arrays) {
                   arrays.erase("bert.pooler.dense.bias");
                   arrays.erase("bert.encoder.layer.0.attention.self.query.weight");
                   arrays["bert.encoder.layer.1.output.dense.bias"] = zeros({16});
                   arrays["adapter.down"] = zeros({4, 16});
                   arrays["bert.embeddings.word_embeddings.weight"] = zeros({100, 16});
                   arrays["classifier.bias"] = zeros({3});
                 }),
                 {"model.safetensors", "missing", "pooler.dense.bias", "encoder.layer.0.attention.self.query.weight", "surplus",
                  "bert.encoder.layer.1.output.dense.bias", "adapter.down", "bert.embeddings.word_embeddings.weight", "[101, 16]",
                  "[100, 16]", "classifier.bias", "[2]", "[3]"});
}

TEST(Weights, AMisshapenTensorIsNotCalledMissing) {
  const TemporaryDirectory directory = write_checkpoint(edited([](Arrays& arrays) { arrays["classifier.bias"] = zeros({2, 1}); }));
  try {
    load(directory);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("missing"), std::string::npos) << error.what();
  }
}

TEST(Weights, TheSameNumberOfElementsInAnotherShapeIsAnError) {
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { std::swap(arrays["bert.encoder.layer.0.intermediate.dense.weight"].shape[0],
                                                       arrays["bert.encoder.layer.0.intermediate.dense.weight"].shape[1]); }),
                 {"bert.encoder.layer.0.intermediate.dense.weight", "[24, 16]", "[16, 24]"});
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays["classifier.bias"] = zeros({1, 2}); }), {"classifier.bias", "[1, 2]"});
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays["classifier.bias"] = zeros({}); }), {"classifier.bias", "[]"});
}

TEST(Weights, ATensorUnderBothItsNamesIsSurplus) {
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays["pooler.dense.bias"] = zeros({16}); }), {"surplus", "pooler.dense.bias"});
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays["bert.embeddings.LayerNorm.gamma"] = zeros({16}); }),
                 {"surplus", "bert.embeddings.LayerNorm"});
}

TEST(Weights, OldNamesAreThoseOfLayerNormsOnly) {  // transformers#35615: "gamma" anywhere else is a name of its own
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays["bert.encoder.layer.0.gamma_gate.weight"] = zeros({16}); }),
                 {"surplus", "bert.encoder.layer.0.gamma_gate.weight"});
}

TEST(Weights, AnEncoderWithoutAHeadIsAnErrorThatSaysSo) {
  expect_corrupt_checkpoint(edited([](Arrays& arrays) {
                   arrays.erase("classifier.weight");
                   arrays.erase("classifier.bias");
                 }),
                 {"missing", "classifier.weight", "classifier.bias", "head"});
}

TEST(Weights, AnEmptyFileOfTensorsLacksThemAll) {
  expect_corrupt_checkpoint(edited([](Arrays& arrays) { arrays.clear(); }),
                 {"missing", "embeddings.word_embeddings.weight", "classifier.weight"});
}

TEST(Weights, TheFileMustBeThereAndWhole) {
  const TemporaryDirectory directory = write_checkpoint(small());
  const auto path = directory.path() / "model.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  expect_error(ErrorKind::corrupt, {path.string()}, [&] { load(directory); });
  std::filesystem::resize_file(path, 0);
  expect_error(ErrorKind::corrupt, {path.string()}, [&] { load(directory); });
  std::filesystem::remove(path);
  expect_error(ErrorKind::not_found, {path.string()}, [&] { load(directory); });
  std::filesystem::create_directory(path);
  expect_error(ErrorKind::corrupt, {path.string()}, [&] { load(directory); });
}

void expect_error_of_model(ErrorKind kind, std::initializer_list<std::string_view> parts,
                           std::function<void(nlohmann::ordered_json&)> edit) {
  TinyCheckpoint checkpoint = small();
  checkpoint.edit_config = std::move(edit);
  const TemporaryDirectory directory = write_checkpoint(checkpoint);
  expect_error(kind, parts, [&] { BertForSequenceClassification::from_pretrained(directory.path()); });
}

TEST(Architecture, WhatCannotRunIsUnsupportedAndNamed) {
  expect_error_of_model(ErrorKind::unsupported, {"config.json", "hidden_act", "xielu", "gelu_new"},
                        [](auto& config) { config["hidden_act"] = "xielu"; });
  expect_error_of_model(ErrorKind::unsupported, {"config.json", "model_type", "longformer", "bert", "roberta"},
                        [](auto& config) { config["model_type"] = "longformer"; });
  expect_error_of_model(ErrorKind::unsupported, {"config.json", "position_embedding_type", "relative_key"},
                        [](auto& config) { config["position_embedding_type"] = "relative_key"; });
}

TEST(Architecture, SizesOfTheConfigThatTheTensorsDoNotHave) {
  expect_error_of_model(ErrorKind::corrupt, {"classifier.weight", "[5, 16]", "[2, 16]"}, [](auto& config) {
    for (int id = 0; id < 5; ++id) config["id2label"][std::to_string(id)] = "label " + std::to_string(id);
  });
  expect_error_of_model(ErrorKind::corrupt, {"missing", "encoder.layer.1.output.dense.weight"},
                        [](auto& config) { config["num_hidden_layers"] = 2; });
  expect_error_of_model(ErrorKind::corrupt, {"surplus", "encoder.layer.0.output.dense.weight"},
                        [](auto& config) { config["num_hidden_layers"] = 0; });
}

// A config may ask for as much as it likes: the answer comes at once, without memory for what is not there.
TEST(Architecture, AbsurdSizesAreRefusedAtOnce) {
  for (const char* size : {"vocab_size", "intermediate_size", "max_position_embeddings", "type_vocab_size", "num_hidden_layers"}) {
    SCOPED_TRACE(size);
    expect_error_of_model(ErrorKind::corrupt, {}, [&](auto& config) { config[size] = 2'000'000'000; });
  }
  expect_error_of_model(ErrorKind::corrupt, {}, [](auto& config) {
    config["hidden_size"] = 2'000'000'000;
    config["vocab_size"] = 2'000'000'000;
  });
}

}  // namespace
}  // namespace filbert
