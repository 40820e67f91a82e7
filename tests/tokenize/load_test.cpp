#include "tokenize/load.h"

#include <gtest/gtest.h>

#include "reference/tiny_checkpoint.h"
#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;
using reference::SmallJson;
using reference::TemporaryDirectory;

TEST(Load, VocabTxtWithItsConfig) {
  const TemporaryDirectory directory;
  directory.write("vocab.txt", reference::kVocab);
  directory.write("tokenizer_config.json", R"({"do_lower_case":false,"model_max_length":512})");
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(directory.path());
  EXPECT_EQ(tokenizer("The unable").input_ids, (Ids{2, 14, 6, 7, 3}));
  EXPECT_EQ(tokenizer.model_max_length(), 512u);
  EXPECT_EQ(tokenizer.description(), "WordPiece from vocab.txt, 19 tokens, cased");
}

TEST(Load, TokenizerJsonIsPreferred) {
  const TemporaryDirectory directory;
  directory.write("vocab.txt", "[UNK]\n");
  directory.write("tokenizer.json", SmallJson().text());
  EXPECT_EQ(AutoTokenizer::from_pretrained(directory.path())("The").input_ids, (Ids{2, 5, 3}));
}

TEST(Load, BakedInTruncationDoesNotApply) {
  EXPECT_EQ(SmallJson().load()("the the the the").total_tokens(), 6u);
  const EncodeOptions options{.truncation = Truncation::longest_first};
  EXPECT_EQ(SmallJson().load()("the the the the", options).total_tokens(), 6u);
}

TEST(Load, MissingFilesAreNamed) {
  const TemporaryDirectory directory;
  const auto message = [](const std::filesystem::path& path) {
    return message_of(ErrorKind::not_found, [&] { AutoTokenizer::from_pretrained(path); });
  };
  EXPECT_EQ(message(directory.path()),
            directory.path().string() + ": expected tokenizer.json, vocab.txt, vocab.json with merges.txt, or a sentencepiece "
                                          "model, found none of them");
  EXPECT_EQ(message(directory.path() / "no"),
            (directory.path() / "no").string() + ": expected a directory, or a model of the Hub such as org/name, found neither");
  directory.write("file", "");
  EXPECT_EQ(message(directory.path() / "file"),
            (directory.path() / "file").string() + ": expected a directory with a tokenizer, found a file");
}

TEST(Load, WhatThisVersionCannotRunIsUnsupportedByName) {
  const auto message = [](auto change) {
    SmallJson json;
    change(json);
    return message_of(ErrorKind::unsupported, [&] { json.load(); });
  };
  EXPECT_EQ(message([](SmallJson& json) { json.model = R"({"type":"WordLevel","vocab":{}})"; }),
            "tokenizer.json: model: type: expected WordPiece, BPE or Unigram, found WordLevel");
  EXPECT_EQ(message([](SmallJson& json) { json.normalizer = R"({"type":"ByteLevel"})"; }),
            "tokenizer.json: normalizer: type: expected a normalizer that this version knows, found ByteLevel");
  EXPECT_EQ(message([](SmallJson& json) { json.pre_tokenizer = R"({"type":"UnicodeScripts"})"; }),
            "tokenizer.json: pre_tokenizer: type: expected a pre-tokenizer that this version knows, found UnicodeScripts");
  EXPECT_EQ(message([](SmallJson& json) {
              json.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"(a|b"},"behavior":"Isolated","invert":false})";
            }),
            "tokenizer.json: pre_tokenizer: pattern: Regex: expected a regular expression, found \"(a|b\": end pattern with unmatched parenthesis");
  SmallJson replacing;
  replacing.normalizer = R"x({"type":"Replace","pattern":{"Regex":"(?=b)"},"content":"x"})x";
  const Tokenizer replaces_nothing = replacing.load();
  EXPECT_EQ(message_of(ErrorKind::unsupported, [&] { replaces_nothing("ab"); }),
            "normalizer: expected a Replace that finds characters, found one that finds the place between two");
  EXPECT_EQ(message([](SmallJson& json) { json.pre_tokenizer = R"({"type":"ByteLevel"})"; }),
            "tokenizer.json: pre_tokenizer: expected ByteLevel as the last step before a model BPE, found 1 steps before a model WordPiece");
  EXPECT_EQ(message([](SmallJson& json) { json.model = R"({"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]})"; }),
            "tokenizer.json: model: dropout: expected none, found 0.1");
  EXPECT_EQ(message([](SmallJson& json) { json.post_processor = R"({"type":"Other"})"; }),
            "tokenizer.json: post_processor: type: expected a post-processor that this version knows, found Other");
}

TEST(Load, BrokenTokenizerJsonIsCorrupt) {
  const auto message = [](auto change) {
    SmallJson json;
    change(json);
    return message_of(ErrorKind::corrupt, [&] { json.load(); });
  };
  const std::string head =
      R"({"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,)";
  EXPECT_EQ(message([&](SmallJson& json) { json.model = head + R"("vocab":{"a":0}})"; }),
            "tokenizer.json: model: expected the unknown token \"[UNK]\" in the vocabulary, found 1 tokens without it");
  EXPECT_EQ(message([&](SmallJson& json) { json.model = head + R"("vocab":{}})"; }),
            "tokenizer.json: model: vocab: expected tokens, found none");
  EXPECT_EQ(message([&](SmallJson& json) { json.model = head + R"("vocab":[]})"; }),
            "tokenizer.json: model: vocab: expected an object, found an array");
  EXPECT_EQ(message([&](SmallJson& json) { json.model = head + R"("vocab":{"[UNK]":0,"a":"x"}})"; }),
            "tokenizer.json: model: vocab: a: expected an integer, found a string (\"x\")");
  EXPECT_EQ(message([&](SmallJson& json) { json.model = head + R"("vocab":{"[UNK]":0,"a":0}})"; }),
            "tokenizer.json: model: vocab: expected each id once, found 0 for \"[UNK]\" and \"a\"");
  EXPECT_EQ(message([](SmallJson& json) { json.model = "null"; }),
            "tokenizer.json: expected a field \"model\", found none");
  EXPECT_EQ(message([](SmallJson& json) { json.added_tokens = R"([{"id":-3,"content":"x"}])"; }),
            "tokenizer.json: added_tokens[0]: id: expected 0 or more, found a number (-3)");
  EXPECT_NE(message([](SmallJson& json) { json.model = "{"; }).find("tokenizer.json: expected JSON"),
            std::string::npos);
}

TEST(Load, IdsAndTokensLeadToEachOther) {
  const Tokenizer tokenizer = reference::small_tokenizer();
  EXPECT_EQ(tokenizer.vocab_size(), 19u);
  EXPECT_EQ(tokenizer.id_to_token(7), "##able");
  EXPECT_EQ(tokenizer.token_to_id("##able"), 7);
  EXPECT_EQ(tokenizer.token_to_id("xyz"), std::nullopt);
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { tokenizer.id_to_token(19); }),
            "token id: expected 0 to 18, found 19");
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { tokenizer.id_to_token(-1); }),
            "token id: expected 0 to 18, found -1");
}

}  // namespace
}  // namespace filbert
