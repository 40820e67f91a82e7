// Back from tokens to text, by goldens that tools/make_tokenizer_goldens.py recorded from tokenizers, and the tokens that have a role.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenize/families.h"
#include "tokenize/kinds.h"
#include "tokenize/load.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::ids_of;
using reference::message_of;
using reference::small_tokenizer;
using reference::SmallJson;
using Strings = std::vector<std::string>;

Strings strings_of(const JsonValue& array) {
  Strings strings;
  array.for_each_element([&](const JsonValue& string) { strings.emplace_back(string.as_string()); });
  return strings;
}

TEST(Decode, EveryKindGivesTheTextOfTokenizers) {
  const std::size_t kinds = reference::for_each_kind([](const JsonValue& line, const std::string& kind) {
    const Tokenizer tokenizer = load_tokenizer_json(line.at("tokenizer_json").as_string(), {}, kind);
    line.at("rows").for_each_element([&](const JsonValue& row) {
      const Ids ids = ids_of(row.at("ids"));
      EXPECT_EQ(tokenizer.decode(ids), row.at("decoded").as_string()) << kind;
      EXPECT_EQ(tokenizer.decode(ids, {.skip_special_tokens = true}), row.at("decoded_without_special").as_string()) << kind;
    });
    line.at("strings").for_each_element([&](const JsonValue& row) {
      EXPECT_EQ(tokenizer.convert_tokens_to_string(strings_of(row.at("tokens"))), row.at("string").as_string()) << kind << ", " << row.where();
    });
  });
  EXPECT_GE(kinds, 15u);
}

TEST(Decode, BertPutsWordsTogetherAndCleansUp) {
  const Tokenizer tokenizer = small_tokenizer();
  EXPECT_EQ(tokenizer.decode(Ids{2, 6, 7, 9, 11, 5, 10, 3}), "[CLS] unables, the! [SEP]");
  EXPECT_EQ(tokenizer.decode(Ids{2, 6, 7, 9, 11, 5, 10, 3}, {.skip_special_tokens = true}), "unables, the!");
  EXPECT_EQ(tokenizer.convert_tokens_to_string(Strings{"##able", "##s", "the"}), "##ables the");
  EXPECT_EQ(tokenizer.convert_tokens_to_string(Strings{}), "");
}

TEST(Decode, IdsThatNoTokenHasAreLeftOut) {
  const Tokenizer tokenizer = small_tokenizer();
  EXPECT_EQ(tokenizer.decode(Ids{5, 19, 1'000'000, 15}), "the a");
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { tokenizer.decode(Ids{5, -1}); }), "token id: expected 0 or more, found -1");
  const Tokenizer of_equal_lines = small_tokenizer({}, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\n");
  EXPECT_EQ(of_equal_lines.decode(Ids{5, 6}), "a");  // the first of the two lines has no id
}

TEST(Decode, SpacesAreCleanedUpWhereTheConfigSaysSo) {
  const std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nn\n'\nt\n##'t\n";
  const Ids ids = {5, 6, 9, 7, 5};  // a n't ' a
  EXPECT_EQ(small_tokenizer({}, vocab).decode(ids), "a n't ' a");
  EXPECT_EQ(small_tokenizer({}, vocab).decode(ids, {.clean_up_tokenization_spaces = true}), "an't'a");
  const Tokenizer cleaning = small_tokenizer(R"({"clean_up_tokenization_spaces":true})", vocab);
  EXPECT_EQ(cleaning.decode(ids), "an't'a");
  EXPECT_EQ(cleaning.decode(ids, {.clean_up_tokenization_spaces = false}), "a n't ' a");
}

TEST(Decode, IllFormedTokensBecomeReplacements) {
  EXPECT_EQ(small_tokenizer().convert_tokens_to_string(Strings{"a\xFF", "##\xE2\x82"}), "a\uFFFD\uFFFD");
}

