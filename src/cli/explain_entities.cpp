#include "cli/explain_entities.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "cli/explain_text.h"
#include "cli/options.h"

namespace filbert::cli {
namespace {

std::optional<std::size_t> number_of(const std::string& word) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// What stands in the text where the entity of `bytes` is.
std::string_view part_of(std::string_view text, const Offset& bytes) { return text.substr(bytes.begin, bytes.end - bytes.begin); }

// The places, in the answer, of those that are wanted; `bytes` are the entities' own places in the text.
std::vector<std::size_t> wanted_of(const EntityChoice& choice, std::string_view text, const std::vector<Offset>& bytes) {
  std::vector<std::size_t> wanted;
  std::vector<std::string> names;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    names.emplace_back(part_of(text, bytes[index]));
    if (!choice.entity || names.back() == *choice.entity) wanted.push_back(index);
  }
  if (!choice.entity || !wanted.empty()) return wanted;
  const auto number = number_of(*choice.entity);
  if (number && *number < bytes.size()) return {*number};
  if (names.empty()) throw Error(ErrorKind::invalid_argument, fmt::format("--entity: expected a text with entities, found none for \"{}\"", *choice.entity));
  throw Error(ErrorKind::invalid_argument, fmt::format("--entity: expected a number below {} or one of {}, found \"{}\"", names.size(), first_of(names, 12),
                                                       *choice.entity));
}

}  // namespace

void add_entity_options(CLI::App& app, EntityChoice& choice) {
  add_text(app, "--entity", "N|TEXT", "Of a token classifier: the entity to explain, by its number in the text, from 0, or by what stands there; default: all",
           [&](const std::string& entity) { choice.entity = entity; });
  add_choice(app, "--aggregation-strategy", "simple|first|average|max", "Of a token classifier: how labels of tokens become entities; default: simple",
             [&](const std::string& name) { choice.aggregation_strategy = aggregation_strategy_from_name(name); });
}

void explain_entities(const TokenClassificationPipeline& pipeline, std::string_view text, const EntityChoice& choice, const EntityExplainOptions& options,
                      const std::function<void(EntityExplanation& explanation)>& visit) {
  TokenClassificationOptions entities{.aggregation_strategy = choice.aggregation_strategy,
                                      .max_length = options.explain.max_length,
                                      .offset_unit = OffsetUnit::bytes};
  std::vector<Offset> bytes;
  for (const Entity& entity : pipeline(text, entities).entities) bytes.push_back(entity.offset);
  entities.offset_unit = options.explain.offset_unit;
  const std::vector<Entity> found = pipeline(text, entities).entities;
  for (const std::size_t index : wanted_of(choice, text, bytes)) {
    EntityExplanation explanation = explain_entity(pipeline, text, found[index], options);
    visit(explanation);
  }
}

std::string text_lines(const EntityExplanation& explanation, const Output& out) {
  const Entity& entity = explanation.entity;
  std::string words;
  for (const std::size_t unit : explanation.units) words += (words.empty() ? "" : " ") + explanation.report.text.units[unit].text;
  return out.bold(fmt::format("entity: {} ({}, {:.3f})", out.foreign(words), out.foreign(entity.entity), entity.score)) + '\n' +
         text_lines(explanation.report, out);
}

}  // namespace filbert::cli
