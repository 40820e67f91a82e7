#include "cli/explain_entities.h"

#include <fmt/format.h>

#include "cli/explain_text.h"
#include "cli/options.h"

namespace filbert::cli {

void add_entity_options(CLI::App& app, EntityChoice& choice) {
  add_text(app, "--entity", "N|TEXT", "Of a token classifier: the entity to explain, by its number in the text, from 0, or by what stands there; default: all",
           [&](const std::string& entity) { choice.entity = entity; });
  add_choice(app, "--aggregation-strategy", "simple|first|average|max", "Of a token classifier: how labels of tokens become entities; default: simple",
             [&](const std::string& name) { choice.aggregation_strategy = aggregation_strategy_from_name(name); });
  add_number(app, "--stride", "Of a token classifier: a text that is too long is cut into windows that share N tokens, and an entity is explained in one of "
             "them; default: it is truncated", {}, [&](std::size_t stride) { choice.stride = stride; });
}

std::string text_lines(const EntityExplanation& explanation, const Output& out) {
  const Entity& entity = explanation.entity;
  std::string words;
  for (const std::size_t unit : explanation.units) words += (words.empty() ? "" : " ") + explanation.report.text.units[unit].text;
  std::string lines = out.bold(fmt::format("entity: {} ({}, {:.3f})", out.foreign(words), out.foreign(entity.entity), entity.score)) + '\n';
  if (explanation.windows > 1) lines += fmt::format("window: {} of {}, whose words are below\n", explanation.window + 1, explanation.windows);
  return lines + text_lines(explanation.report, out);
}

}  // namespace filbert::cli
