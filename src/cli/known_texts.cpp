#include "cli/known_texts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kBytesBeside = 320;  // of a place in the table: node, key, answer and a few scores

}  // namespace

TextAnswer TextAnswer::of(const Classification& answer) {
  const auto finite = [](const auto& scored) { return std::all_of(scored.logits.begin(), scored.logits.end(), [](float logit) { return std::isfinite(logit); }); };
  TextAnswer made;
  for (const LabelScore& score : answer.scores) made.scores.push_back(score.score);
  const auto best = std::find_if(answer.scores.begin(), answer.scores.end(), [&](const LabelScore& score) { return score.label == answer.label; });
  made.label = static_cast<std::size_t>(best - answer.scores.begin());
  for (std::size_t place = 0; place < answer.scores.size(); ++place) {
    const bool counts = std::find(answer.labels.begin(), answer.labels.end(), answer.scores[place].label) != answer.labels.end();
    if (counts) made.labels.push_back(place);
  }
  made.expected = answer.expected;
  made.rejected = answer.rejected;
  made.tokens_total = answer.tokens_total;
  made.tokens_used = answer.tokens_used;
  made.truncated = answer.truncated;
  made.is_finite = finite(answer) && std::all_of(answer.windows.begin(), answer.windows.end(), finite);
  made.invalid_utf8 = answer.invalid_utf8;
  return made;
}

TextAnswer TextAnswer::of(TokenClassification answer) {
  TextAnswer made;
  made.tokens_total = answer.tokens_total;
  made.tokens_used = answer.tokens_used;
  made.truncated = answer.truncated;
  made.is_finite = std::all_of(answer.entities.begin(), answer.entities.end(), [](const Entity& entity) { return std::isfinite(entity.score); });
  made.invalid_utf8 = answer.invalid_utf8;
  made.entities = std::move(answer.entities);
  return made;
}

std::pair<std::shared_ptr<TextAnswer>, bool> KnownTexts::find(std::string_view text, const std::optional<std::string>& text_pair) {
  std::string key = fmt::format("{}{}", text.size(), text_pair ? '+' : ' ');
  key += text;
  if (text_pair) key += *text_pair;
  const auto young = young_.find(key);
  if (young != young_.end()) return {young->second, false};
  const auto old = old_.find(key);
  if (old != old_.end()) {
    std::shared_ptr<TextAnswer> answer = old->second;
    keep(std::move(key), answer);
    return {std::move(answer), false};
  }
  ++distinct_;
  auto answer = std::make_shared<TextAnswer>();
  keep(std::move(key), answer);
  return {std::move(answer), true};
}

void KnownTexts::keep(std::string key, std::shared_ptr<TextAnswer> answer) {
  young_bytes_ += key.size() + kBytesBeside;
  young_.emplace(std::move(key), std::move(answer));
  if (young_bytes_ * 2 < most_bytes_) return;
  old_ = std::exchange(young_, {});
  young_bytes_ = 0;
}

}  // namespace filbert::cli
