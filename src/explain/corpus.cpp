#include "explain/corpus.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/names.h"
#include "base/refuse.h"
#include "base/text.h"
#include "explain/explainer.h"
#include "explain/lime.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 3> kCorpusMethods = {"occlusion", "shap", "lime"};
constexpr std::size_t kMaxUnknownLabels = 8;

void check_options(const CorpusOptions& options) {
  if (std::find(kCorpusMethods.begin(), kCorpusMethods.end(), options.method) == kCorpusMethods.end()) {
    refuse(fmt::format("method: expected one of {}, found \"{}\"", fmt::join(kCorpusMethods, ", "), options.method));
  }
  if (options.explain.label) refuse(fmt::format("label: expected none, since each text's own is explained, found \"{}\"", *options.explain.label));
  if (options.explain.target == ExplainTarget::contrast) refuse("target: expected probability or logit, found a contrast");
  if (options.explain.threshold) refuse(fmt::format("threshold: expected none, since each text's likeliest label is explained, found {}", *options.explain.threshold));
  if (options.explain.compat != ExplainCompat::none) refuse("compat: expected none, found a package's");
  if (!(options.leak_share > 0 && options.leak_share <= 1)) {
    refuse(fmt::format("leak_share: expected a share above 0 and up to 1, found {}", options.leak_share));
  }
}

std::string in_small_letters(std::string_view text) {
  std::string small;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    const unicode::Mapping mapping = unicode::lower(decoded.code_point);
    for (std::size_t each = 0; each < mapping.size; ++each) append_utf8(mapping.code_points[each], small);
    at += decoded.bytes;
  }
  return small;
}

// The words of a text, each with the units that are its places, by first place.
struct WordsOfText {
  std::vector<std::string> words;
  std::vector<std::vector<std::size_t>> units;
};

WordsOfText words_of(const std::vector<ExplainedUnit>& units, bool lowercases) {
  WordsOfText found;
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    std::string word = lowercases ? in_small_letters(units[unit].text) : units[unit].text;
    const auto [known, is_new] = index.try_emplace(word, found.words.size());
    if (is_new) {
      found.words.push_back(std::move(word));
      found.units.emplace_back();
    }
    found.units[known->second].push_back(unit);
  }
  return found;
}

// [units] what the method says of each; of occlusion nothing, since words are asked for as a whole.
std::vector<double> unit_values(Explainer::Impl& impl, const CorpusOptions& options) {
  const std::size_t output = impl.output(impl.label_id({}));
  if (options.method == "lime") return lime_of(impl.game(), output, options.lime, impl.budget).values;
  if (options.method != "shap") return {};
  return shap(impl.game(), output, impl.shap_players(), options.shap, impl.budget).values;
}

// What the model says of the text without each of its words.
void ask_without(Explainer::Impl& impl, const WordsOfText& found, TextExplanation& explanation) {
  const std::size_t label = impl.label_id({}), num_labels = impl.classifier.config().num_labels();
  const Game game = impl.score_game(label);
  for (std::size_t first = 0; first < found.words.size(); first += game.batch_size) {
    Masks masks(game.num_players);
    const std::size_t last = std::min(first + game.batch_size, found.words.size());
    for (std::size_t word = first; word < last; ++word) {
      const auto kept = masks.add_row(std::uint8_t{1});
      for (const std::size_t unit : found.units[word]) kept[unit] = 0;
    }
    const std::vector<double> values = game.values(masks);
    for (std::size_t word = first; word < last; ++word) {
      const double* scores = values.data() + (word - first) * game.num_outputs;
      TextWord& told = explanation.words[word];
      told.score_without = static_cast<float>(scores[label]);
      told.flips = std::max_element(scores, scores + num_labels) != scores + label;
      told.value = impl.text.score - scores[num_labels];
    }
  }
}

}  // namespace

CorpusExplainer::Impl::Impl(const TextClassificationPipeline& pipeline, const CorpusOptions& wanted)
    : classifier(pipeline), options(wanted), threads(std::max(wanted.num_threads, 1U)), wrong_(wanted.seed) {
  check_options(options);
  options.explain.offset_unit = OffsetUnit::bytes;
  for (const auto& [id, label] : classifier.config().id2label) {
    ids_.try_emplace(label, names_.size());
    names_.push_back(label);
    labels_.push_back({0, 0, WordTable(options.seed)});
  }
}

bool CorpusExplainer::Impl::decides_labels() const {
  const FunctionToApply function = options.explain.function_to_apply.value_or(default_function_to_apply(classifier.config()));
  return names_.size() > 1 || function == FunctionToApply::sigmoid;
}

