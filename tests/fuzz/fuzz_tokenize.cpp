// Two bytes of options, then text NUL text_pair, through tokenizers that are fixed: every text has an encoding.
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/check_tokenizer.h"
#include "fuzz/parts.h"
#include "tokenize/load.h"

namespace {

// A small vocabulary with pieces of several scripts, so that words are cut in many ways.
std::string vocab() {
  std::string lines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const char* piece : {"the", "un", "##aff", "##able", "love", "##s", "é", "##é", "e", "##e", "日", "本", "##本", "ß", "ss",
                            "😀", "##😀", "α", "##α", "σ", "##ς", "и", "##й", "ا", "##ل", "ก", "##า", "가", "##가", "ﬁ", "fi", "İ"}) {
    lines += piece;
    lines += '\n';
  }
  for (char letter = 'a'; letter <= 'z'; ++letter) lines += std::string(1, letter) + "\n##" + letter + "\n";
  for (char mark = '!'; mark <= '/'; ++mark) lines += std::string(1, mark) + "\n";
  return lines;
}

const std::vector<filbert::Tokenizer>& tokenizers() {
  static const std::vector<filbert::Tokenizer> tokenizers = [] {
    std::vector<filbert::Tokenizer> made;
    for (const char* config : {R"({"do_lower_case": true})", R"({"do_lower_case": false, "model_max_length": 12})",
                               R"({"do_lower_case": true, "strip_accents": false, "tokenize_chinese_chars": false})",
                               R"({"do_lower_case": false, "strip_accents": true, "never_split": ["un", "the"]})"}) {
      made.push_back(filbert::load_wordpiece_vocab(vocab(), config, "vocab.txt"));
    }
    return made;
  }();
  return tokenizers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  filbert::EncodeOptions options;
  options.add_special_tokens = (data[0] & 1) != 0;
  options.return_offsets_mapping = (data[0] & 2) != 0;
  options.truncation = static_cast<filbert::Truncation>(data[0] >> 2 & 3);
  options.offset_unit = static_cast<filbert::OffsetUnit>((data[0] >> 4 & 3) % 3);
  if (data[1] < 64) options.max_length = data[1];
  const filbert::Tokenizer& tokenizer = tokenizers()[data[0] >> 6];
  const auto part = filbert::parts(data + 2, size - 2, 2);
  filbert::check_tokenizer(tokenizer, part[0], part[1], options);
  // NUL bytes within a text, too.
  filbert::check_tokenizer(tokenizer, {reinterpret_cast<const char*>(data) + 2, size - 2}, "", options);
  return 0;
}
