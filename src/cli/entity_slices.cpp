#include "cli/entity_slices.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "explain/report_html.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kLengths[] = {16, 32, 64, 128, 256, 512};
constexpr std::size_t kMicro = 3;  // of the measures those that a part of the entities has: others ask what stands beside them

// Slice `value` of texts or of entities.
using SliceOf = std::function<std::size_t(std::size_t text, const EntitySpan& span)>;

std::size_t words_of(const GoldText& text, const EntitySpan& span) {
  return static_cast<std::size_t>(std::ranges::count_if(text.places, [&](const Offset& place) { return place.begin < span.end && place.end > span.begin; }));
}

std::string_view surface(const GoldText& text, const OffsetBytes& bytes, const EntitySpan& span) {
  const std::size_t begin = bytes(span.begin);
  return std::string_view(text.text).substr(begin, bytes(span.end) - begin);
}

void add_slice(std::string by, std::string value, const std::vector<EntityText>& texts, bool of_entities, const EvaluateOptions& options,
    std::vector<EntitySlice>& slices) {
  if (texts.empty()) return;
  EntityEvaluation evaluation = evaluate_entities(texts, options);
  if (of_entities) {
    if (evaluation.gold + evaluation.predicted == 0) return;
    evaluation.measures.resize(kMicro);
  }
  slices.push_back({std::move(by), std::move(value), evaluation.texts, evaluation.gold, evaluation.predicted, std::move(evaluation.measures)});
}

void slice_texts(const SliceInput& input, const EvaluateOptions& options, std::vector<EntitySlice>& slices) {
  const std::vector<std::string> names = length_names();
  for (std::size_t length = 0; length < names.size(); ++length) {
    std::vector<EntityText> texts;
    for (std::size_t text = 0; text < input.texts.size(); ++text) {
      if (length_slice(input.tokens[text]) == length) texts.push_back(input.texts[text]);
    }
    add_slice("tokens", names[length], texts, false, options, slices);
  }
}

void slice_entities(const SliceInput& input, const std::string& by, std::span<const std::string> values, const SliceOf& slice_of,
    const EvaluateOptions& options,
                    std::vector<EntitySlice>& slices) {
  for (std::size_t value = 0; value < values.size(); ++value) {
    std::vector<EntityText> texts;
    for (std::size_t text = 0; text < input.texts.size(); ++text) {
      EntityText& part = texts.emplace_back();
      const auto is_in = [&](const EntitySpan& span) { return slice_of(text, span) == value; };
      std::ranges::copy_if(input.texts[text].gold, std::back_inserter(part.gold), is_in);
      std::ranges::copy_if(input.texts[text].predicted, std::back_inserter(part.predicted), is_in);
    }
    add_slice(by, values[value], texts, true, options, slices);
  }
}

}  // namespace

std::vector<std::string> length_names() {
  std::vector<std::string> names;
  std::size_t from = 0;
  for (const std::size_t length : kLengths) {
    names.push_back(from == 0 ? fmt::format("up to {}", length) : fmt::format("{} to {}", from, length));
    from = length + 1;
  }
  names.push_back(fmt::format("{} and more", from));
  return names;
}

std::size_t length_slice(std::size_t tokens) { return static_cast<std::size_t>(std::ranges::lower_bound(kLengths, tokens) - std::begin(kLengths)); }

KnownEntities known_entities(const EntityGold& gold) {
  KnownEntities known;
  for (const GoldText& text : gold.texts) {
    const OffsetBytes bytes(text.text, OffsetUnit::code_points);
    for (const EntitySpan& span : text.gold) known.emplace(span.type, surface(text, bytes, span));
  }
  return known;
}

std::vector<EntitySlice> entity_slices(const SliceInput& input, const EvaluateOptions& options) {
  std::vector<EntitySlice> slices;
  slice_texts(input, options, slices);
  if (input.has_words) {
    const std::vector<std::string> names = {"1 word", "2 words", "3 words", "4 words and more"};
    const auto by_words = [&](std::size_t text, const EntitySpan& span) { return std::clamp<std::size_t>(words_of(input.gold[text], span), 1, 4) - 1; };
    slice_entities(input, "entity", names, by_words, options, slices);
  } else {
    const std::vector<std::string> names = {"up to 5 characters", "6 to 10 characters", "11 to 20 characters", "21 characters and more"};
    const auto by_characters = [](std::size_t, const EntitySpan& span) {
      constexpr std::size_t kCharacters[] = {5, 10, 20};
      return static_cast<std::size_t>(std::ranges::lower_bound(kCharacters, span.end - span.begin) - std::begin(kCharacters));
    };
    slice_entities(input, "entity", names, by_characters, options, slices);
  }
  if (input.known != nullptr) {
    std::vector<OffsetBytes> bytes;
    for (const GoldText& text : input.gold) bytes.emplace_back(text.text, OffsetUnit::code_points);
    const std::vector<std::string> names = {"in it", "not in it"};
    const auto by_known = [&](std::size_t text, const EntitySpan& span) {
      return std::size_t{!input.known->contains({span.type, std::string(surface(input.gold[text], bytes[text], span))})};
    };
    slice_entities(input, input.known_name, names, by_known, options, slices);
  }
  return slices;
}

}  // namespace filbert::cli
