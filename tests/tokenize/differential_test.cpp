// Two ways that must agree: without offsets a text is taken chunk by chunk, most of them known already; with offsets whole,
// section after section. And the search for the longest piece against the plain reading of its definition.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "reference/goldens.h"
#include "tokenize/load.h"
#include "tokenize/small_vocab.h"
#include "tokenize/wordpiece.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::small_tokenizer;

std::string real_vocab() { return read_file(reference::source_directory() / "models" / "stars-en" / "vocab.txt"); }

// What texts are made of: words in and out of vocabularies, every ASCII character, what normalizers change and cut at, marks
// that sort, ill-formed UTF-8, special tokens.
std::vector<std::string> make_parts() {
  std::vector<std::string> parts = {
      "the", "The", "THE", "unable", "unables", "cafe", "café", "CAFÉ", "cafe\u0301", "tokenization", "antidisestablishmentarianism",
      "internationalization", "don't", "3.14", "x", "ﬁ", "ß", "İ", "ıI", "é", "e\u0301\u0323", "\u0301", "\u0323\u0301", "\u0345", "\u0f71\u0f72",
      "중", "한글", "中", "中文字", "日本語", "\uf900", "\U0002f800", "\U0002b820", "кот", "Кошка", "Ёлка", "йод", "Ελλάς", "हिन्दी", "தமிழ்", "العربية", "ไทย",
      "…", "“", "”", "—", "、", "。", "\u00a0", "\u2028", "\u3000", "\u0085", "\u200b", "\u200d", "\u00ad", "\ufeff", "\ufffd", "\ue000", "😀", "🇺🇸",
      "[SEP]", "[CLS]", "[MASK]", "[sep]", "[SEP", "##able", "##", "\xFF", "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xED\xA0\x80", "\xC0\x80"};
  for (char c = 0; c >= 0; ++c) {
    parts.push_back(std::string(1, c));
    if (c == 127) break;
  }
  return parts;
}

class Texts {
 public:
  std::string next() {
    std::string text;
    for (std::size_t left = 1 + random_() % 60; left > 0; --left) {
      text += parts_[random_() % parts_.size()];
      if (random_() % 2 == 0) text += ' ';
      if (random_() % 8 == 0) text += static_cast<char>(random_() % 26 + (random_() % 2 == 0 ? 'a' : 'A'));
    }
    return text;
  }

 private:
  std::vector<std::string> parts_ = make_parts();
  std::mt19937 random_{7};
};

void expect_equal_ways(const Tokenizer& tokenizer, int texts) {
  Texts random;
  for (int i = 0; i < texts; ++i) {
    const std::string text = random.next();
    ASSERT_EQ(tokenizer(text, {.return_offsets_mapping = false}).input_ids, tokenizer(text).input_ids) << ::testing::PrintToString(text);
  }
}

TEST(Differential, ChunkByChunkGivesTheIdsOfTheWholeText) {
  for (const char* config : {R"({})", R"({"do_lower_case":false})", R"({"strip_accents":false})",
                             R"({"do_lower_case":false,"strip_accents":true,"tokenize_chinese_chars":false})",
                             R"({"never_split":["The","cafe"]})"}) {
    expect_equal_ways(load_wordpiece_vocab(real_vocab(), config, "vocab.txt"), 1500);
    expect_equal_ways(small_tokenizer(config), 500);
  }
}

TEST(Differential, EverySectionOfATokenizerJsonMayBeAnother) {
  reference::SmallJson plain, no_cleaning, added, short_words;
  plain.normalizer = "null";
  no_cleaning.normalizer =
      R"({"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})";
  added.added_tokens = R"([{"id":19,"content":"cafe","single_word":false,"lstrip":false,"rstrip":true,"normalized":true,"special":false},)"
                       R"({"id":20,"content":"x","single_word":true,"lstrip":true,"rstrip":false,"normalized":false,"special":false}])";
  const std::size_t at = short_words.model.find("100");
  short_words.model.replace(at, 3, "2");
  for (const reference::SmallJson& json : {plain, no_cleaning, added, short_words}) expect_equal_ways(json.load(), 500);
  plain.pre_tokenizer = "null";
  expect_equal_ways(plain.load(), 500);
}

// The longest known piece, again and again: WordPiece as it is defined.
Ids naive_pieces(const std::map<std::string, std::int32_t>& vocab, const std::string& word) {
  Ids ids;
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t bytes = word.size() - begin;
    auto found = vocab.end();
    for (; bytes > 0; --bytes) {
      found = vocab.find((begin > 0 ? "##" : "") + word.substr(begin, bytes));
      if (found != vocab.end()) break;
    }
    if (found == vocab.end()) return {0};
    ids.push_back(found->second);
    begin += bytes;
  }
  return ids;
}

TEST(Differential, LongestPiecesAreThoseOfTheDefinition) {
  std::mt19937 random(7);
  const auto letters = [&](std::size_t most) {  // few of them, so that many beginnings are shared; past 15 bytes, too
    std::string word;
    for (std::size_t left = 1 + random() % most; left > 0; --left) word += std::vector{"a", "b", "é", "中", "😀"}[random() % 100 % 5 % (1 + random() % 5)];
    return word;
  };
  for (int round = 0; round < 40; ++round) {
    std::string lines = "[UNK]\na\n##a\n##b\n";
    for (int line = 0; line < 200; ++line) lines += (random() % 2 == 0 ? "##" : "") + letters(random() % 4 == 0 ? 40 : 8) + "\n";
    WordPiece model;
    model.vocab = Vocab::from_lines(lines, "vocab.txt");
    model.finish("vocab.txt");
    std::map<std::string, std::int32_t> vocab;
    for (std::size_t id = 0; id < model.vocab.size(); ++id) vocab[std::string(model.vocab.token(id))] = static_cast<std::int32_t>(id);
    for (int i = 0; i < 500; ++i) {
      std::string word = letters(30);
      if (random() % 2 == 0) {  // made of pieces that are known
        word.clear();
        for (int piece = 0; piece < 3; ++piece) {
          const std::string token(model.vocab.token(random() % model.vocab.size()));
          word += token.starts_with("##") ? token.substr(2) : token;
        }
        if (word.size() > 100) continue;
      }
      std::vector<WordPiece::Piece> pieces;
      const std::string text = "x" + word + (random() % 2 == 0 ? "" : " and more than sixteen bytes");
      model.tokenize(text, 1, 1 + word.size(), pieces);
      Ids ids;
      for (const WordPiece::Piece& piece : pieces) ids.push_back(piece.id);
      ASSERT_EQ(ids, naive_pieces(vocab, word)) << word;
    }
  }
}

}  // namespace
}  // namespace filbert
