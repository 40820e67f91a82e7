#include "tokenize/post_processor.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;
using reference::SmallJson;

std::string template_json(std::string_view single, std::string_view pair) {
  return R"({"type":"TemplateProcessing","single":[)" + std::string(single) + R"(],"pair":[)" + std::string(pair) +
         R"(],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"two":{"id":"two","ids":[4,3],"tokens":["[MASK]","[SEP]"]}}})";
}

constexpr const char* kA = R"({"Sequence":{"id":"A","type_id":0}})";
constexpr const char* kB = R"({"Sequence":{"id":"B","type_id":1}})";
constexpr const char* kCls = R"({"SpecialToken":{"id":"[CLS]","type_id":0}})";
constexpr const char* kTwo = R"({"SpecialToken":{"id":"two","type_id":7}})";

TEST(PostProcessor, BertPutsItsTokensAroundTextAndPair) {
  const Tokenizer tokenizer = reference::small_tokenizer();
  const BatchEncoding single = tokenizer("the");
  EXPECT_EQ(single.input_ids, (Ids{2, 5, 3}));
  EXPECT_EQ(single.token_type_ids, (Ids{0, 0, 0}));
  const BatchEncoding pair = tokenizer("the", "a !");
  EXPECT_EQ(pair.input_ids, (Ids{2, 5, 3, 15, 10, 3}));
  EXPECT_EQ(pair.token_type_ids, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(pair.special_tokens_mask, (Ids{1, 0, 1, 0, 0, 1}));
  EXPECT_EQ(pair.word_ids, (Ids{-1, 0, -1, 0, 1, -1}));
  EXPECT_EQ(pair.sequence_ids, (Ids{-1, 0, -1, 1, 1, -1}));
  EXPECT_EQ(pair.offset_mapping, (reference::Offsets{{0, 0}, {0, 3}, {0, 0}, {0, 1}, {2, 3}, {0, 0}}));
}

TEST(PostProcessor, SpecialTokensCanBeLeftOut) {
  const BatchEncoding pair = reference::small_tokenizer()("the", "a", {.add_special_tokens = false});
  EXPECT_EQ(pair.input_ids, (Ids{5, 15}));
  EXPECT_EQ(pair.token_type_ids, (Ids{0, 1}));
}

TEST(PostProcessor, ATemplateIsFollowedToTheLetter) {
  SmallJson json;
  json.post_processor =
      template_json(std::string(kTwo) + "," + kA, std::string(kB) + "," + kCls + "," + kA + "," + kTwo);
  const Tokenizer tokenizer = json.load();
  EXPECT_EQ(tokenizer("the").input_ids, (Ids{4, 3, 5}));
  const BatchEncoding pair = tokenizer("the", "a");
  EXPECT_EQ(pair.input_ids, (Ids{15, 2, 5, 4, 3}));
  EXPECT_EQ(pair.token_type_ids, (Ids{1, 0, 0, 7, 7}));
  EXPECT_EQ(pair.sequence_ids, (Ids{1, -1, 0, -1, -1}));
}

TEST(PostProcessor, WithoutOneTextsStandAlone) {
  SmallJson json;
  json.post_processor = "null";
  const BatchEncoding pair = json.load()("the", "a");
  EXPECT_EQ(pair.input_ids, (Ids{5, 15}));
  EXPECT_EQ(pair.token_type_ids, (Ids{0, 1}));
}

TEST(PostProcessor, BrokenTemplatesAreNamed) {
  const auto message = [](std::string_view single, std::string_view pair) {
    SmallJson json;
    json.post_processor = template_json(single, pair);
    return message_of(ErrorKind::corrupt, [&] { json.load(); });
  };
  const std::string pair = std::string(kA) + "," + kB;
  EXPECT_EQ(
      message(R"({"SpecialToken":{"id":"[X]","type_id":0}})", pair),
      "tokenizer.json: post_processor: single[0]: SpecialToken: id: expected a token that special_tokens has, found "
      "a string (\"[X]\")");
  EXPECT_EQ(message(kB, pair),
            "tokenizer.json: post_processor: single[0]: Sequence: id: expected \"A\", found a string (\"B\")");
  EXPECT_EQ(message(kCls, pair), "tokenizer.json: post_processor: single: expected a Sequence A, found none");
  EXPECT_EQ(message(kA, kA), "tokenizer.json: post_processor: pair: expected a Sequence B, found none");
}

TEST(PostProcessor, AnIdPastTheVocabularyIsCorrupt) {
  SmallJson json;
  json.post_processor = R"({"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",99]})";
  EXPECT_EQ(message_of(ErrorKind::corrupt, [&] { json.load(); }),
            "tokenizer.json: post_processor: expected ids below the 19 of the vocabulary, found 99");
}

}  // namespace
}  // namespace filbert
