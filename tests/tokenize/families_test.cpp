#include "tokenize/families.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tokenize/load.h"
#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;

std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

std::string piece(const std::string& text, float score, char type = 1) {
  std::string number(sizeof score, '\0');
  std::memcpy(number.data(), &score, sizeof score);
  return field(1, field(1, text) + "\x15" + number + "\x18" + type);
}

// Ids of the file:              0                      1                   2
std::string small_model() {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("▁a", -1) + piece("b", -2) + piece("▁", -3);
}

Tokenizer small(const char* model_type, const std::string& model = small_model()) {
  CompanionFiles companions;
  companions.config_json = std::string(R"({"model_type":")") + model_type + "\"}";
  return load_sentencepiece(model, companions, "dir/spiece.model");
}

TEST(Families, XlmRobertaPutsTokensOfFairseqInFront) {
  const Tokenizer tokenizer = small("xlm-roberta");  // <s> <pad> </s> <unk> ▁a b ▁ <mask>
  EXPECT_EQ(tokenizer("a b").input_ids, (Ids{0, 4, 6, 5, 2}));
  EXPECT_EQ(tokenizer("a", "b").input_ids, (Ids{0, 4, 2, 2, 6, 5, 2}));
  EXPECT_EQ(tokenizer("a", "b").token_type_ids, Ids(7, 0));
  EXPECT_EQ(tokenizer("é").input_ids, (Ids{0, 6, 3, 2}));
  EXPECT_EQ(tokenizer.token_to_id("<mask>"), 7);
  EXPECT_EQ(tokenizer.description(), "Unigram from spiece.model, 8 tokens, cased");
}

TEST(Families, CamembertHasTokensThatAreNotUsed) {
  EXPECT_EQ(small("camembert")("a b").input_ids, (Ids{5, 7, 9, 8, 6}));  // its own <s> and </s> lie behind five others
}

TEST(Families, XlnetEndsWithItsClass) {
  const Tokenizer tokenizer = small("xlnet", small_model() + piece("<sep>", 0, 3) + piece("<cls>", 0, 3));
  EXPECT_EQ(tokenizer("a b").input_ids, (Ids{3, 5, 4, 6, 7}));
  EXPECT_EQ(tokenizer("a b").token_type_ids, (Ids{0, 0, 0, 0, 2}));
}

TEST(Families, T5EndsTextsAndKeepsSentinelsBehindThePieces) {
  const Tokenizer tokenizer = small("t5");  // <unk> <s> </s> ▁a b ▁ <extra_id_99> … <extra_id_0>
  EXPECT_EQ(tokenizer("a b").input_ids, (Ids{3, 5, 4, 2}));
  EXPECT_EQ(tokenizer("a", "b").input_ids, (Ids{3, 2, 5, 4, 2}));
  EXPECT_EQ(tokenizer("a", "b").token_type_ids, Ids(5, 0));
  EXPECT_EQ(tokenizer("<extra_id_0>a<extra_id_99>").input_ids, (Ids{105, 3, 6, 2}));
  EXPECT_EQ(tokenizer.vocab_size(), 107u);  // <pad>, which this model lacks, is the last
  CompanionFiles companions;
  companions.tokenizer_config_json = R"({"tokenizer_class":"T5Tokenizer","extra_ids":0,"cls_token":"[CLS]"})";
  const Tokenizer without = load_sentencepiece(small_model(), companions, "dir/spiece.model");
  EXPECT_EQ(without.token_to_id("<extra_id_0>"), std::nullopt);
  EXPECT_EQ(without("[CLS]a").input_ids, (Ids{*without.token_to_id("[CLS]"), 3, 2}));  // typed, as such models are used
  companions.tokenizer_config_json = R"({"tokenizer_class":"T5Tokenizer","extra_ids":-1})";
  EXPECT_EQ(message_of(ErrorKind::corrupt, [&] { load_sentencepiece(small_model(), companions, "dir/spiece.model"); }),
            "dir/tokenizer_config.json: extra_ids: expected a number from 0 to 100000, found a number (-1)");
}

TEST(Families, AlbertLowersAndStripsAccents) {
  const Tokenizer tokenizer = small("albert", small_model() + piece("[CLS]", 0, 3) + piece("[SEP]", 0, 3));
  EXPECT_EQ(tokenizer("Á").input_ids, (Ids{6, 3, 7}));
}