TextExplanation CorpusExplainer::Impl::explain_one(const CorpusText& text) const {
  const auto pair = text.text_pair ? std::optional<std::string_view>(*text.text_pair) : std::nullopt;
  Explainer::Impl impl(classifier, {text.text, pair}, options.explain);
  const Classification& answer = impl.text.classification;
  TextExplanation explanation{answer.label, answer.score, {}, answer.truncated, count_invalid_utf8(text.text) + count_invalid_utf8(pair.value_or("")), 0};
  const WordsOfText found = words_of(impl.text.units, classifier.tokenizer().lowercases());
  for (std::size_t word = 0; word < found.words.size(); ++word) {
    TextWord& told = explanation.words.emplace_back();
    told.word = found.words[word];
    for (const std::size_t unit : found.units[word]) {
      const ExplainedUnit& place = impl.text.units[unit];
      (place.sequence_id == 0 ? told.places : told.pair_places).push_back(place.offset);
    }
  }
  impl.predictor.start_count();
  ask_without(impl, found, explanation);
  if (const std::vector<double> values = unit_values(impl, options); !values.empty()) {
    for (std::size_t word = 0; word < found.words.size(); ++word) {
      explanation.words[word].value = 0;
      for (const std::size_t unit : found.units[word]) explanation.words[word].value += values[unit];
    }
  }
  explanation.evaluations = 1 + impl.predictor.count();
  return explanation;
}

// What comes from a partial file may be anything.
void CorpusExplainer::Impl::check(const CorpusText& text, const TextExplanation& explanation) const {
  const auto corrupt = [&](const std::string& message) { throw Error(ErrorKind::corrupt, fmt::format("row {}: {}", text.row, message)); };
  const auto check_places = [&](const char* name, const std::vector<Offset>& places, std::size_t bytes) {
    for (const Offset& place : places) {
      if (place.begin < place.end && place.end <= bytes) continue;
      corrupt(fmt::format("{}: expected a place in a text of {} bytes, found {} to {}", name, bytes, place.begin, place.end));
    }
  };
  if (!ids_.contains(explanation.label)) corrupt(fmt::format("label: expected one of the model's, found \"{}\"", explanation.label));
  for (const TextWord& word : explanation.words) {
    if (word.places.empty() && word.pair_places.empty()) corrupt("places: expected at least one, found none");
    check_places("places", word.places, text.text.size());
    check_places("pair_places", word.pair_places, text.text_pair ? text.text_pair->size() : 0);
  }
}

void CorpusExplainer::Impl::add(const CorpusText& given, const TextExplanation& explanation) {
  CorpusText text = given;
  for (std::string* part : {&text.text, text.text_pair ? &*text.text_pair : nullptr}) {
    if (part != nullptr && count_invalid_utf8(*part) > 0) *part = replace_invalid_utf8(*part);
  }
  check(text, explanation);
  const std::size_t label = ids_.find(explanation.label)->second;
  Group& group = labels_[label];
  ++counts_.texts;
  counts_.evaluations += explanation.evaluations;
  counts_.truncated += explanation.truncated;
  counts_.invalid_utf8 += explanation.invalid_utf8 > 0;
  counts_.empty += explanation.words.empty();
  ++group.texts;
  group.sum_of_scores += double{explanation.score};
  for (const TextWord& word : explanation.words) {
    if (!std::isfinite(word.value)) continue;  // a model that gives NaN
    const bool is_decided = decides_labels() && (word.flips || word.score_without < explanation.score / 2);
    group.words.add(word.word, text.row, word.value, is_decided);
  }
  if (text.gold) add_gold(text, explanation, label);
  keep(text, explanation);
}

void CorpusExplainer::Impl::add_gold(const CorpusText& text, const TextExplanation& explanation, std::size_t label) {
  has_gold_ = true;
  const auto gold = ids_.find(*text.gold);
  if (gold == ids_.end()) {
    ++gold_counts_.unknown;
    if (unknown_labels_.size() < kMaxUnknownLabels) unknown_labels_.insert(*text.gold);
    return;
  }
  ++gold_counts_.texts;
  gold_counts_.correct += gold->second == label;
  ++confusions_[{gold->second, label}];
  if (gold->second == label) return;
  for (const TextWord& word : explanation.words) {
    if (std::isfinite(word.value)) wrong_.add(word.word, text.row, word.value, false);
  }
}

CorpusExplainer::CorpusExplainer(const TextClassificationPipeline& classifier, const CorpusOptions& options)
    : impl_(std::make_unique<Impl>(classifier, options)) {}
CorpusExplainer::CorpusExplainer(CorpusExplainer&&) noexcept = default;
CorpusExplainer& CorpusExplainer::operator=(CorpusExplainer&&) noexcept = default;
CorpusExplainer::~CorpusExplainer() = default;

std::vector<TextExplanation> CorpusExplainer::explain(std::span<const CorpusText> texts) const {
  std::vector<TextExplanation> explanations(texts.size());
  impl_->threads.parallel_for(texts.size(), [&](std::size_t text, unsigned) { explanations[text] = impl_->explain_one(texts[text]); });
  return explanations;
}

void CorpusExplainer::add(const CorpusText& text, const TextExplanation& explanation) { impl_->add(text, explanation); }
CorpusReport CorpusExplainer::result() const { return impl_->result(); }

}  // namespace filbert
