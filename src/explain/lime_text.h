// A text as LIME cuts it: runs of letters, digits and underscores are words, all between them stays. Behaviour: lime 0.2
// (lime_text.py, IndexedString) with its split_expression \W+. Marks are no letters there, so that a Hindi word is cut at its vowel signs,
// and emoji are between words; ExplainUnit::word knows better. Tested by lime_text_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

class LimeText {
 public:
  static constexpr std::string_view kMask = "UNKWORDZ";

  struct Piece {
    std::size_t begin = 0, end = 0;                          // bytes of the text
    std::size_t begin_code_point = 0, end_code_point = 0;
    bool is_word = false;
  };
  struct Word {
    std::string_view text;            // valid while the LimeText lives
    std::vector<std::size_t> pieces;  // its places, ascending; one without bow
  };

  // `text` is valid UTF-8. With `bow` equal words are one and removed words are left out; without, each stands for itself and a removed one
  // becomes `mask`.
  explicit LimeText(std::string text, bool bow = true, std::string mask = std::string(kMask));
  LimeText(const LimeText&) = delete;
  LimeText& operator=(const LimeText&) = delete;

  const std::string& text() const { return text_; }
  std::string_view text(const Piece& piece) const { return std::string_view(text_).substr(piece.begin, piece.end - piece.begin); }
  std::span<const Piece> pieces() const { return pieces_; }  // words and what is between them by turns; together the text
  std::span<const Word> words() const { return words_; }     // in the order in which they first stand

  // The text of the words with kept[word] = 1.
  std::string keeping(std::span<const std::uint8_t> kept) const;
  // The text without these words.
  std::string inverse_removing(std::span<const std::size_t> words) const;

 private:
  std::string text_;
  bool bow_;
  std::string mask_;
  std::vector<Piece> pieces_;
  std::vector<Word> words_;
};

}  // namespace filbert
