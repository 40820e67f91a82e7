#include "cli/entity_predict.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/postprocess.h>

#include "postprocess/answers.h"
#include "postprocess/entities.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

// What a label is of: a word, or with simple a token.
struct Part {
  Offset place;               // in the text
  std::vector<float> scores;  // [num_labels]; none of a word without a token, which is "O"
};

std::string type_of(const Tag& tag, const std::string& label) { return tag.part == TagPart::outside ? label : tag.type; }

// Which of the rows of a text a word is read in, and its tokens there.
struct WordTokens {
  std::size_t begin = 0, end = 0;  // in the batch
  std::size_t context = 0;         // tokens between it and the nearest end of the row at which the text goes on
};

// The tokens of each word: of several rows those of the one that has most of them and, if several do, most of the text around.
std::vector<WordTokens> tokens_of_words(const BatchEncoding& inputs, std::size_t first, std::size_t last, std::size_t num_words) {
  std::vector<WordTokens> words(num_words);
  for (std::size_t row = first; row < last; ++row) {
    const std::size_t row_begin = inputs.row_starts[row], row_end = inputs.row_starts[row + 1];
    for (std::size_t at = row_begin; at < row_end;) {
      const std::int32_t id = inputs.word_ids[at];
      const std::size_t begin = at++;
      if (id < 0) continue;  // a special token
      while (at < row_end && inputs.word_ids[at] == id) ++at;
      const std::size_t before = row == first ? kUnbounded : begin - row_begin, after = row + 1 == last ? kUnbounded : row_end - at;
      const WordTokens found{begin, at, std::min(before, after)};
      WordTokens& best = words[static_cast<std::size_t>(id)];
      if (std::pair(found.end - found.begin, found.context) > std::pair(best.end - best.begin, best.context)) best = found;
    }
  }
  return words;
}

std::vector<std::size_t> rows_of_texts(const BatchEncoding& inputs) {
  const std::vector<std::size_t>& texts = inputs.overflow_to_sample_mapping;
  std::vector<std::size_t> starts;
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    if (row == 0 || texts.empty() || texts[row] != texts[row - 1]) starts.push_back(row);
  }
  starts.push_back(inputs.batch_size());
  return starts;
}

SpanRules own_rules(TaggingScheme scheme) {
  switch (scheme) {
    case TaggingScheme::iob1: return SpanRules::iob1;
    case TaggingScheme::bioes: return SpanRules::iobes;
    case TaggingScheme::bilou: return SpanRules::bilou;
    default: return SpanRules::iob2;
  }
}

// The file's scheme where the model's labels have its letters, as seqeval would have it; else the model's own.
SpanRules rules_for(SpanRules asked, TaggingScheme scheme) {
  const bool has_ends = scheme == TaggingScheme::bioes || scheme == TaggingScheme::bilou;
  const bool is_iob = asked == SpanRules::iob1 || asked == SpanRules::iob2;
  return is_iob && !has_ends ? asked : own_rules(scheme);
}

std::size_t best_of(std::span<const float> scores) { return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()); }

// A label for each part that has scores, by id.
std::vector<std::optional<std::size_t>> labels_of_parts(std::span<const Part> parts, std::span<const Tag> tags, TaggingScheme scheme, Decoding decoding) {
  std::vector<std::optional<std::size_t>> labels(parts.size());
  if (decoding == Decoding::argmax) {
    std::ranges::transform(parts, labels.begin(), [](const Part& part) { return part.scores.empty() ? std::nullopt : std::optional(best_of(part.scores)); });
    return labels;
  }
  std::vector<std::vector<float>> scores;
  for (const Part& part : parts) {
    if (!part.scores.empty()) scores.push_back(part.scores);
  }
  const std::vector<std::size_t> path = viterbi(scores, tags, scheme, true, true);
  std::size_t at = 0;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (!parts[part].scores.empty()) labels[part] = path[at++];
  }
  return labels;
}

}  // namespace

EntityPredictor::EntityPredictor(TokenClassificationPipeline pipeline, PredictOptions options)
    : pipeline_(std::move(pipeline)), options_(std::move(options)), scheme_(scheme_of(pipeline_.config().id2label, options_.tagging_scheme)),
      tags_(tags_of(pipeline_.config().id2label, scheme_)), labels_(labels_of(pipeline_.config().id2label)) {
  if (options_.rules) options_.rules = rules_for(*options_.rules, scheme_);
  const std::size_t length = options_.max_length.value_or(pipeline_.max_length());
  if (pipeline_.config().max_tokens && length > pipeline_.max_length()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("--max-length: expected at most {}, which this model takes, found {}", pipeline_.max_length(),
        length));
  }
  options_.max_length = length;
  if (!options_.stride) options_.stride = length / 4;
  pipeline_(std::string_view(), pipeline_options());  // a bad option is no text's fault
  std::vector<EntitySpan> types;
  for (std::size_t label = 0; label < labels_.size(); ++label) types.push_back({type_of(tags_[label], labels_[label])});
  take_types(types);
  std::set<std::string> names;
  for (const EntitySpan& type : types) names.insert(type.type);
  types_.assign(names.begin(), names.end());
}

std::string EntityPredictor::rules() const { return fmt::format("{}{}", options_.rules ? name(*options_.rules) : name(scheme_), options_.rules ? ", strictly"
    : ""); }

TokenClassificationOptions EntityPredictor::pipeline_options() const {
  TokenClassificationOptions options{.aggregation_strategy = options_.aggregation_strategy, .tagging_scheme = scheme_, .decoding = options_.decoding,
      .max_length = options_.max_length};
  if (!options_.truncates) options.stride = options_.stride;
  return options;
}

