#include "explain/corpus_json.h"

#include <array>
#include <limits>

#include "base/json.h"

namespace filbert {
namespace {

// The fields of an object.
void write(const CorpusWord& word, JsonWriter& json);
void write(const MixedWord& mixed, JsonWriter& json);
void write(const CorpusLabel& label, JsonWriter& json);
void write(const Leak& leak, JsonWriter& json);
void write(const TextWord& word, JsonWriter& json);
void write(const RepresentativeText& text, JsonWriter& json);
void write(const Confusion& confusion, JsonWriter& json);

// An array of objects under a key.
template <typename Each>
void write_all(std::string_view name, const std::vector<Each>& all, JsonWriter& json) {
  json.key(name);
  json.begin_array();
  for (const Each& each : all) {
    json.begin_object();
    write(each, json);
    json.end_object();
  }
  json.end_array();
}

void write(const CorpusWord& word, JsonWriter& json) {
  json.field("word", word.word);
  json.field("texts", word.texts);
  json.field("mean", word.mean);
  json.field("low", word.low);
  json.field("high", word.high);
  json.field("mean_size", word.mean_size);
  json.field("share_for", word.share_for);
}

void write(const WordInContext& context, JsonWriter& json) {
  json.field("row", context.row);
  json.field("value", context.value);
  json.field("before", context.before);
  json.field("word", context.word);
  json.field("after", context.after);
}

void write(const MixedWord& mixed, JsonWriter& json) {
  write(mixed.word, json);
  for (const auto& [name, context] : {std::pair("most_for", &mixed.most_for), std::pair("most_against", &mixed.most_against)}) {
    if (!*context) continue;
    json.key(name);
    json.begin_object();
    write(**context, json);
    json.end_object();
  }
}

void write(const CorpusLabel& label, JsonWriter& json) {
  json.field("label", label.label);
  json.field("texts", label.texts);
  json.field("mean_score", label.mean_score);
  write_all("words_for", label.words_for, json);
  write_all("words_against", label.words_against, json);
  write_all("mixed", label.mixed, json);
}

void write(const Leak& leak, JsonWriter& json) {
  json.field("label", leak.label);
  json.field("word", leak.word);
  json.field("texts", leak.texts);
  json.field("decided", leak.decided);
  json.field("coverage", leak.coverage);
  json.field("explained", leak.explained);
  json.field("precision", leak.precision);
}

// In bytes.
void write_places(std::string_view name, const std::vector<Offset>& places, JsonWriter& json) {
  json.key(name);
  json.begin_array();
  for (const Offset& place : places) json.array(std::array{place.begin, place.end});
  json.end_array();
}

void write(const TextWord& word, JsonWriter& json) {
  json.field("word", word.word);
  json.field("value", word.value);
  json.field("score_without", word.score_without);
  json.field("flips", word.flips);
  write_places("places", word.places, json);
  if (!word.pair_places.empty()) write_places("pair_places", word.pair_places, json);
}

void write(const TextExplanation& explanation, JsonWriter& json) {
  json.field("label", explanation.label);
  json.field("score", explanation.score);
  json.field("truncated", explanation.truncated);
  json.field("invalid_utf8", explanation.invalid_utf8);
  json.field("evaluations", explanation.evaluations);
  write_all("words", explanation.words, json);
}

void write(const RepresentativeText& text, JsonWriter& json) {
  json.field("row", text.text.row);
  json.field("text", text.text.text);
  if (text.text.text_pair) json.field("text_pair", *text.text.text_pair);
  if (text.text.gold) json.field("gold", *text.text.gold);
  json.field("shortened", text.shortened);
  write(text.explanation, json);
}

void write(const Confusion& confusion, JsonWriter& json) {
  json.field("gold", confusion.gold);
  json.field("predicted", confusion.predicted);
  json.field("texts", confusion.texts);
}

void write_gold(const GoldReport& gold, JsonWriter& json) {
  json.key("gold");
  json.begin_object();
  json.field("texts", gold.texts);
  json.field("correct", gold.correct);
  json.key("accuracy");
  json.value(gold.texts == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(gold.correct) / static_cast<double>(gold.texts));
  json.field("unknown", gold.unknown);
  json.key("unknown_labels");
  json.array(gold.unknown_labels);
  write_all("confusions", gold.confusions, json);
  write_all("misleading", gold.misleading, json);
  json.end_object();
}

void write_settings(const CorpusReport& report, JsonWriter& json) {
  const CorpusOptions& options = report.options;
  json.key("settings");
  json.begin_object();
  json.field("method", options.method);
  json.field("unit", name(options.explain.unit));
  json.field("target", name(options.explain.target));
  json.field("mask", report.mask);
  json.field("min_texts", options.min_texts);
  json.field("max_words", options.max_words);
  json.field("leak_share", options.leak_share);
  json.field("seed", options.seed);
  json.end_object();
}

// A number that JSON has no word for was written as null.
double number_or_nan(const JsonValue& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->as_double() : std::numeric_limits<double>::quiet_NaN();
}

std::size_t count(const JsonValue& value) {
  const std::int64_t number = value.as_int();
  if (number < 0) value.fail("a number from 0");
  return static_cast<std::size_t>(number);
}

std::vector<Offset> places_from(const JsonValue& array) {
  std::vector<Offset> places;
  array.for_each_element([&](const JsonValue& place) {
    std::vector<std::size_t> ends;
    place.for_each_element([&](const JsonValue& end) { ends.push_back(count(end)); });
    if (ends.size() != 2) place.fail("a begin and an end");
    places.push_back({ends[0], ends[1]});
  });
  return places;
}

TextWord word_from(const JsonValue& object) {
  TextWord word;
  word.word = object.at("word").as_string();
  word.value = number_or_nan(object, "value");
  word.score_without = static_cast<float>(number_or_nan(object, "score_without"));
  word.flips = object.at("flips").as_bool();
  word.places = places_from(object.at("places"));
  if (const auto places = object.find("pair_places")) word.pair_places = places_from(*places);
  return word;
}

}  // namespace

void write_json(const CorpusReport& report, JsonWriter& json) {
  json.begin_object();
  json.field("input", report.input);
  json.field("texts", report.texts);
  json.field("evaluations", report.evaluations);
  json.field("truncated", report.truncated);
  json.field("invalid_utf8", report.invalid_utf8);
  json.field("empty", report.empty);
  json.field("forgotten_words", report.forgotten_words);
  write_all("labels", report.labels, json);
  write_all("leaks", report.leaks, json);
  write_all("representatives", report.representatives, json);
  if (report.gold) write_gold(*report.gold, json);
  write_settings(report, json);
  json.field("input_sha256", report.input_sha256);
  json.field("model", report.model);
  json.field("model_sha256", report.model_sha256);
  json.field("tokenizer_sha256", report.tokenizer_sha256);
  json.field("dtype", report.dtype);
  json.field("version", report.version);
  json.field("command", report.command);
  json.end_object();
}

void write_json(const RowExplanation& row, JsonWriter& json) {
  json.begin_object();
  json.field("row", row.row);
  write(row.explanation, json);
  json.end_object();
}

RowExplanation parse_row_explanation(std::string_view line, const std::string& where) {
  const JsonDocument document(line, where);
  const JsonValue root = document.root();
  RowExplanation row;
  row.row = count(root.at("row"));
  TextExplanation& explanation = row.explanation;
  explanation.label = root.at("label").as_string();
  explanation.score = static_cast<float>(number_or_nan(root, "score"));
  explanation.truncated = root.at("truncated").as_bool();
  explanation.invalid_utf8 = count(root.at("invalid_utf8"));
  explanation.evaluations = count(root.at("evaluations"));
  root.at("words").for_each_element([&](const JsonValue& word) { explanation.words.push_back(word_from(word)); });
  return row;
}

}  // namespace filbert
