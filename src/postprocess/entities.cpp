#include "postprocess/entities.h"

#include <algorithm>
#include <utility>

#include <filbert/error.h>

#include "base/text.h"

namespace filbert {
namespace {

// A token or a word with the scores that count for it.
struct Part {
  std::string word;
  std::vector<float> scores;
  Offset offset;
  std::size_t index = 0;
};

std::size_t best_of(std::span<const float> scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<float> mean_scores(std::span<const ScoredToken> tokens) {
  std::vector<float> mean(tokens[0].scores.size());
  for (std::size_t label = 0; label < mean.size(); ++label) {
    double sum = 0;
    for (const ScoredToken& token : tokens) sum += token.scores[label];
    mean[label] = static_cast<float>(sum / static_cast<double>(tokens.size()));
  }
  return mean;
}

std::vector<Part> parts_of(std::span<const ScoredToken> tokens, const EntityRules& rules) {
  const AggregationStrategy strategy = rules.options.aggregation_strategy;
  const bool by_words = strategy != AggregationStrategy::none && strategy != AggregationStrategy::simple;
  std::vector<Part> parts;
  for (std::size_t begin = 0, end = 0; begin < tokens.size(); begin = end) {
    end = begin + 1;
    while (by_words && end < tokens.size() && tokens[end].is_subword) ++end;
    const auto word = tokens.subspan(begin, end - begin);
    Part part{word[0].word, word_scores(word, strategy), {word.front().offset.begin, word.back().offset.end}, word[0].index};
    if (by_words) {
      std::vector<std::string> pieces;
      for (const ScoredToken& token : word) pieces.push_back(token.word);
      part.word = rules.to_string(pieces);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<std::size_t> labels_of(std::span<const Part> parts, const EntityRules& rules, bool begins, bool ends) {
  if (rules.options.decoding == Decoding::argmax) {
    std::vector<std::size_t> labels;
    for (const Part& part : parts) labels.push_back(best_of(part.scores));
    return labels;
  }
  std::vector<std::vector<float>> scores;
  for (const Part& part : parts) scores.push_back(part.scores);
  return viterbi(scores, rules.tags, rules.scheme, begins, ends);
}

// "PER" of "B-PER", as transformers names it: what follows the first hyphen, whatever stands before.
std::string type_of(const std::string& label) {
  const std::size_t hyphen = label.find('-');
  return hyphen == std::string::npos ? label : label.substr(hyphen + 1);
}

// Of one label, or of several that go on with it.
Entity grouped(std::span<const Part> parts, std::span<const std::size_t> labels, const EntityRules& rules) {
  double sum = 0;
  std::vector<std::string> words;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    sum += parts[part].scores[labels[part]];
    words.push_back(parts[part].word);
  }
  Entity entity;
  entity.entity = type_of(rules.id2label.at(static_cast<int>(labels[0])));
  entity.score = static_cast<float>(sum / static_cast<double>(parts.size()));
  entity.word = rules.to_string(words);
  entity.offset = {parts.front().offset.begin, parts.back().offset.end};
  return entity;
}

std::vector<Entity> group(std::span<const Part> parts, std::span<const std::size_t> labels, const EntityRules& rules) {
  std::vector<Entity> entities;
  for (std::size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
    end = begin + 1;
    while (end < parts.size() && continues(rules.tags[labels[end - 1]], rules.tags[labels[end]])) ++end;
    // Words are put together for those alone that anybody sees.
    if (std::ranges::count(rules.options.ignore_labels, type_of(rules.id2label.at(static_cast<int>(labels[begin]))))) continue;
    entities.push_back(grouped(parts.subspan(begin, end - begin), labels.subspan(begin, end - begin), rules));
  }
  return entities;
}

}  // namespace

std::vector<float> word_scores(std::span<const ScoredToken> tokens, AggregationStrategy strategy) {
  if (strategy == AggregationStrategy::average) return mean_scores(tokens);
  if (strategy != AggregationStrategy::max) return tokens[0].scores;
  const auto surest = [](const ScoredToken& token) { return *std::max_element(token.scores.begin(), token.scores.end()); };
  const ScoredToken* best = &tokens[0];
  for (const ScoredToken& token : tokens) {
    if (surest(token) > surest(*best)) best = &token;
  }
  return best->scores;
}

EntityRules::EntityRules(const TokenClassificationOptions& given, const std::map<int, std::string>& labels,
                         std::function<std::string(std::span<const std::string>)> decoder)
    : options(given), id2label(labels), scheme(scheme_of(labels, given.tagging_scheme)), tags(tags_of(labels, scheme)), to_string(std::move(decoder)) {}

std::vector<Entity> entities_of_row(std::span<const ScoredToken> tokens, const EntityRules& rules, bool begins, bool ends) {
  const std::vector<Part> parts = parts_of(tokens, rules);
  const std::vector<std::size_t> labels = labels_of(parts, rules, begins, ends);
  if (rules.options.aggregation_strategy != AggregationStrategy::none) return group(parts, labels, rules);
  std::vector<Entity> entities;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const std::string& label = rules.id2label.at(static_cast<int>(labels[part]));
    if (std::ranges::count(rules.options.ignore_labels, label)) continue;
    entities.push_back({label, parts[part].scores[labels[part]], parts[part].index, parts[part].word, parts[part].offset});
  }
  return entities;
}

std::vector<Entity> without_overlaps(std::vector<Entity> entities, std::string_view text) {
  std::ranges::stable_sort(entities, {}, [](const Entity& entity) { return entity.offset.begin; });
  std::vector<Entity> kept;
  for (Entity& entity : entities) {
    if (kept.empty() || entity.offset.begin >= kept.back().offset.end) {
      kept.push_back(std::move(entity));
      continue;
    }
    const auto length = [&](const Entity& of) { return count_code_points(text.substr(of.offset.begin, of.offset.end - of.offset.begin)); };
    if (std::pair(length(entity), entity.score) > std::pair(length(kept.back()), kept.back().score)) kept.back() = std::move(entity);
  }
  return kept;
}

std::vector<std::string> entity_names(const std::map<int, std::string>& id2label, AggregationStrategy strategy) {
  std::vector<std::string> names;
  for (const auto& [id, label] : id2label) {
    std::string name = strategy == AggregationStrategy::none ? label : type_of(label);
    if (std::ranges::count(names, name) == 0) names.push_back(std::move(name));
  }
  return names;
}

void check_options(const TokenClassificationOptions& options) {
  if (options.stride && options.aggregation_strategy == AggregationStrategy::none) {
    throw Error(ErrorKind::invalid_argument,
                "aggregation_strategy: expected simple, first, average or max, which make entities that windows can share, found none with a stride");
  }
}

}  // namespace filbert