TEST(Families, RobertaFromVocabularyAndMerges) {
  const std::string vocab = R"({"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4,"b":5,"ab":6,"Ġ":7,"Ġa":8,"<mask>":9})";
  CompanionFiles companions;
  companions.tokenizer_config_json = R"({"tokenizer_class":"RobertaTokenizerFast"})";
  const Tokenizer tokenizer = load_byte_level_bpe(vocab, "#version: 0.2\na b\nĠ a\n", companions, "dir/vocab.json");
  EXPECT_EQ(tokenizer("ab a").input_ids, (Ids{0, 6, 8, 2}));
  EXPECT_EQ(tokenizer("ab a").offset_mapping, (reference::Offsets{{0, 0}, {0, 2}, {3, 4}, {0, 0}}));
  companions.tokenizer_config_json = R"({"tokenizer_class":"RobertaTokenizer","add_prefix_space":true})";
  EXPECT_EQ(load_byte_level_bpe(vocab, "a b\nĠ a", companions, "vocab.json")("a").input_ids, (Ids{0, 8, 2}));
  EXPECT_EQ(message_of(ErrorKind::corrupt, [&] { load_byte_level_bpe(vocab, "a b\nab", companions, "dir/vocab.json"); }),
            "dir/merges.txt: line 2: expected two pieces, found \"ab\"");
}

TEST(Families, AnUnknownClassIsNamed) {
  EXPECT_EQ(message_of(ErrorKind::unsupported, [] { small("pegasus"); }),
            "dir/spiece.model: tokenizer_class or model_type: expected one of XLMRobertaTokenizer, CamembertTokenizer, "
            "AlbertTokenizer, XLNetTokenizer, DebertaV2Tokenizer, T5Tokenizer, found \"pegasus\"");
}

// What a class does by code of its own would be lost in silence.
TEST(Families, AClassWithWordsOfItsOwnIsRefused) {
  const std::string vocab = "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\n";
  const auto message = [&](const char* tokenizer_config, const char* config) {
    return message_of(ErrorKind::unsupported, [&] { load_wordpiece_vocab(vocab, tokenizer_config, "dir/vocab.txt", {}, {}, config); });
  };
  EXPECT_EQ(message(R"({"tokenizer_class":"BertJapaneseTokenizer"})", ""),
            "dir/vocab.txt: tokenizer_class: expected a class whose words the files describe, found \"BertJapaneseTokenizer\", which cuts text into words by "
            "MeCab, Sudachi or Juman++");
  // As bertweet and phobert say it: in config.json, where the model_type is another's.
  EXPECT_EQ(message("", R"({"model_type":"roberta","tokenizer_class":"PhobertTokenizer"})"),
            "dir/vocab.txt: tokenizer_class: expected a class whose words the files describe, found \"PhobertTokenizer\", which cuts words by bpe.codes");
  EXPECT_EQ(message("", R"({"model_type":"roformer"})"),
            "dir/vocab.txt: model_type: expected a class whose words the files describe, found \"roformer\", which cuts Chinese text into words by the "
            "dictionary of jieba");
  EXPECT_EQ(message(R"({"tokenizer_class":"KoBertTokenizer"})", ""),
            "dir/vocab.txt: tokenizer_class: expected BertTokenizer, a copy of it, or MPNetTokenizer, found \"KoBertTokenizer\"");
  for (const char* known : {"BertTokenizerFast", "ElectraTokenizer", "DPRReaderTokenizer", "PreTrainedTokenizerFast", "BertTokenizer"}) {
    const std::string config = std::string(R"({"tokenizer_class":")") + known + "\"}";
    EXPECT_EQ(load_wordpiece_vocab(vocab, config, "dir/vocab.txt")("a").input_ids, (Ids{1, 5, 2})) << known;
  }
  EXPECT_EQ(load_wordpiece_vocab(vocab, {}, "dir/vocab.txt", {}, {}, R"({"model_type":"roformer","tokenizer_class":"BertTokenizer"})")("a").input_ids,
            (Ids{1, 5, 2}));
  // The tokenizer.json that transformers writes of it has BertPreTokenizer, which is not what it does.
  const reference::SmallJson json;
  EXPECT_EQ(message_of(ErrorKind::unsupported, [&] { json.load(R"({"tokenizer_class":"RoFormerTokenizerFast"})"); }),
            "tokenizer.json: tokenizer_class: expected a class whose words the files describe, found \"RoFormerTokenizerFast\", which cuts Chinese text into "
            "words by the dictionary of jieba");
}

TEST(Families, BrokenModelsAreCorrupt) {
  const auto message = [](const std::string& model) {
    return message_of(ErrorKind::corrupt, [&] { small("xlm-roberta", model); });
  };
  EXPECT_EQ(message(""), "dir/spiece.model: expected pieces, found none");
  EXPECT_EQ(message(small_model().substr(0, 9)), "dir/spiece.model: expected 14 more bytes, found 7");
  EXPECT_EQ(message(piece("\xFF", 0)), "dir/spiece.model: pieces[0]: expected UTF-8 and a finite score, found other bytes or 0");
  EXPECT_EQ(message(std::string(11, '\xFF')), "dir/spiece.model: expected a number of up to 64 bits, found a longer one");
  EXPECT_EQ(message_of(ErrorKind::unsupported, [] { small("xlnet", small_model() + field(2, "\x18\x02")); }),
            "dir/spiece.model: trainer_spec: model_type: expected unigram, found bpe");
}

}  // namespace
}  // namespace filbert
