#include "evaluate/drift.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "evaluate/scripts.h"
#include "evaluate/two_samples.h"
#include "postprocess/decision.h"

namespace filbert {
namespace {

constexpr std::array kDriftMeasures = {
    DriftMeasureInfo{"characters", "characters", true},       DriftMeasureInfo{"tokens", "tokens", true},
    DriftMeasureInfo{"characters_per_token", "chars. per token", true}, DriftMeasureInfo{"truncated", "truncated", false},
    DriftMeasureInfo{"unk_share", "share of [UNK]", true},
    DriftMeasureInfo{"script", "script", false},              DriftMeasureInfo{"mixed_scripts", "mixed scripts", false},
    DriftMeasureInfo{"invalid_utf8", "ill-formed UTF-8", false}, DriftMeasureInfo{"label", "predicted label", false},
    DriftMeasureInfo{"score", "score of the label", true},    DriftMeasureInfo{"gold", "gold label", false},
};

constexpr std::size_t kMostGold = 1000;          // different gold labels; more are texts, numbers or names
constexpr std::size_t kExampleCharacters = 160;

// A few thousand values at most, whatever the texts.
double few_values(double value) {
  if (std::abs(value) < 1000) return std::round(value * 10'000) / 10'000;
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
  return std::round(value / step) * step;
}

const char* yes_or_no(bool truth) { return truth ? "yes" : "no"; }

// By their usual names; a byte-level vocabulary has one that no text becomes.
std::optional<std::int32_t> unk_id(const Tokenizer& tokenizer) {
  for (const char* token : {"[UNK]", "<unk>"}) {
    if (const auto id = tokenizer.token_to_id(token)) return id;
  }
  return std::nullopt;
}

struct ScriptCounts {
  std::array<std::uint64_t, kMostScripts> of_script = {};
  std::size_t characters = 0;

  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++characters) {
      const DecodedChar c = decode_utf8(text, at);
      ++of_script[script_of(c.code_point)];
      at += c.bytes;
    }
    of_script[0] = 0;
  }
  std::string most() const {
    const auto best = std::ranges::max_element(of_script);
    return *best == 0 ? std::string("no letters") : std::string(script_name(static_cast<std::size_t>(best - of_script.begin())));
  }
  bool are_mixed() const {
    std::size_t group = 0;
    for (std::size_t script = 1; script < kMostScripts; ++script) {
      if (of_script[script] == 0) continue;
      if (group != 0 && group != script_group(script)) return true;
      group = script_group(script);
    }
    return false;
  }
};

}  // namespace

// What the model saw of a text, and said of it.
struct DriftSummarizer::Measured {
  std::size_t tokens_total = 0, tokens_used = 0, unk = 0, invalid_utf8 = 0;
  bool truncated = false;
  std::string label;
  float score = 0;
};

std::span<const DriftMeasureInfo> drift_measures() { return kDriftMeasures; }

std::string_view name(Drift drift) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "some", "much"};
  return kNames[static_cast<std::size_t>(drift)];
}

std::string bin_name(std::span<const double> edges, std::size_t bin) {
  if (edges.empty()) return "all";
  if (bin == 0) return fmt::format("up to {}", edges.front());
  if (bin == edges.size()) return fmt::format("over {}", edges.back());
  return fmt::format("over {} to {}", edges[bin - 1], edges[bin]);
}

DriftSummarizer::DriftSummarizer(const TextClassificationPipeline& classifier, const ClassifyOptions& classify, const DriftOptions& options,
                                 const DriftSummary* reference)
    : classifier_(classifier), classify_(classify), options_(options), reference_(reference), unk_id_(unk_id(classifier.tokenizer())),
      draws_(options.seed) {
  summary_.max_length = classify.max_length;
  if (const Decision* const decision = decision_in_use(classify, classifier.decision())) summary_.decision_sha256 = decision_sha256(*decision);
  if (!reference) return;
  for (const auto& [measure, counts] : reference->numbers) {
    if (!counts.empty()) edges_[measure] = quantile_edges(counts, options.bins);
  }
}