TEST(Decode, ADecoderThatIsNotKnownIsAnErrorOfItsUse) {
  const auto load = [](const std::string& decoder) {
    std::string text = SmallJson().text();
    const std::string none = R"("decoder":null)";
    text.replace(text.find(none), none.size(), R"("decoder":)" + decoder);
    return load_tokenizer_json(text, {}, "t");
  };
  const auto message = [&](ErrorKind kind, const std::string& decoder) {
    const Tokenizer tokenizer = load(decoder);
    EXPECT_EQ(tokenizer("the").input_ids, (Ids{2, 5, 3}));
    return message_of(kind, [&] { tokenizer.decode(Ids{5}); });
  };
  EXPECT_EQ(message(ErrorKind::unsupported, R"({"type":"CTC","pad_token":"<pad>"})"),
            "t: decoder: type: expected a decoder that this version knows, found CTC");
  EXPECT_EQ(message(ErrorKind::corrupt, R"({"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"WordPiece","prefix":"##"}]})"),
            "t: decoder: decoders[1]: expected a field \"cleanup\", found none");
  EXPECT_EQ(message(ErrorKind::corrupt, R"({"type":"Strip","content":"ab","start":0,"stop":0})"),
            "t: decoder: content: expected one character, found a string (\"ab\")");
  EXPECT_EQ(message(ErrorKind::corrupt, R"({"type":"BPEDecoder","suffix":""})"),
            "t: decoder: suffix: expected a string that is not empty, found a string (\"\")");
  // tokenizers panics where a token is shorter than what may be taken off its end.
  EXPECT_EQ(load(R"({"type":"Strip","content":"t","start":1,"stop":5})").convert_tokens_to_string(Strings{"t", "", "tt", "tat"}), "a");
}

TEST(Decode, AClassThatIsKnownBringsItsDecoder) {
  const Strings tokens = {"un", "##able", "."};
  SmallJson json;
  EXPECT_EQ(json.load().convert_tokens_to_string(tokens), "un ##able .");  // the file has none
  EXPECT_EQ(json.load(R"({"tokenizer_class":"BertTokenizerFast"})").convert_tokens_to_string(tokens), "unable.");
  EXPECT_EQ(json.load(R"({"tokenizer_class":"RobertaTokenizer"})").convert_tokens_to_string(tokens), "un ##able .");  // of another model
  EXPECT_EQ(load_tokenizer_json(json.text(), {}, "t", {}, R"({"model_type":"mpnet"})").convert_tokens_to_string(tokens), "unable.");
}

TEST(SpecialTokens, AreThoseOfTheFilesAndThenOfTheClass) {
  const Tokenizer tokenizer = small_tokenizer();
  EXPECT_EQ(tokenizer.all_special_tokens(), (Strings{"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}));
  EXPECT_EQ(tokenizer.all_special_ids(), (Ids{1, 3, 0, 2, 4}));
  EXPECT_EQ(tokenizer.cls_token(), "[CLS]");
  EXPECT_EQ(tokenizer.pad_token(), "[PAD]");
  EXPECT_EQ(tokenizer.bos_token(), std::nullopt);
  EXPECT_FALSE(tokenizer.pads_left());
  const Tokenizer more = small_tokenizer(R"({"padding_side":"left","bos_token":"<s>","eos_token":"the","extra_special_tokens":["un","<e>"],)"
                                         R"("additional_special_tokens":["<f>"]})");
  EXPECT_EQ(more.all_special_tokens(), (Strings{"<s>", "the", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "un", "<e>"}));
  EXPECT_EQ(more.all_special_ids(), (Ids{19, 5, 1, 3, 0, 2, 4, 6, 20}));
  EXPECT_EQ(more.decode(Ids{2, 5, 15, 19, 6, 3}, {.skip_special_tokens = true}), "a");
  EXPECT_TRUE(more.pads_left());
}

TEST(SpecialTokens, OfRobertaHaveTwoNames) {
  const std::string vocab = R"({"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4,"Ã":5,"©":6,"Ġ":7,"Ġa":8,"<mask>":9})";
  CompanionFiles companions;
  companions.tokenizer_config_json = R"({"tokenizer_class":"RobertaTokenizerFast"})";
  const Tokenizer tokenizer = load_byte_level_bpe(vocab, "#version: 0.2\nĠ a\n", companions, "dir/vocab.json");
  EXPECT_EQ(tokenizer.all_special_ids(), (Ids{0, 2, 3, 1, 9}));
  EXPECT_EQ(tokenizer.bos_token(), tokenizer.cls_token());
  EXPECT_EQ(tokenizer.eos_token(), tokenizer.sep_token());
  EXPECT_EQ(tokenizer.decode(Ids{0, 4, 8, 7, 5, 6, 5, 2}), "<s>a a \u00e9\uFFFD</s>");
}

}  // namespace
}  // namespace filbert
