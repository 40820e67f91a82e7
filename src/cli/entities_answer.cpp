#include "cli/entities_answer.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/columns.h"
#include "postprocess/entities_json.h"

namespace filbert::cli {
namespace {

std::string marked(std::string_view text, const std::vector<Entity>& entities, const std::vector<std::string>& types, const Output& out) {
  std::string line;
  std::size_t at = 0;
  for (const Entity& entity : entities) {
    const std::size_t begin = std::min(entity.offset.begin, text.size()), end = std::min(entity.offset.end, text.size());
    if (begin < at || end <= begin) continue;  // of none there may be tokens that share a character: one mark is enough
    line += out.foreign(text.substr(at, begin - at));
    const auto kind = static_cast<std::size_t>(std::find(types.begin(), types.end(), entity.entity) - types.begin());
    line += out.marked(out.foreign(text.substr(begin, end - begin)), out.foreign(entity.entity), kind);
    at = end;
  }
  return line + out.foreign(text.substr(at));
}

}  // namespace

void write_json(const Record& record, std::string_view text, const TokenClassification& answer, AggregationStrategy strategy, JsonWriter& json) {
  json.begin_object();
  if (!record.id.empty()) {
    json.key("id");
    json.raw(record.id);
  }
  json.field("text", text);
  json.key("entities");
  write_entities(answer.entities, strategy, json);
  write_text_facts(answer, json);
  json.end_object();
}

std::string text_lines(std::string_view text, const TokenClassification& answer, const std::vector<std::string>& types, const Output& out) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::string lines = fmt::format("text: {}\n", marked(text, answer.entities, types, out));
  if (answer.entities.empty()) return lines + "  no entities\n";
  std::size_t width = 0;
  std::vector<Word> labels;
  for (const Entity& entity : answer.entities) {
    labels.push_back(shown(entity.entity, out));
    width = std::max(width, labels.back().columns);
  }
  constexpr std::size_t kBeside = 11;  // columns of indent, score and gaps
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const Entity& entity = answer.entities[row];
    const std::size_t begin = std::min(entity.offset.begin, text.size());
    std::string what = one_line(text.substr(begin, std::max(entity.offset.end, begin) - begin), out);
    if (out.is_terminal()) what = beginning_of(what, std::max(out.columns(), width + kBeside + 1) - width - kBeside - 1);
    lines += fmt::format("  {}  {:.3f}  {}\n", out.bold(padded(labels[row], width)), entity.score, what);
  }
  return lines;
}

std::string conll_lines(const SplitText& text, const TokenClassification& answer, AggregationStrategy strategy, const Output& out) {
  std::string lines;
  auto entity = answer.entities.begin();
  for (std::size_t word = 0; word < text.words().size(); ++word) {
    const std::size_t begin = text.begin(word), end = begin + text.words()[word].size();
    while (entity != answer.entities.end() && entity->offset.end <= begin) ++entity;
    std::string label = "O";
    if (entity != answer.entities.end() && entity->offset.begin < end) {
      const bool is_first = entity->offset.begin >= begin;
      label = strategy == AggregationStrategy::none ? entity->entity : (is_first ? "B-" : "I-") + entity->entity;
    }
    lines += fmt::format("{}\t{}\n", one_line(text.words()[word], out), out.foreign(label));
  }
  return lines + '\n';
}

}  // namespace filbert::cli
