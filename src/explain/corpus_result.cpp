// What the sums and the sample say: tables of words, words that give a label away, and a few texts that stand for all.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include <filbert/version.h>

#include "base/text.h"
#include "explain/corpus.h"
#include "explain/lime.h"

namespace filbert {
namespace {

constexpr std::size_t kKeptTexts = 1000;
constexpr std::size_t kKeptBytes = 16 * 1024;  // of a text
constexpr std::size_t kContextBytes = 60;      // on either side
constexpr std::size_t kMaxLeaks = 50;
constexpr std::size_t kMinDecided = 5;         // texts, whatever their share
constexpr std::size_t kMixedWords = 10;        // of a label

// At its first place, which is in the second text of a pair only where the first does not hold it.
WordInContext context_of(const KeptText& kept, const TextWord& word) {
  const bool is_second = word.places.empty();
  const std::string_view text = is_second ? *kept.text.text_pair : kept.text.text;
  const Offset place = is_second ? word.pair_places.front() : word.places.front();
  const std::size_t begin = character_before(text, place.begin - std::min(place.begin, kContextBytes));
  const std::size_t end = character_before(text, place.end + kContextBytes);
  const auto part = [&](std::size_t from, std::size_t to) { return std::string(text.substr(from, to - from)); };
  return {kept.text.row, word.value, (begin > 0 ? "…" : "") + part(begin, place.begin), part(place.begin, place.end),
          part(place.end, end) + (end < text.size() ? "…" : "")};
}

// The lower end of the 95 % interval of a share, by Wilson (1927): two texts of a label of thirteen are no share of 15 %, surely.
double surely(std::size_t part, std::size_t whole) {
  constexpr double kNormal = 1.959964;
  const auto n = static_cast<double>(whole), share = static_cast<double>(part) / n;
  const double square = kNormal * kNormal;
  return (share + square / (2 * n) - kNormal * std::sqrt(share * (1 - share) / n + square / (4 * n * n))) / (1 + square / n);
}

// Of a long text the beginning; places behind it are dropped. Whether there was something to cut.
bool shorten(std::string& text, std::vector<TextWord>& words, std::vector<Offset> TextWord::*places) {
  if (text.size() <= kKeptBytes) return false;
  text.resize(character_before(text, kKeptBytes));
  for (TextWord& word : words) {
    std::erase_if(word.*places, [&](const Offset& place) { return place.end > text.size(); });
  }
  return true;
}

}  // namespace

// A heap of those with the smallest priorities: the same texts in whatever order they come.
void CorpusExplainer::Impl::keep(const CorpusText& text, const TextExplanation& explanation) {
  KeptText kept;
  kept.priority = row_priority(text.row, options.seed);
  kept.text.row = text.row;
  if (kept_.size() >= kKeptTexts && !(kept < kept_.front())) return;
  kept.text = text;
  kept.explanation = explanation;
  std::vector<TextWord>& words = kept.explanation.words;
  kept.shortened = shorten(kept.text.text, words, &TextWord::places);
  if (kept.text.text_pair) kept.shortened |= shorten(*kept.text.text_pair, words, &TextWord::pair_places);
  if (kept.shortened) std::erase_if(words, [](const TextWord& word) { return word.places.empty() && word.pair_places.empty(); });
  if (kept_.size() >= kKeptTexts) {
    std::pop_heap(kept_.begin(), kept_.end());
    kept_.pop_back();
  }
  kept_.push_back(std::move(kept));
  std::push_heap(kept_.begin(), kept_.end());
}

std::vector<MixedWord> CorpusExplainer::Impl::mixed_words(std::size_t label) const {
  std::vector<MixedWord> mixed;
  for (CorpusWord& word : labels_[label].words.mixed(options.min_texts, std::min(options.max_words, kMixedWords))) mixed.push_back({std::move(word), {}, {}});
  for (const KeptText& kept : kept_) {
    if (kept.explanation.label != names_[label]) continue;
    for (const TextWord& word : kept.explanation.words) {
      const auto found = std::find_if(mixed.begin(), mixed.end(), [&](const MixedWord& each) { return each.word.word == word.word; });
      if (found == mixed.end()) continue;
      auto& strongest = word.value > 0 ? found->most_for : found->most_against;
      const double size = std::abs(word.value), before = strongest ? std::abs(strongest->value) : 0;
      if (size > before || (size == before && strongest && kept.text.row < strongest->row)) strongest = context_of(kept, word);
    }
  }
  return mixed;
}

void CorpusExplainer::Impl::find_leaks(CorpusReport& report) const {
  for (std::size_t label = 0; label < names_.size(); ++label) {
    const auto of_label = static_cast<double>(labels_[label].texts);
    for (const auto& [word, sums] : labels_[label].words.words()) {
      if (sums.texts < options.min_texts || sums.decided < kMinDecided || 2 * std::size_t{sums.decided} <= sums.texts) continue;
      if (surely(sums.decided, labels_[label].texts) < options.leak_share) continue;
      std::size_t of_all = 0;
      for (const Group& group : labels_) {
        const WordSums* others = group.words.find(word);
        of_all += others ? others->texts : 0;
      }
      report.leaks.push_back({names_[label], word, sums.texts, sums.decided, sums.texts / of_label, sums.decided / of_label,
                              sums.texts / static_cast<double>(of_all)});
    }
  }
  std::sort(report.leaks.begin(), report.leaks.end(), [](const Leak& a, const Leak& b) {
    return a.explained != b.explained ? a.explained > b.explained : std::pair(a.label, a.word) < std::pair(b.label, b.word);
  });
  report.leaks.resize(std::min(report.leaks.size(), kMaxLeaks));
}

std::vector<RepresentativeText> CorpusExplainer::Impl::representatives() const {
  std::vector<KeptText> kept = kept_;
  std::sort(kept.begin(), kept.end(), [](const KeptText& a, const KeptText& b) { return a.text.row < b.text.row; });
  std::map<std::string_view, std::size_t> features;
  std::vector<FeatureWeights> weights(kept.size());
  for (std::size_t text = 0; text < kept.size(); ++text) {
    for (const TextWord& word : kept[text].explanation.words) {
      if (std::isfinite(word.value)) weights[text].emplace_back(features.try_emplace(word.word, features.size()).first->second, word.value);
    }
  }
  std::vector<RepresentativeText> picked;
  for (const std::size_t text : submodular_pick(weights, options.representative_texts)) {
    picked.push_back({kept[text].text, kept[text].shortened, kept[text].explanation});
  }
  return picked;
}

GoldReport CorpusExplainer::Impl::gold_report() const {
  GoldReport gold = gold_counts_;
  gold.unknown_labels.assign(unknown_labels_.begin(), unknown_labels_.end());
  for (const auto& [pair, texts] : confusions_) gold.confusions.push_back({names_[pair.first], names_[pair.second], texts});
  gold.misleading = wrong_.surest(1, options.min_texts, options.max_words);
  return gold;
}

CorpusReport CorpusExplainer::Impl::result() const {
  CorpusReport report = counts_;
  report.options = options;
  report.version = FILBERT_VERSION;
  report.dtype = name(classifier.model().compute_dtype());
  report.mask = Explainer(classifier, {"a", std::nullopt}, options.explain).text().mask;
  report.has_scores_of_labels = decides_labels();
  report.forgotten_words = wrong_.forgotten();
  for (std::size_t label = 0; label < names_.size(); ++label) {
    const Group& group = labels_[label];
    report.forgotten_words += group.words.forgotten();
    if (group.texts == 0) continue;
    report.labels.push_back({names_[label], group.texts, group.sum_of_scores / static_cast<double>(group.texts),
                             group.words.surest(1, options.min_texts, options.max_words),
                             group.words.surest(-1, options.min_texts, options.max_words), mixed_words(label)});
  }
  if (report.has_scores_of_labels) find_leaks(report);
  report.representatives = representatives();
  if (has_gold_) report.gold = gold_report();
  return report;
}

}  // namespace filbert
