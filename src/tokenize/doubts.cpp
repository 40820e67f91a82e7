// What is worth a second look in a tokenizer, said in words: for `filbert inspect`. Tested by doubts_test.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "tokenize/tokenizer.h"
#include "tokenize/tokenizer_config.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr std::size_t kEnoughEntries = 100;  // fewer say nothing about case

struct Letters {
  std::size_t entries = 0;          // with a letter in them, special-looking ones left out
  std::size_t lowered_differs = 0;  // of these, with an upper-case letter
};

Letters count_letters(const Vocab& vocab) {
  Letters letters;
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    const std::string_view token = vocab.token(id);
    if (token.starts_with('[')) continue;
    bool has_word = false, has_upper = false;
    for (std::size_t at = 0; at < token.size();) {
      const unicode::Char c = unicode::decode(token, at);
      const auto flags = unicode::flags(c.code_point);
      has_word = has_word || (flags & unicode::kWord) != 0;
      has_upper = has_upper || (flags & unicode::kLowers) != 0;
      at += c.bytes;
    }
    letters.entries += has_word;
    letters.lowered_differs += has_upper;
  }
  return letters;
}

// A lower-cased vocabulary has a handful of upper-case entries at most; a cased one a fifth and more.
void doubt_case(const Tokenizer::Impl& tokenizer, std::vector<std::string>& doubts) {
  const Letters letters = count_letters(tokenizer.vocab());
  const bool lowercases = tokenizer.normalizer && tokenizer.normalizer->lowercase;
  if (tokenizer.sections) return;  // their case is not a setting that people get wrong
  const bool cased = letters.lowered_differs * 20 > letters.entries;
  if (lowercases && letters.entries >= kEnoughEntries && cased) {
    doubts.push_back(
        fmt::format("the vocabulary is cased ({} of {} entries have an upper-case letter) but text is "
                    "lower-cased: do_lower_case should probably be false",
                    letters.lowered_differs, letters.entries));
  }
  if (!lowercases && letters.entries >= kEnoughEntries && letters.lowered_differs * 200 < letters.entries) {
    doubts.push_back(
        fmt::format("the vocabulary is lower-cased ({} of {} entries have an upper-case letter) but text is "
                    "not: do_lower_case should probably be true",
                    letters.lowered_differs, letters.entries));
  }
}

}  // namespace

std::string Tokenizer::description() const {
  if (impl_->sections) {
    return fmt::format("{} from {}, {} tokens{}", impl_->sections->model_name(), impl_->source, impl_->vocab_size(),
                       lowercases() ? ", lower-casing" : ", cased");
  }
  std::string text = fmt::format("WordPiece from {}, {} tokens", impl_->source, impl_->vocab_size());
  if (!impl_->normalizer) return text + ", no normalizer";
  text += impl_->normalizer->lowercase ? ", lower-casing" : ", cased";
  if (impl_->normalizer->strips_accents() != impl_->normalizer->lowercase) {
    text += impl_->normalizer->strips_accents() ? ", accents stripped" : ", accents kept";
  }
  if (!impl_->normalizer->handle_chinese_chars) text += ", Chinese characters not split";
  return text;
}

std::vector<std::string> Tokenizer::doubts() const {
  std::vector<std::string> doubts = impl_->doubts;
  const Vocab& vocab = impl_->vocab();
  doubt_case(*impl_, doubts);
  if (!impl_->model_max_length) {
    doubts.push_back("no maximum length: tokenizer_config.json has no model_max_length, or says 1e30");
  }
  if (vocab.duplicates() > 0) {
    doubts.push_back(
        fmt::format("{} lines of the vocabulary are repeated; the last of equal lines counts", vocab.duplicates()));
  }
  if (vocab.gaps() > 0) doubts.push_back(fmt::format("{} ids of the vocabulary have no token", vocab.gaps()));
  return doubts;
}

}  // namespace filbert
