// Really trained weights: the encoder of a BERT-tiny fine-tuned on SST-2 reproduces the logits recorded with it.
#include "infer/model.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/goldens.h"
#include "reference/reference_bert.h"

namespace filbert {
namespace {

using namespace reference;

// The recording of one text: what embeddings.LayerNorm gave, and the logits of it in double precision.
struct Recording {
  Matrix embedding_output;  // [tokens][hidden_size]
  Vector logits;
};

class BertTiny : public testing::Test {
 protected:
  void SetUp() override {
    // Shared between checkouts and not part of the repository.
    const auto from = source_directory() / ".." / "shared" / "data" / "models" / "bert-tiny-sst2-encoder";
    if (!std::filesystem::exists(from)) GTEST_SKIP() << "no ../shared/data/models/bert-tiny-sst2-encoder beside the checkout";
    std::ifstream recorded(from / "recorded_embedding_outputs.json");
    for (const auto& recording : nlohmann::json::parse(recorded)) {
      recordings_.push_back({recording.at("embedding_output"), recording.at("logits_exact_layernorm")});
    }
    // It comes without embeddings: tables of zeros, one row each, make it a checkpoint.
    std::ifstream config_file(from / "config.json");
    auto config = nlohmann::json::parse(config_file);
    config["vocab_size"] = config["type_vocab_size"] = config["max_position_embeddings"] = 1;
    directory_.write("config.json", config.dump());
    Arrays arrays = read_arrays(from / "model.encoder.safetensors");
    for (const char* table : {"word_embeddings", "position_embeddings", "token_type_embeddings"}) {
      arrays["bert.embeddings." + std::string(table) + ".weight"] = {{1, 128}, Vector(128, 0.0)};
    }
    arrays["bert.embeddings.LayerNorm.weight"] = arrays["bert.embeddings.LayerNorm.bias"] = {{128}, Vector(128, 0.0)};
    write_arrays(directory_.path() / "model.safetensors", arrays);
  }

  TemporaryDirectory directory_;
  std::vector<Recording> recordings_;
};

// 1e-8: both in double, but the file holds the weights rounded to f32 and one LayerNorm weight to 7e-9 only.
TEST_F(BertTiny, OracleReproducesTheRecordedLogits) {
  const ReferenceBert oracle(directory_.path());
  ASSERT_FALSE(recordings_.empty());
  double greatest = 0;
  for (const Recording& recording : recordings_) {
    greatest = std::max(greatest, greatest_difference(oracle.logits_from_embeddings(recording.embedding_output), recording.logits));
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
  EXPECT_LE(greatest, 1e-8);
}

// 1e-5: the order of f32 sums.
TEST_F(BertTiny, EveryTableReproducesTheRecordedLogits) {
  std::vector<float> embedding_output;
  std::vector<std::size_t> row_starts = {0};
  for (const Recording& recording : recordings_) {
    for (const Vector& token : recording.embedding_output) embedding_output.insert(embedding_output.end(), token.begin(), token.end());
    row_starts.push_back(embedding_output.size() / 128);
  }
  double greatest = 0;
  for (const KernelTable* table : available_tables()) {
    SCOPED_TRACE(table->name);
    const auto model = Model::load(directory_.path(), {.num_threads = 2}, *table);
    const Tensor logits = model->logits_from_embeddings(embedding_output, row_starts);
    ASSERT_EQ(logits.rows(), recordings_.size());
    for (std::size_t row = 0; row < recordings_.size(); ++row) {
      const double difference = greatest_difference(logits[row], recordings_[row].logits);
      EXPECT_LE(difference, 1e-5);
      greatest = std::max(greatest, difference);
    }
  }
  RecordProperty("greatest_difference", std::to_string(greatest * 1e6) + "e-6");
}

}  // namespace
}  // namespace filbert
