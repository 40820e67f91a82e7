// Ids that others recorded from the real tokenizers (../shared/data/golden_token_ids, golden_model_outputs; SOURCE.txt
// there says by which programs). Skipped where ../shared is not there.
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/tokenizer.h>

#include "base/file.h"
#include "tokenize/load.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kData = fs::path(FILBERT_SOURCE_DIR) / "../shared/data";

std::vector<Json> rows_of(const fs::path& path) {
  std::string content;
  if (path.extension() == ".gz") {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("gzip -dc '" + path.string() + "'").c_str(), "r"), ::pclose);
    char buffer[65536];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;) content.append(buffer, got);
  } else {
    content = read_file(path);
  }
  std::vector<Json> rows;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    if (end > begin) rows.push_back(Json::parse(content.substr(begin, end - begin)));
    begin = end + 1;
  }
  return rows;
}

class GoldenTokenIds : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kData / "golden_token_ids")) GTEST_SKIP() << kData.lexically_normal() << " is not there";
  }

  const Tokenizer& tokenizer(const std::string& vocabulary, bool do_lower_case) {
    auto& slot = tokenizers_[{vocabulary, do_lower_case}];
    if (!slot) {
      slot = std::make_unique<Tokenizer>(load_wordpiece_vocab(read_file(kData / "vocab" / vocabulary / "vocab.txt"),
                                                              do_lower_case ? "{}" : R"({"do_lower_case":false})",
                                                              vocabulary + "/vocab.txt"));
    }
    return *slot;
  }

 private:
  std::map<std::pair<std::string, bool>, std::unique_ptr<Tokenizer>> tokenizers_;
};

using Ids = std::vector<std::int32_t>;

// vocab_same_as of a row: "('bert-base-uncased', True)".
std::optional<std::pair<std::string, bool>> vocabulary_of(const Json& row) {
  const auto same = row.value("vocab_same_as", Json());
  if (!same.is_string()) return std::nullopt;
  const std::string text = same;
  const std::size_t begin = text.find('\'') + 1, end = text.find('\'', begin);
  if (end == std::string::npos || !fs::exists(kData / "vocab" / text.substr(begin, end - begin) / "vocab.txt"))
    return std::nullopt;
  return std::pair(text.substr(begin, end - begin), text.find("True") != std::string::npos);
}

// What transformers pads to the longest row, without the padding.
Ids without_padding(const Json& ids, const Json& attention_mask) {
  Ids kept;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (attention_mask[i] == 1) kept.push_back(ids[i]);
  }
  return kept;
}

TEST_F(GoldenTokenIds, SlowTokenizersOfOneHundredCheckpoints) {
  const EncodeOptions to_ten{.truncation = Truncation::longest_first, .max_length = 10};
  const std::string b17 = "b b b b b b b b b b b b b b b b b";
  std::size_t compared = 0, models = 0;
  for (const Json& row : rows_of(kData / "golden_token_ids/fib_vocab_available.jsonl.gz")) {
    const auto vocabulary = vocabulary_of(row);
    if (!vocabulary || !(row["tokenizer_class"] == "BertTokenizer" || row["tokenizer_class"] == "DistilBertTokenizer"))
      continue;
    const Tokenizer& tokenize = tokenizer(vocabulary->first, vocabulary->second);
    ++models;
    for (const Json& test : row["cases"]) {
      if (test.value("suspect", false)) continue;
      EXPECT_EQ(tokenize(test["text"].get<std::string>()).input_ids, test["ids"].get<Ids>())
          << row["model"] << test["text"];
      ++compared;
    }
    EXPECT_EQ(tokenize("a a", "b b b b").input_ids, row["pair_encode"]["input_ids"].get<Ids>()) << row["model"];
    const Json &batch = row["batch_encode"], &pairs = row["batch_pair_encode"];
    EXPECT_EQ(tokenize("a a", to_ten).input_ids, without_padding(batch["input_ids"][0], batch["attention_mask"][0]));
    EXPECT_EQ(tokenize(b17, to_ten).input_ids, without_padding(batch["input_ids"][1], batch["attention_mask"][1]));
    EXPECT_EQ(tokenize("a a", "b", to_ten).input_ids,
              without_padding(pairs["input_ids"][0], pairs["attention_mask"][0]));
    EXPECT_EQ(tokenize("a a", b17, to_ten).input_ids,
              without_padding(pairs["input_ids"][1], pairs["attention_mask"][1]));
  }
  EXPECT_GE(models, 80u);
  EXPECT_GE(compared, 2800u);
}

TEST_F(GoldenTokenIds, FastTokenizersOfTransformersJs) {
  const std::map<std::string, std::pair<std::string, bool>> vocabularies = {
      {"Xenova/bert-base-uncased", {"bert-base-uncased", true}},
      {"Xenova/distilbert-base-uncased-finetuned-sst-2-english", {"bert-base-uncased", true}},
      {"Xenova/bert-base-cased", {"bert-base-cased", false}},
      {"google-bert/bert-base-cased", {"bert-base-cased", false}},
      {"Xenova/distilbert-base-cased-distilled-squad", {"bert-base-cased", false}},
      {"Xenova/bert-base-multilingual-cased-ner-hrl", {"bert-base-multilingual-cased", false}},
      {"distilbert/distilbert-base-multilingual-cased", {"bert-base-multilingual-cased", false}},
      {"Xenova/distiluse-base-multilingual-cased-v2", {"bert-base-multilingual-cased", false}},
      {"Xenova/bert-base-multilingual-uncased-sentiment", {"bert-base-multilingual-uncased", true}}};
  std::size_t compared = 0;
  for (const Json& row : rows_of(kData / "golden_token_ids/tjs_cases.jsonl")) {
    const auto vocabulary = vocabularies.find(row["model"]);
    if (vocabulary == vocabularies.end()) continue;
    const Tokenizer& tokenize = tokenizer(vocabulary->second.first, vocabulary->second.second);
    const std::string text = row["text"];
    const BatchEncoding found =
        row.contains("text_pair") ? tokenize(text, row["text_pair"].get<std::string>()) : tokenize(text);
    EXPECT_EQ(found.input_ids, row["ids"].get<Ids>()) << row["model"] << row["text"];
    ++compared;
  }
  EXPECT_GE(compared, 90u);
}

TEST_F(GoldenTokenIds, BgeSmallOfLlamaCpp) {
  const Tokenizer& tokenize = tokenizer("bert-base-uncased", true);
  for (const Json& row : rows_of(kData / "golden_token_ids/ggml_bge_cases.jsonl")) {
    EXPECT_EQ(tokenize(row["text"].get<std::string>(), {.add_special_tokens = false}).input_ids,
              row["ids_no_special"].get<Ids>())
        << row["text"];
  }
}

TEST_F(GoldenTokenIds, NlptownOfTheSeedAndTheQuicktour) {
  std::size_t compared = 0;
  for (const Json& row : rows_of(kData / "golden_model_outputs/outputs.jsonl")) {
    const char* key = row.contains("input_ids") ? "input_ids" : "input_ids_computed";
    if (!row.contains(key)) continue;
    const bool nlptown = row["model"] == "nlptown/bert-base-multilingual-uncased-sentiment";
    const Tokenizer& tokenize = tokenizer(nlptown ? "bert-base-multilingual-uncased" : "bert-base-uncased", true);
    EXPECT_EQ(tokenize(row["text"].get<std::string>()).input_ids, row[key].get<Ids>()) << row["text"];
    ++compared;
  }
  EXPECT_GE(compared, 7u);
}

}  // namespace
}  // namespace filbert
