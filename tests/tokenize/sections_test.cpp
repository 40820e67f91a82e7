// Tokenizers of every kind against ids, offsets and word ids that tools/make_tokenizer_goldens.py recorded from tokenizers.
#include "tokenize/sections.h"

#include <string>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tokenize/kinds.h"
#include "tokenize/load.h"
#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::ids_of;
using reference::message_of;
using reference::offsets_of;

TEST(Sections, EveryKindGivesTheIdsOfTokenizers) {
  const std::size_t kinds = reference::for_each_kind([](const JsonValue& line, const std::string& kind) {
    const Tokenizer tokenizer = load_tokenizer_json(line.at("tokenizer_json").as_string(), {}, kind);
    line.at("rows").for_each_element([&](const JsonValue& row) {
      const std::string_view text = row.at("text").as_string();
      const BatchEncoding encoding = tokenizer(text);
      const auto what = [&] { return kind + ::testing::PrintToString(std::string(text)); };
      EXPECT_EQ(encoding.input_ids, ids_of(row.at("ids"))) << what();
      EXPECT_EQ(encoding.offset_mapping, offsets_of(row.at("offsets"))) << what();
      EXPECT_EQ(encoding.word_ids, ids_of(row.at("words"))) << what();
      for (int time = 0; time < 2; ++time) {  // the second time words are known
        EXPECT_EQ(tokenizer(text, {.return_offsets_mapping = false}).input_ids, encoding.input_ids) << what();
      }
    });
  });
  EXPECT_GE(kinds, 15u);
}

std::string unigram_json(const std::string& model) {
  return R"({"pre_tokenizer":{"type":"WhitespaceSplit"},"model":)" + model + "}";
}

TEST(Sections, BrokenModelsAreCorrupt) {
  const auto message = [](const std::string& model) {
    return message_of(ErrorKind::corrupt, [&] { load_tokenizer_json(unigram_json(model), {}, "t"); });
  };
  EXPECT_EQ(message(R"({"type":"Unigram","unk_id":7,"vocab":[["a",0.5]]})"), "t: model: unk_id: expected 0 to 0, found 7");
  EXPECT_EQ(message(R"({"type":"Unigram","vocab":[["a"]]})"), "t: model: vocab[0]: expected a piece and its score, found an array");
  EXPECT_EQ(message(R"({"type":"BPE","vocab":{"a":0},"merges":["a b"]})"),
            "t: model: merges: expected pieces that the vocabulary has, found \"b\"");
  EXPECT_EQ(message(R"({"type":"BPE","vocab":{"a":0},"merges":["a"]})"),
            "t: model: merges: expected two strings, found a string (\"a\")");
}

TEST(Sections, BrokenCharacterMapsAreCorrupt) {
  const auto message = [](const std::string& map) {
    const std::string text = R"({"normalizer":{"type":"Precompiled","precompiled_charsmap":")" + map +
                             R"("},"model":{"type":"Unigram","vocab":[["a",0.5]]}})";
    return message_of(ErrorKind::corrupt, [&] { load_tokenizer_json(text, {}, "t"); });
  };
  EXPECT_EQ(message(""), "t: normalizer: precompiled_charsmap: expected a trie and its size, found 0 bytes that say 0");
  EXPECT_EQ(message("/////w=="), "t: normalizer: precompiled_charsmap: expected a trie and its size, found 4 bytes that say 4294967295");
  EXPECT_EQ(message("a b"), "t: normalizer: precompiled_charsmap: expected base64, found byte 32");
}

TEST(Sections, LongWordsAreMergedAsShortOnes) {
  const std::string text = R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"aa":2,"aab":3,"aaaa":4},"merges":["a a","aa b","aa aa"]}})";
  const Tokenizer tokenizer = load_tokenizer_json(text, {}, "t");
  std::string word;
  Ids expected;
  for (int i = 0; i < 40; ++i) {
    word += "aab";
    expected.push_back(3);
  }
  EXPECT_EQ(tokenizer(word.substr(0, 9)).input_ids, (Ids{3, 3, 3}));
  EXPECT_EQ(tokenizer(word).input_ids, expected);
}

}  // namespace
}  // namespace filbert
