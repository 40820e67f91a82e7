#include "explain/entity_choice.h"

#include <charconv>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"

namespace filbert {
namespace {

std::optional<std::size_t> number_of(const std::string& word) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// The places, in the answer, of those that are wanted; `names` are what stands in the text where the entities are.
std::vector<std::size_t> places_of(const std::string& wanted, const std::vector<std::string>& names, std::string_view prefix) {
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < names.size(); ++place) {
    if (names[place] == wanted) places.push_back(place);
  }
  if (!places.empty()) return places;
  const auto number = number_of(wanted);
  if (number && *number < names.size()) return {*number};
  if (names.empty()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}entity: expected a text with entities, found none for \"{}\"", prefix, wanted));
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("{}entity: expected a number below {} or one of {}, found \"{}\"", prefix, names.size(),
                                                       first_of(names, 12), wanted));
}

}  // namespace

std::vector<Entity> wanted_entities(const TokenClassificationPipeline& pipeline, std::string_view text, const EntityChoice& choice,
                                    const ExplainOptions& explain, std::string_view prefix) {
  TokenClassificationOptions options{.aggregation_strategy = choice.aggregation_strategy,
                                     .max_length = explain.max_length,
                                     .stride = choice.stride,
                                     .offset_unit = explain.offset_unit};
  std::vector<Entity> found = pipeline(text, options).entities;
  if (!choice.entity) return found;
  options.offset_unit = OffsetUnit::bytes;
  std::vector<std::string> names;
  for (const Entity& entity : pipeline(text, options).entities) names.emplace_back(text.substr(entity.offset.begin, entity.offset.end - entity.offset.begin));
  std::vector<Entity> wanted;
  for (const std::size_t place : places_of(*choice.entity, names, prefix)) wanted.push_back(found[place]);
  return wanted;
}

void set_entity_target(std::string_view target, ExplainOptions& options, std::string_view prefix) {
  if (target != "logit" && target != "probability") {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}target: expected probability or logit for entities, found \"{}\"", prefix, target));
  }
  options.target = target == "logit" ? ExplainTarget::logit : ExplainTarget::probability;
}

}  // namespace filbert
