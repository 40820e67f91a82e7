#include "web/sample_entities.h"

#include <cstdint>

#include <fmt/format.h>

#include "web/chance.h"

namespace filbert::reference {
namespace {

// Texts of ten places; the higher `noise`, the more of the answers differ from what should be there.
std::vector<EntityText> texts_of(std::size_t count, const std::vector<std::string>& types, double noise, std::uint32_t seed) {
  Chance gold(1), chance(seed);
  std::vector<EntityText> texts(count);
  for (EntityText& text : texts) {
    text.words = 30;
    text.right_words = 30 - static_cast<std::size_t>(8 * noise);
    for (std::size_t place = 0; place < 10; ++place) {
      const auto type = static_cast<std::size_t>(gold() * gold() * static_cast<double>(types.size()));
      const bool is_there = gold() < 0.4, is_said = is_there ? chance() > noise / 2 : chance() < noise / 4;
      const auto other = static_cast<std::size_t>(chance() * static_cast<double>(types.size()));
      const double roll = chance();
      const EntitySpan span{types[type], place * 10, place * 10 + 6};
      if (is_there) text.gold.push_back(span);
      if (is_said) text.predicted.push_back({roll < noise / 2 ? types[other] : span.type, span.begin, roll > 1 - noise / 3 ? span.end - 2 : span.end,
          static_cast<float>(chance())});
    }
  }
  return texts;
}

void tell(EntityEvaluationReport& report) {
  report.has_words = true;
  report.words = 30 * report.evaluation.texts;
  report.gold_rules = "conlleval";
  report.model_rules = "iob2";
  report.aggregation_strategy = "first";
  report.decoding = "argmax";
  report.input = "test.conll";
  report.model = "built-in";
  report.model_sha256 = std::string(64, 'a');
  report.tokenizer_sha256 = std::string(64, 'b');
  report.input_sha256 = std::string(64, 'c');
  report.dtype = "f32";
  report.version = "0.1.0";
  report.command = "filbert evaluate test.conll --train train.conll";
}

void add_slice(EntityEvaluationReport& report, std::string by, std::string value, std::span<const EntityText> texts) {
  EntityEvaluation part = evaluate_entities(texts, report.options);
  report.slices.push_back({std::move(by), std::move(value), part.texts, part.gold, part.predicted, std::move(part.measures)});
}

const std::vector<std::string> kTypes = {"PER", "LOC", "ORG", "MISC"};

EntityEvaluationReport of_one() {
  EntityEvaluationReport report;
  report.options = {.bootstrap = 200};
  const std::vector<EntityText> texts = texts_of(200, kTypes, 0.3, 2);
  report.evaluation = evaluate_entities(texts, report.options);
  tell(report);
  const std::span<const EntityText> all = texts;
  report.train = "train.conll";
  add_slice(report, "tokens", "up to 16", all.first(120));
  add_slice(report, "tokens", "17 to 32", all.subspan(120));
  add_slice(report, "entity", "1 word", all.first(150));
  add_slice(report, "entity", "4 words and more", all.subspan(150));
  add_slice(report, "train.conll", "in it", all.first(90));
  add_slice(report, "train.conll", "not in it", all.subspan(90));
  report.worst = {{.row = 17, .text = "Ann Smith of Acme Ltd. flew to New York City.", .loss = 1.71,
                   .entities = {.gold = {{"PER", 0, 9}, {"ORG", 13, 22}, {"LOC", 31, 44}}, .predicted = {{"PER", 0, 9, 0.99F}, {"LOC", 13, 17, 0.8F},
                       {"LOC", 31, 39, 0.91F}}}},
                  {.row = 4, .text = "דנה גרה בחיפה", .truncated = true, .loss = 1, .entities = {.gold = {{"PER", 0, 3}}, .predicted = {}}}};
  report.truncated = 1;
  report.windowed = 3;
  report.unseen_words = 2;
  report.invalid_utf8 = 1;
  report.never_said = {{"EVENT", 12}, {"WORK_OF_ART", 3}};
  report.never_gold = {"MISC"};
  report.gold_names = {{"PERSON", "PER"}};
  return report;
}

EntityEvaluationReport of_two_finders() {
  EntityEvaluationReport report;
  report.options = {.bootstrap = 200};
  const std::vector<EntityText> first = texts_of(150, kTypes, 0.3, 2), second = texts_of(150, kTypes, 0.2, 3);
  report.evaluation = evaluate_entities(first, report.options);
  report.against = evaluate_entities(second, report.options);
  report.comparison = compare_entities(first, second, report.options);
  tell(report);
  report.against_model = "models/another";
  report.against_sha256 = std::string(64, 'd');
  report.against_dtype = "int8";
  return report;
}

EntityEvaluationReport of_many_types() {
  EntityEvaluationReport report;
  report.options = {.bootstrap = 50};
  std::vector<std::string> types;
  for (int type = 0; type < 30; ++type) types.push_back(fmt::format("kind <b>{}</b> & its very long name that never ends", type));
  report.evaluation = evaluate_entities(texts_of(100, types, 0.6, 7), report.options);
  tell(report);
  report.worst = {{.row = 1, .text = "</p><script>alert(1)</script>\xE2\x80\xAE" "evil", .loss = 2,
      .entities = {.gold = {{types[3], 4, 12}}, .predicted = {{types[4], 0, 33, 0.4F}}}}};
  return report;
}

}  // namespace

std::vector<std::pair<std::string, EntityEvaluationReport>> sample_entity_evaluations() {
  return {{"entities", of_one()}, {"entities_two", of_two_finders()}, {"entities_many", of_many_types()}};
}

}  // namespace filbert::reference
