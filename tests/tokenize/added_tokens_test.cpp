#include "tokenize/added_tokens.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;

// "text|[token]|text": the parts of `text`, tokens in brackets.
std::string parts(std::vector<AddedToken> tokens, std::string_view text) {
  AddedTokens added;
  for (AddedToken& token : tokens) {
    token.normalized = false;
    added.add(token, {});
  }
  std::vector<AddedTokens::Part> found;
  added.split_source(text, found);
  std::string result;
  for (const AddedTokens::Part& part : found) {
    const std::string string(text.substr(part.begin, part.end - part.begin));
    result += (result.empty() ? "" : "|") + (part.token != nullptr ? "[" + string + "]" : string);
  }
  return result;
}

TEST(AddedTokens, AreCutOutOfTheText) {
  EXPECT_EQ(parts({{.content = "<x>"}}, "a<x>b<x><x>"), "a|[<x>]|b|[<x>]|[<x>]");
  EXPECT_EQ(parts({{.content = "<x>"}}, "a<x b"), "a<x b");
  EXPECT_EQ(parts({{.content = "<x>"}}, ""), "");
  EXPECT_EQ(parts({}, "abc"), "abc");
}

TEST(AddedTokens, OfThoseThatBeginFirstTheLongestIsTaken) {
  EXPECT_EQ(parts({{.content = "ab"}, {.content = "abcd"}, {.content = "bcde"}}, "abcde"), "[abcd]|e");
  EXPECT_EQ(parts({{.content = "ab"}, {.content = "bcde"}}, "abcde"), "[ab]|cde");
  EXPECT_EQ(parts({{.content = "abx"}, {.content = "b"}}, "aby"), "a|[b]|y");
}

TEST(AddedTokens, SingleWordNeedsNoWordCharacterBesideIt) {
  const AddedToken token{.content = "new", .single_word = true};
  EXPECT_EQ(parts({token}, "new newer, renew _new new! énew"), "[new]| newer, renew _new |[new]|! énew");
  EXPECT_EQ(parts({token}, "中new (new)"), "中new (|[new]|)");
}

TEST(AddedTokens, StripTakesTheSpaceBesideItOnce) {
  EXPECT_EQ(parts({{.content = "<x>", .lstrip = true}}, "a \t<x> b"), "a|[ \t<x>]| b");
  EXPECT_EQ(parts({{.content = "<x>", .rstrip = true}},
                  "a <x> \xE3\x80\x80"
                  "b"),
            "a |[<x> \xE3\x80\x80]|b");
  EXPECT_EQ(parts({{.content = "<x>", .lstrip = true, .rstrip = true}}, "<x>  <x>"), "[<x>  ]|[<x>]");
}

TEST(AddedTokens, OneThatIsNotNormalizedIsFoundInTheTextAsGiven) {
  reference::SmallJson json;
  json.added_tokens =
      R"([{"id":19,"content":"NEW","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false}])";
  const Tokenizer tokenizer = json.load();
  EXPECT_EQ(tokenizer("the NEW").input_ids, (Ids{2, 5, 19, 3}));
  EXPECT_EQ(tokenizer("the new").input_ids, (Ids{2, 5, 1, 3}));
}

TEST(AddedTokens, OneThatIsNormalizedIsFoundInTheNormalizedText) {
  reference::SmallJson json;
  json.added_tokens =
      R"([{"id":19,"content":"Été","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false}])";
  const BatchEncoding row = json.load()("the ÉTÉ,");
  EXPECT_EQ(row.input_ids, (Ids{2, 5, 19, 11, 3}));
  EXPECT_EQ(row.offset_mapping[2], (Offset{4, 7}));
}

TEST(AddedTokens, SpecialTokensTypedInATextAreParsedAndAreNotMarkedSpecial) {
  const BatchEncoding row = reference::small_tokenizer()("a[SEP]b [mask]");
  EXPECT_EQ(row.input_ids, (Ids{2, 15, 3, 18, 1, 1, 1, 3}));
  EXPECT_EQ(row.special_tokens_mask, (Ids{1, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(row.word_ids, (Ids{-1, 0, 1, 2, 3, 4, 5, -1}));
  EXPECT_EQ(row.offset_mapping[2], (Offset{1, 6}));
}

}  // namespace
}  // namespace filbert