void DriftSummarizer::keep_example(std::string_view measure, const std::string& bin, const DriftText& text) {
  if (!reference_) return;
  const std::pair key(std::string(measure), bin);
  std::vector<std::string>& kept = examples_[key];
  const std::uint64_t seen = ++seen_[key];
  // Each text of the bin is kept with the same probability: the classic reservoir.
  const std::uint64_t place = seen <= options_.examples ? kept.size() : draws_() % seen;
  if (place >= options_.examples) return;
  std::string shown;
  for (std::size_t at = 0, characters = 0; at < text.text.size(); ++characters) {
    if (characters == kExampleCharacters) {
      shown += "…";
      break;
    }
    const DecodedChar c = decode_utf8(text.text, at);
    append_utf8(c.code_point, shown);
    at += c.bytes;
  }
  if (std::ranges::find(kept, shown) != kept.end()) return;
  if (place < kept.size()) {
    kept[place] = std::move(shown);
  } else {
    kept.push_back(std::move(shown));
  }
}

void DriftSummarizer::number(std::string_view measure, double value, const DriftText& text) {
  const std::string name(measure);
  const double rounded = few_values(value);
  ++summary_.numbers[name][rounded];
  if (const auto edges = edges_.find(name); edges != edges_.end()) {
    keep_example(measure, bin_name(edges->second, bin_of(edges->second, rounded)), text);
  }
}

void DriftSummarizer::kind(std::string_view measure, const std::string& value, const DriftText& text) {
  ++summary_.shares[std::string(measure)][value];
  keep_example(measure, value, text);
}

void DriftSummarizer::add(const DriftText& text, const Measured& measured) {
  ScriptCounts letters;
  letters.add(text.text);
  if (text.text_pair) letters.add(*text.text_pair);
  ++summary_.texts;
  summary_.tokens += measured.tokens_used;
  summary_.unk_tokens += measured.unk;
  for (std::size_t script = 1; script < kMostScripts; ++script) {
    if (letters.of_script[script] != 0) summary_.letters[std::string(script_name(script))] += letters.of_script[script];
  }
  number("characters", static_cast<double>(letters.characters), text);
  number("tokens", static_cast<double>(measured.tokens_total), text);
  // In two decimals: there are more fractions than whole numbers.
  number("characters_per_token", std::round(100 * static_cast<double>(letters.characters) / static_cast<double>(measured.tokens_total)) / 100, text);
  kind("truncated", yes_or_no(measured.truncated), text);
  if (unk_id_ && measured.tokens_used > 0) number("unk_share", static_cast<double>(measured.unk) / static_cast<double>(measured.tokens_used), text);
  kind("script", letters.most(), text);
  kind("mixed_scripts", yes_or_no(letters.are_mixed()), text);
  kind("invalid_utf8", yes_or_no(measured.invalid_utf8 > 0), text);
  if (classifier_.config().num_labels() > 1) kind("label", measured.label, text);
  if (std::isfinite(measured.score)) number("score", double{measured.score}, text);
  if (!text.gold) return;
  kind("gold", *text.gold, text);
  if (summary_.shares["gold"].size() > kMostGold) {
    throw Error(ErrorKind::invalid_argument, fmt::format("--label-column: expected at most {} different labels, found more", kMostGold));
  }
}

void DriftSummarizer::add(std::span<const DriftText> texts) {
  std::vector<TextInput> inputs;
  for (const DriftText& text : texts) {
    inputs.push_back({text.text, text.text_pair ? std::optional<std::string_view>(*text.text_pair) : std::nullopt});
  }
  const BatchEncoding rows = classifier_.tokenize(inputs, classify_);
  const std::vector<Classification> answers = classifier_(rows, classify_);
  for (std::size_t at = 0; at < texts.size(); ++at) {
    Measured measured{.tokens_total = rows.rows[at].tokens_total, .invalid_utf8 = rows.rows[at].invalid_utf8 + texts[at].invalid_utf8,
                      .truncated = rows.rows[at].truncated, .label = answers[at].label, .score = answers[at].score};
    for (std::size_t token = rows.row_starts[at]; token < rows.row_starts[at + 1]; ++token) {
      if (rows.special_tokens_mask[token] != 0) continue;
      ++measured.tokens_used;
      measured.unk += unk_id_ && rows.input_ids[token] == *unk_id_;
    }
    add(texts[at], measured);
  }
}

}  // namespace filbert
