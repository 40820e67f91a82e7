// A checkpoint written in 8 bits says what it is. Without calibration it is the one that int8 makes of the original at load, bit for bit.
#include <filbert/quantize.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "infer/input_ranges.h"
#include "infer/model.h"
#include "reference/expect_error.h"
#include "reference/rows.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

// A directory that is made by what is written into it.
std::filesystem::path inside(const TemporaryDirectory& directory) { return directory.path() / "int8"; }

std::vector<float> logits_of(const std::filesystem::path& directory, const BatchEncoding& batch, const KernelTable& table,
                             std::optional<ComputeDtype> dtype) {
  return Model::load(directory, {.num_threads = 2, .dtype = dtype}, table)->logits(batch).data;
}

class Quantize : public testing::TestWithParam<const KernelTable*> {};
INSTANTIATE_TEST_SUITE_P(EveryTable, Quantize, testing::ValuesIn(available_tables()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST_P(Quantize, GivesTheBitsOfInt8MadeAtLoad) {
  for (const char* dtype : {"F32", "F16", "BF16"}) {
    const TinyCheckpoint shape{.seed = 21, .vocab_size = 131, .hidden_size = 40, .num_attention_heads = 5, .intermediate_size = 77, .dtype = dtype};
    const TemporaryDirectory original = write_checkpoint(shape), made;
    write_quantized(original.path(), inside(made), {.calibration_tokens = 0});
    Random random(22);
    const BatchEncoding batch = batch_of(random_rows(random, shape, 12));
    const auto at_load = logits_of(original.path(), batch, *GetParam(), ComputeDtype::int8);
    EXPECT_TRUE(same_bits(logits_of(inside(made), batch, *GetParam(), std::nullopt), at_load)) << dtype;
    EXPECT_TRUE(same_bits(logits_of(inside(made), batch, *GetParam(), ComputeDtype::automatic), at_load)) << dtype;
    EXPECT_FALSE(same_bits(logits_of(original.path(), batch, *GetParam(), std::nullopt), at_load)) << dtype;
  }
}

// What the layers' inputs are is known from elsewhere: hidden states.
TEST(Quantize, MeasuresWhatGoesIntoALayer) {
  const TinyCheckpoint shape{.seed = 3, .num_hidden_layers = 3};
  const TemporaryDirectory original = write_checkpoint(shape);
  Random random(4);
  const BatchEncoding batch = batch_of(random_rows(random, shape, 30));
  const auto model = Model::load(original.path(), {.num_threads = 2, .max_batch_tokens = 64}, choose_table());
  EncoderOutputs outputs;
  model->logits(batch, {.output_hidden_states = true}, outputs);
  const InputRanges ranges = measure_inputs(*model, batch);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    const Tensor& states = outputs.hidden_states[layer];
    const InputRange& range = ranges.at("encoder.layer." + std::to_string(layer) + ".attention.self.key");
    ASSERT_EQ(range.mean.size(), shape.hidden_size);
    for (std::size_t k = 0; k < shape.hidden_size; ++k) {
      double sum = 0, squares = 0;
      for (std::size_t token = 0; token < states.rows(); ++token) sum += states[token][k];
      const double mean = sum / static_cast<double>(states.rows());
      for (std::size_t token = 0; token < states.rows(); ++token) squares += (states[token][k] - mean) * (states[token][k] - mean);
      EXPECT_NEAR(range.mean[k], mean, 1e-5);
      EXPECT_NEAR(range.deviation[k], std::sqrt(squares / static_cast<double>(states.rows())), 1e-5);
    }
  }
}

// Layer norms that give what their weights and biases do not tell, as trained ones do: a channel far from its bias that hardly moves.
TEST(Quantize, CalibrationComesNearerToF32) {
  double plain_error = 0, calibrated_error = 0;
  for (std::uint64_t seed = 31; seed < 37; ++seed) {
    const TinyCheckpoint shape{.seed = seed, .vocab_size = 300, .hidden_size = 64, .num_attention_heads = 4, .intermediate_size = 128,
                               .edit_tensors = [](Arrays& tensors) {
                                 for (auto& [name, array] : tensors) {
                                   if (!name.ends_with("position_embeddings.weight")) continue;
                                   for (std::size_t at = 5; at < array.values.size(); at += 64) array.values[at] += 30;
                                 }
                               }};
    const TemporaryDirectory original = write_checkpoint(shape), plain, calibrated, again;
    write_quantized(original.path(), inside(plain), {.calibration_tokens = 0});
    write_quantized(original.path(), inside(calibrated));
    write_quantized(original.path(), inside(again));
    EXPECT_EQ(read_file(inside(calibrated) / "model.safetensors"), read_file(inside(again) / "model.safetensors"));
    Random random(32);
    const BatchEncoding batch = batch_of(random_rows(random, shape, 60));
    const auto exact = logits_of(original.path(), batch, choose_table(), ComputeDtype::f32);
    const auto error_of = [&](const std::filesystem::path& directory) {
      const auto narrow = logits_of(directory, batch, choose_table(), std::nullopt);
      double sum = 0;
      for (std::size_t at = 0; at < exact.size(); ++at) sum += std::abs(static_cast<double>(exact[at]) - narrow[at]);
      return sum;
    };
    plain_error += error_of(inside(plain));
    calibrated_error += error_of(inside(calibrated));
  }
  EXPECT_LT(calibrated_error, 0.95 * plain_error);  // most of the error is elsewhere: word embeddings, and layers without a norm before them
}

TEST(Quantize, IsAQuarterOfF32AndKeepsItsParameters) {
  const TemporaryDirectory original = write_checkpoint({.seed = 1, .vocab_size = 2000, .hidden_size = 128, .intermediate_size = 512}), made;
  write_quantized(original.path(), inside(made));
  const auto bytes = [](const std::filesystem::path& directory) { return static_cast<double>(file_size(directory / "model.safetensors")); };
  EXPECT_LT(bytes(inside(made)), 0.3 * bytes(original.path()));
  const auto load = [](const std::filesystem::path& directory) { return BertForSequenceClassification::from_pretrained(directory); };
  EXPECT_EQ(load(inside(made)).num_parameters(), load(original.path()).num_parameters());
  EXPECT_EQ(load(inside(made)).compute_dtype(), ComputeDtype::int8);
  EXPECT_EQ(load(inside(made)).dtype(), "F32, I8");
  EXPECT_EQ(read_file(inside(made) / "vocab.txt"), read_file(original.path() / "vocab.txt"));
}

TEST(Quantize, RunsInNoOtherDtype) {
  const TemporaryDirectory original = write_checkpoint(TinyCheckpoint{}), made;
  write_quantized(original.path(), inside(made));
  for (const ComputeDtype dtype : {ComputeDtype::f32, ComputeDtype::bf16}) {
    expect_error(ErrorKind::unsupported, {"config.json", "quantization_config", "int8", name(dtype)},
                 [&] { BertForSequenceClassification::from_pretrained(inside(made), {.dtype = dtype}); });
  }
}

TEST(Quantize, RefusesWhatItCannotDo) {
  const TemporaryDirectory original = write_checkpoint(TinyCheckpoint{}), made;
  expect_error(ErrorKind::invalid_argument, {original.path().string(), "new or an empty directory"},
               [&] { write_quantized(original.path(), original.path()); });
  expect_error(ErrorKind::not_found, {"nowhere"}, [&] { write_quantized(original.path() / "nowhere", inside(made)); });
  expect_error(ErrorKind::invalid_argument, {"cannot create"}, [&] { write_quantized(original.path(), original.path() / "vocab.txt" / "x"); });
  write_quantized(original.path(), inside(made));
  expect_error(ErrorKind::invalid_argument, {inside(made).string(), "found a quantized one"},
               [&] { write_quantized(inside(made), made.path() / "again"); });
}

TEST(Quantize, OfAnotherKindIsRefused) {
  const TemporaryDirectory directory = write_checkpoint(
      {.edit_config = [](nlohmann::ordered_json& config) { config["quantization_config"] = {{"quant_method", "bitsandbytes"}}; }});
  expect_error(ErrorKind::unsupported, {"quantization_config.quant_method", "filbert-int8-1", "bitsandbytes"},
               [&] { BertForSequenceClassification::from_pretrained(directory.path()); });
}

TEST(Quantize, TensorsInFloatsWhereTheConfigSaysInt8AreNamed) {
  const TemporaryDirectory directory = write_checkpoint(
      {.edit_config = [](nlohmann::ordered_json& config) { config["quantization_config"] = {{"quant_method", "filbert-int8-1"}}; }});
  expect_error(ErrorKind::unsupported, {"model.safetensors", ".weight", "expected I8, found F32"},
               [&] { BertForSequenceClassification::from_pretrained(directory.path()); });
}

}  // namespace
}  // namespace filbert
