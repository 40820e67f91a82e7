#include "explain/lime_text.h"

#include <unordered_map>
#include <utility>

#include "explain/python_text.h"

namespace filbert {

LimeText::LimeText(std::string text, bool bow, std::string mask) : text_(std::move(text)), bow_(bow), mask_(std::move(mask)) {
  std::size_t code_points = 0;
  for (std::size_t at = 0; at < text_.size();) {
    const auto [code_point, bytes] = unicode::decode(text_, at);
    const bool is_word = is_python_word(code_point);
    if (pieces_.empty() || pieces_.back().is_word != is_word) pieces_.push_back({at, at, code_points, code_points, is_word});
    pieces_.back().end = at += bytes;
    pieces_.back().end_code_point = ++code_points;
  }
  std::unordered_map<std::string_view, std::size_t> known;
  for (std::size_t place = 0; place < pieces_.size(); ++place) {
    if (!pieces_[place].is_word) continue;
    const std::string_view word = this->text(pieces_[place]);
    std::size_t id = words_.size();
    if (bow_) id = known.try_emplace(word, id).first->second;
    if (id == words_.size()) words_.push_back({word, {}});
    words_[id].pieces.push_back(place);
  }
}

std::string LimeText::keeping(std::span<const std::uint8_t> kept) const {
  std::vector<bool> removed(pieces_.size());
  for (std::size_t word = 0; word < words_.size(); ++word) {
    for (const std::size_t place : words_[word].pieces) removed[place] = kept[word] == 0;
  }
  std::string left;
  for (std::size_t place = 0; place < pieces_.size(); ++place) {
    if (!removed[place]) {
      left += text(pieces_[place]);
    } else if (!bow_) {
      left += mask_;
    }
  }
  return left;
}

std::string LimeText::inverse_removing(std::span<const std::size_t> words) const {
  std::vector<std::uint8_t> kept(words_.size(), 1);
  for (const std::size_t word : words) kept[word] = 0;
  return keeping(kept);
}

}  // namespace filbert
