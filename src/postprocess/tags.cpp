#include "postprocess/tags.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "base/names.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 5> kStrategyNames = {"none", "simple", "first", "average", "max"};
constexpr std::array<std::string_view, 5> kSchemeNames = {"auto", "iob1", "iob2", "bioes", "bilou"};
constexpr std::array<std::string_view, 2> kDecodingNames = {"argmax", "viterbi"};

struct Letter {
  char letter;
  TagPart part;
};
constexpr std::array<Letter, 2> kIob = {{{'B', TagPart::begin}, {'I', TagPart::inside}}};
constexpr std::array<Letter, 4> kBioes = {{{'B', TagPart::begin}, {'I', TagPart::inside}, {'E', TagPart::end}, {'S', TagPart::single}}};
constexpr std::array<Letter, 4> kBilou = {{{'B', TagPart::begin}, {'I', TagPart::inside}, {'L', TagPart::end}, {'U', TagPart::single}}};

std::span<const Letter> letters_of(TaggingScheme scheme) {
  if (scheme == TaggingScheme::bioes) return kBioes;
  if (scheme == TaggingScheme::bilou) return kBilou;
  return kIob;
}

bool has_letter(std::string_view label) { return label.size() > 2 && label[1] == '-'; }

Tag tag_of(const std::string& label, TaggingScheme scheme) {
  if (label.size() >= 2 && label[1] == '-') {
    for (const Letter& letter : letters_of(scheme)) {
      if (label[0] == letter.letter) return {letter.part, label.substr(2)};
    }
  }
  return {TagPart::outside, label};
}

bool goes_on(TagPart part) { return part == TagPart::begin || part == TagPart::inside; }

// What a scheme says of two neighbours, and of the ends of a text. A type that lacks a label is not held to what only that label could do.
class TagRules {
 public:
  TagRules(std::span<const Tag> tags, TaggingScheme scheme) : scheme_(scheme) {
    for (const Tag& tag : tags) {
      if (tag.part == TagPart::begin) begun_.insert(tag.type);
      if (tag.part == TagPart::end) ended_.insert(tag.type);
    }
  }

  bool allows(const Tag* previous, const Tag* next) const {
    const bool open = previous != nullptr && goes_on(previous->part);
    const bool same = previous != nullptr && next != nullptr && previous->type == next->type;
    if (scheme_ == TaggingScheme::iob1) {
      const bool is_second = next != nullptr && next->part == TagPart::begin;
      return !is_second || (open && same);
    }
    const bool continuing = next != nullptr && (next->part == TagPart::inside || next->part == TagPart::end);
    if (continuing && begun_.contains(next->type) && !(open && same)) return false;
    const bool must_go_on = scheme_ != TaggingScheme::iob2 && open && ended_.contains(previous->type);
    return !must_go_on || (continuing && same);
  }

 private:
  TaggingScheme scheme_;
  std::set<std::string> begun_, ended_;  // types with a label that begins, or ends, an entity
};

double log_of(float score) { return std::log(std::max(double{score}, 1e-300)); }

}  // namespace

AggregationStrategy aggregation_strategy_from_name(std::string_view name) {
  return from_name<AggregationStrategy>("aggregation_strategy", name, kStrategyNames);
}
std::string_view name(AggregationStrategy strategy) { return kStrategyNames[static_cast<std::size_t>(strategy)]; }

TaggingScheme tagging_scheme_from_name(std::string_view name) { return from_name<TaggingScheme>("tagging_scheme", name, kSchemeNames); }
std::string_view name(TaggingScheme scheme) { return kSchemeNames[static_cast<std::size_t>(scheme)]; }

Decoding decoding_from_name(std::string_view name) { return from_name<Decoding>("decoding", name, kDecodingNames); }
std::string_view name(Decoding decoding) { return kDecodingNames[static_cast<std::size_t>(decoding)]; }

TaggingScheme scheme_of(const std::map<int, std::string>& id2label, TaggingScheme wanted) {
  if (wanted != TaggingScheme::automatic) return wanted;
  // A letter counts only beside labels of the same type that both schemes have: "S-Bahn" alone is a label.
  std::set<std::string> types;
  bool begins = false, inside = false;
  for (const auto& [id, label] : id2label) {
    if (!has_letter(label) || (label[0] != 'B' && label[0] != 'I')) continue;
    types.insert(label.substr(2));
    (label[0] == 'B' ? begins : inside) = true;
  }
  for (const auto& [id, label] : id2label) {
    if (!has_letter(label) || !types.contains(label.substr(2))) continue;
    if (label[0] == 'E' || label[0] == 'S') return TaggingScheme::bioes;
    if (label[0] == 'L' || label[0] == 'U') return TaggingScheme::bilou;
  }
  return begins || !inside ? TaggingScheme::iob2 : TaggingScheme::iob1;
}

std::vector<Tag> tags_of(const std::map<int, std::string>& id2label, TaggingScheme scheme) {
  std::vector<Tag> tags;
  for (const auto& [id, label] : id2label) tags.push_back(tag_of(label, scheme));
  return tags;
}

bool continues(const Tag& previous, const Tag& next) {
  if (previous.type != next.type || next.part == TagPart::begin || next.part == TagPart::single) return false;
  return previous.part != TagPart::end && previous.part != TagPart::single;
}

std::vector<std::size_t> viterbi(std::span<const std::vector<float>> scores, std::span<const Tag> tags, TaggingScheme scheme, bool begins,
                                 bool ends) {
  if (scores.empty()) return {};
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const TagRules rules(tags, scheme);
  const std::size_t labels = tags.size();
  std::vector<double> best(labels), next(labels);
  std::vector<std::vector<std::size_t>> from(scores.size(), std::vector<std::size_t>(labels));
  for (std::size_t label = 0; label < labels; ++label) {
    best[label] = begins && !rules.allows(nullptr, &tags[label]) ? kNever : log_of(scores[0][label]);
  }
  for (std::size_t token = 1; token < scores.size(); ++token) {
    for (std::size_t label = 0; label < labels; ++label) {
      next[label] = kNever;
      for (std::size_t previous = 0; previous < labels; ++previous) {
        if (best[previous] <= next[label] || !rules.allows(&tags[previous], &tags[label])) continue;
        next[label] = best[previous];
        from[token][label] = previous;
      }
      next[label] += log_of(scores[token][label]);
    }
    best.swap(next);
  }
  std::optional<std::size_t> last;
  for (std::size_t label = 0; label < labels; ++label) {
    if (best[label] == kNever || (ends && !rules.allows(&tags[label], nullptr))) continue;
    if (!last || best[label] > best[*last]) last = label;
  }
  std::vector<std::size_t> path(scores.size());
  if (!last) {  // labels of which no path can be made: each token has its best
    for (std::size_t token = 0; token < scores.size(); ++token) {
      path[token] = static_cast<std::size_t>(std::max_element(scores[token].begin(), scores[token].end()) - scores[token].begin());
    }
    return path;
  }
  path.back() = *last;
  for (std::size_t token = scores.size() - 1; token > 0; --token) path[token - 1] = from[token][path[token]];
  return path;
}

}  // namespace filbert