// Names of types as they are compared, without those that are left out.
void EntityPredictor::take_types(std::vector<EntitySpan>& entities) const {
  for (EntitySpan& entity : entities) {
    const auto mapped = options_.label_map.find(entity.type);
    if (mapped != options_.label_map.end()) entity.type = mapped->second;
  }
  std::erase_if(entities, [&](const EntitySpan& entity) { return entity.type == "O" || std::ranges::count(options_.ignored, entity.type) > 0; });
}

std::vector<Prediction> EntityPredictor::operator()(std::span<const GoldText> texts, bool has_words) const {
  std::vector<Prediction> predictions = has_words ? of_words(texts) : of_texts(texts);
  for (Prediction& prediction : predictions) take_types(prediction.entities);
  return predictions;
}

std::vector<Prediction> EntityPredictor::of_texts(std::span<const GoldText> texts) const {
  std::vector<std::string_view> inputs;
  for (const GoldText& text : texts) inputs.push_back(text.text);
  std::vector<Prediction> predictions;
  for (const TokenClassification& answer : pipeline_(inputs, pipeline_options())) {
    Prediction& prediction = predictions.emplace_back();
    for (const Entity& entity : answer.entities) prediction.entities.push_back({entity.entity, entity.offset.begin, entity.offset.end, entity.score});
    prediction.tokens = answer.tokens_total;
    prediction.windows = answer.windows;
    prediction.truncated = answer.truncated;
  }
  return predictions;
}

std::vector<Prediction> EntityPredictor::of_words(std::span<const GoldText> texts) const {
  std::vector<std::vector<std::string_view>> words;
  for (const GoldText& text : texts) words.emplace_back(text.words.begin(), text.words.end());
  std::vector<WordsInput> inputs;
  for (const std::vector<std::string_view>& of_text : words) inputs.push_back({of_text});
  const BatchEncoding encoding = pipeline_.tokenizer()(inputs, {.truncation = Truncation::longest_first,
                                                                .max_length = options_.max_length,
                                                                .return_overflowing_tokens = !options_.truncates,
                                                                .stride = options_.truncates ? 0 : *options_.stride,
                                                                .num_threads = pipeline_.model().num_threads()});
  const Tensor scores = softmax(pipeline_.model()(encoding).logits);
  const std::vector<std::size_t> starts = rows_of_texts(encoding);
  std::vector<Prediction> predictions;
  for (std::size_t text = 0; text < texts.size(); ++text) predictions.push_back(of_rows(encoding, scores, starts[text], starts[text + 1], texts[text]));
  return predictions;
}

Prediction EntityPredictor::of_rows(const BatchEncoding& inputs, const Tensor& scores, std::size_t first, std::size_t last, const GoldText& text) const {
  Prediction prediction;
  prediction.tokens = inputs.rows[first].tokens_total;
  prediction.truncated = inputs.rows[first].truncated;
  prediction.windows = last - first;
  std::vector<Part> parts;
  const std::vector<WordTokens> words = tokens_of_words(inputs, first, last, text.words.size());
  for (std::size_t word = 0; word < words.size(); ++word) {
    std::vector<ScoredToken> tokens;
    for (std::size_t at = words[word].begin; at < words[word].end; ++at) {
      const Offset whole = text.places[word], part = inputs.offset_mapping[at];  // of the word
      const Offset place{std::min(whole.begin + part.begin, whole.end), std::min(whole.begin + part.end, whole.end)};
      tokens.push_back({.word = {}, .scores = {scores[at].begin(), scores[at].end()}, .offset = place});
    }
    prediction.unseen_words += tokens.empty();
    if (tokens.empty()) {
      parts.push_back({text.places[word], {}});
    } else if (options_.aggregation_strategy == AggregationStrategy::simple) {
      for (ScoredToken& token : tokens) parts.push_back({token.offset, std::move(token.scores)});
    } else {
      parts.push_back({text.places[word], word_scores(tokens, options_.aggregation_strategy)});
    }
  }
  const auto labels = labels_of_parts(parts, tags_, scheme_, options_.decoding);
  std::vector<LabelSpan> spans;
  if (options_.rules) {
    std::vector<std::string> names;
    for (const auto& label : labels) names.push_back(label ? labels_[*label] : "O");
    spans = spans_of_labels(names, *options_.rules);
  } else {
    for (std::size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
      for (end = begin + 1; end < parts.size() && labels[begin] && labels[end] && continues(tags_[*labels[end - 1]], tags_[*labels[end]]);) ++end;
      if (labels[begin]) spans.push_back({type_of(tags_[*labels[begin]], labels_[*labels[begin]]), begin, end});
    }
  }
  for (const LabelSpan& span : spans) {
    double sum = 0;
    for (std::size_t part = span.begin; part < span.end; ++part) sum += parts[part].scores[*labels[part]];
    prediction.entities.push_back({span.type, parts[span.begin].place.begin, parts[span.end - 1].place.end,
        static_cast<float>(sum / static_cast<double>(span.end - span.begin))});
  }
  return prediction;
}

std::size_t right_words(const GoldText& text, std::span<const EntitySpan> predicted) {
  const auto labels_of_words = [&](std::span<const EntitySpan> spans) {
    std::vector<std::string> labels(text.places.size(), "O");
    for (const EntitySpan& span : spans) {
      bool is_first = true;
      for (std::size_t word = 0; word < labels.size(); ++word) {
        if (text.places[word].end <= span.begin || text.places[word].begin >= span.end) continue;
        labels[word] = (is_first ? "B-" : "I-") + span.type;
        is_first = false;
      }
    }
    return labels;
  };
  const std::vector<std::string> gold = labels_of_words(text.gold), found = labels_of_words(predicted);
  std::size_t right = 0;
  for (std::size_t word = 0; word < gold.size(); ++word) right += gold[word] == found[word];
  return right;
}

}  // namespace filbert::cli
