#include "tokenize/tokenizer_config.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;
using reference::small_tokenizer;

TEST(TokenizerConfig, MaximumLengthHasAnOldNameAndAValueForNone) {
  EXPECT_EQ(small_tokenizer(R"({"model_max_length":512})").model_max_length(), 512u);
  EXPECT_EQ(small_tokenizer(R"({"max_len":128})").model_max_length(), 128u);
  EXPECT_EQ(small_tokenizer(R"({"model_max_length":64,"max_len":128})").model_max_length(), 64u);
  EXPECT_EQ(small_tokenizer(R"({"model_max_length":1000000000000000019884624838656})").model_max_length(),
            std::nullopt);
  EXPECT_EQ(small_tokenizer(R"({"model_max_length":1e30,"x":"1234567890123456789012\"3"})").model_max_length(),
            std::nullopt);
  EXPECT_EQ(small_tokenizer().model_max_length(), std::nullopt);
}

TEST(TokenizerConfig, LowerCasingIsTheDefaultAndAccentsFollowIt) {
  EXPECT_TRUE(small_tokenizer().lowercases());
  EXPECT_FALSE(small_tokenizer(R"({"do_lower_case":false})").lowercases());
  EXPECT_EQ(small_tokenizer()("café").input_ids, (Ids{2, 13, 3}));
  EXPECT_EQ(small_tokenizer(R"({"strip_accents":false})")("café").input_ids, (Ids{2, 1, 3}));
  EXPECT_EQ(small_tokenizer(R"({"do_lower_case":false,"strip_accents":true})")("café").input_ids, (Ids{2, 13, 3}));
}

TEST(TokenizerConfig, PatchesTheNormalizerOfATokenizerJson) {
  const reference::SmallJson json;
  EXPECT_EQ(json.load()("The").input_ids, (Ids{2, 5, 3}));
  EXPECT_EQ(json.load(R"({"do_lower_case":false})")("The").input_ids, (Ids{2, 14, 3}));
  EXPECT_EQ(json.load(R"({"strip_accents":false})")("café").input_ids, (Ids{2, 1, 3}));
  EXPECT_EQ(json.load(R"({"tokenize_chinese_chars":false})")("a中").input_ids, (Ids{2, 1, 3}));
}

TEST(TokenizerConfig, ATokenizerClassDecidesWhoseNormalizerCounts) {
  // As transformers 5.23: BertTokenizer keeps the vocabulary alone, PreTrainedTokenizerFast the whole file.
  reference::SmallJson json;
  json.normalizer =
      R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":false})";
  EXPECT_EQ(json.load()("The a[SEP]").input_ids, (Ids{2, 14, 15, 1, 1, 1, 3}));
  EXPECT_EQ(json.load(R"({"tokenizer_class":"BertTokenizer"})")("The a[SEP]").input_ids, (Ids{2, 5, 15, 3, 3}));
  EXPECT_EQ(json.load(R"({"tokenizer_class":"PreTrainedTokenizerFast","do_lower_case":true})")("The a[SEP]").input_ids,
            (Ids{2, 14, 15, 1, 1, 1, 3}));
  EXPECT_EQ(
      json.load(R"({"tokenizer_class":"BertTokenizer"})").doubts()[0],
      "tokenizer.json does not lower-case and tokenizer_config.json does not say do_lower_case: text is lower-cased, "
      "as transformers does for BertTokenizer");
}

TEST(TokenizerConfig, SpecialTokensMayHaveOtherNames) {
  const std::string vocab = "<pad>\n<unk>\n<s>\n</s>\na\n";
  const std::string config =
      R"({"unk_token":"<unk>","cls_token":"<s>","sep_token":{"content":"</s>","lstrip":false,"rstrip":false,)"
      R"("normalized":true,"single_word":false,"__type":"AddedToken"},"pad_token":"<pad>","mask_token":null})";
  const Tokenizer tokenizer = load_wordpiece_vocab(vocab, config, "vocab.txt");
  EXPECT_EQ(tokenizer("a zzz").input_ids, (Ids{2, 4, 1, 3}));
  EXPECT_EQ(tokenizer("a</s>").input_ids, (Ids{2, 4, 3, 3}));
  const Tokenizer from_map = load_wordpiece_vocab(vocab, {}, "vocab.txt", config);
  EXPECT_EQ(from_map("a zzz").input_ids, (Ids{2, 4, 1, 3}));
}

TEST(TokenizerConfig, AddedTokensAreAddedOnce) {
  const std::string config =
      R"({"added_tokens_decoder":{"19":{"content":"<e>","lstrip":true,"normalized":false,"rstrip":false,)"
      R"("single_word":false,"special":true},"3":{"content":"[SEP]","normalized":false,"special":true}},)"
      R"("additional_special_tokens":["<e>","<f>"]})";
  const Tokenizer tokenizer = small_tokenizer(config);
  EXPECT_EQ(tokenizer("a <e><f>").input_ids, (Ids{2, 15, 19, 20, 3}));
  EXPECT_EQ(tokenizer.vocab_size(), 21u);
  EXPECT_EQ(tokenizer.id_to_token(20), "<f>");
  EXPECT_EQ(tokenizer.token_to_id("<e>"), 19);
}

TEST(TokenizerConfig, TheOlderAddedTokensJsonIsRead) {
  const Tokenizer tokenizer = load_wordpiece_vocab(
      reference::kVocab, {}, "vocab.txt", R"({"additional_special_tokens":["<F>"]})", R"({"<F>":20,"New":19})");
  EXPECT_EQ(tokenizer("a NEW<F><f>").input_ids, (Ids{2, 15, 19, 20, 1, 1, 1, 3}));
}

TEST(TokenizerConfig, WrongTypesAreNamed) {
  const auto message = [](std::string_view config) {
    return message_of(ErrorKind::corrupt, [&] { load_wordpiece_vocab(reference::kVocab, config, "dir/vocab.txt"); });
  };
  EXPECT_EQ(message(R"({"do_lower_case":"yes"})"),
            "dir/tokenizer_config.json: do_lower_case: expected a boolean, found a string (\"yes\")");
  EXPECT_EQ(message(R"({"model_max_length":-1})"),
            "dir/tokenizer_config.json: model_max_length: expected 0 or more, found a number (-1)");
  EXPECT_EQ(message(R"({"truncation_side":"up"})"),
            "dir/tokenizer_config.json: truncation_side: expected \"left\" or \"right\", found a string (\"up\")");
  EXPECT_EQ(message("[]"), "dir/tokenizer_config.json: expected an object, found an array");
  EXPECT_NE(message("{").find("dir/tokenizer_config.json: expected JSON"), std::string::npos);
}

}  // namespace
}  // namespace filbert
