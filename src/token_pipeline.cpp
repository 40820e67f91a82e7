// The three stages for labels of tokens, a line each.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/entities.h>
#include <filbert/error.h>
#include <filbert/postprocess.h>

#include "base/text.h"
#include "load/own_model.h"
#include "postprocess/entities.h"
#include "tokenize/offsets.h"
#include "tokenize/tokenizer.h"
#include "tokenize/word_parts.h"

namespace filbert {
namespace {

// A text that tokens are of: as it was given, and as it is read, with what is no UTF-8 replaced.
struct Source {
  std::string_view given;
  std::size_t invalid_utf8 = 0;
  std::string repaired = {};  // empty if there is nothing to repair

  explicit Source(std::string_view text) : given(text), invalid_utf8(count_invalid_utf8(text)) {
    if (invalid_utf8 != 0) repaired = replace_invalid_utf8(text);
  }
  std::string_view text() const { return repaired.empty() ? given : std::string_view(repaired); }
};

// Where the rows of each text begin in `inputs`, and one past the last.
std::vector<std::size_t> rows_of_texts(const BatchEncoding& inputs) {
  std::vector<std::size_t> starts;
  const std::vector<std::size_t>& texts = inputs.overflow_to_sample_mapping;
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    if (row == 0 || texts.empty() || texts[row] != texts[row - 1]) starts.push_back(row);
  }
  starts.push_back(inputs.batch_size());
  return starts;
}

std::vector<ScoredToken> tokens_of_row(const BatchEncoding& inputs, std::size_t row, const Tensor& scores, const WordParts& word_parts,
                                       std::string_view text) {
  std::vector<ScoredToken> tokens;
  for (std::size_t at = inputs.row_starts[row]; at < inputs.row_starts[row + 1]; ++at) {
    if (inputs.special_tokens_mask[at] != 0) continue;
    const WordParts::Part part = word_parts(inputs.input_ids[at], text, inputs.offset_mapping[at]);
    tokens.push_back({std::string(part.word), {scores[at].begin(), scores[at].end()}, inputs.offset_mapping[at], at - inputs.row_starts[row], part.is_subword});
  }
  return tokens;
}

TokenClassification answer_of(const BatchEncoding& inputs, std::size_t begin, std::size_t end, const Tensor& scores, const WordParts& word_parts,
                              const EntityRules& rules, const Source& source) {
  TokenClassification answer;
  answer.tokens_total = inputs.rows[begin].tokens_total;
  answer.tokens_used = end - begin == 1 ? inputs.row_length(begin) : answer.tokens_total;
  answer.truncated = inputs.rows[begin].truncated;
  answer.invalid_utf8 = source.invalid_utf8;
  answer.windows = end - begin;
  for (std::size_t row = begin; row < end; ++row) {
    const auto tokens = tokens_of_row(inputs, row, scores, word_parts, source.text());
    for (Entity& entity : entities_of_row(tokens, rules, row == begin, row + 1 == end && !answer.truncated)) answer.entities.push_back(std::move(entity));
  }
  if (answer.windows > 1) answer.entities = without_overlaps(std::move(answer.entities), source.text());
  std::vector<Offset> offsets;
  for (const Entity& entity : answer.entities) offsets.push_back(entity.offset);
  convert_offsets(source.given, rules.options.offset_unit, offsets);
  for (std::size_t entity = 0; entity < offsets.size(); ++entity) answer.entities[entity].offset = offsets[entity];
  return answer;
}

std::vector<TokenClassification> answers_of(const BatchEncoding& inputs, const Tensor& scores, const TokenClassificationPipeline& pipeline,
                                            const TokenClassificationOptions& options, std::span<const Source> sources) {
  const WordParts word_parts(pipeline.tokenizer());
  const EntityRules rules(options, pipeline.config().id2label,
                          [&](std::span<const std::string> tokens) { return pipeline.tokenizer().convert_tokens_to_string(tokens); });
  const std::vector<std::size_t> starts = rows_of_texts(inputs);
  std::vector<TokenClassification> answers;
  for (std::size_t text = 0; text + 1 < starts.size(); ++text) {
    answers.push_back(answer_of(inputs, starts[text], starts[text + 1], scores, word_parts, rules, sources[text]));
  }
  return answers;
}

EncodeOptions encode_options(const TokenClassificationPipeline& pipeline, const TokenClassificationOptions& options) {
  check_options(options);
  if (options.max_length && pipeline.config().max_tokens && *options.max_length > pipeline.max_length()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_length: expected at most {}, which this model takes, found {}",
                                                         pipeline.max_length(), *options.max_length));
  }
  return {.truncation = Truncation::longest_first,
          .max_length = options.max_length.value_or(pipeline.max_length()),
          .return_overflowing_tokens = options.stride.has_value(),
          .stride = options.stride.value_or(0),
          .offset_unit = OffsetUnit::bytes,
          .num_threads = pipeline.model().num_threads()};
}

BatchEncoding encode(const TokenClassificationPipeline& pipeline, std::span<const Source> sources, const TokenClassificationOptions& options) {
  std::vector<TextInput> texts;
  for (const Source& source : sources) texts.push_back({source.text()});
  return pipeline.tokenizer()(texts, encode_options(pipeline, options));
}

// Texts of words: what each word is read as, and where it begins in the words joined.
struct Words {
  std::vector<Source> words;
  std::vector<std::string_view> texts;
  std::vector<std::size_t> begins;
  std::string joined;  // as given
};

Words words_of(const WordsInput& input) {
  Words all;
  std::size_t bytes = 0;
  for (const std::string_view word : input.words) {
    if (!all.words.empty()) {
      all.joined += input.delimiter;
      bytes += input.delimiter.size();
    }
    all.words.emplace_back(word);
    all.begins.push_back(bytes);
    all.joined += word;
    bytes += all.words.back().text().size();
  }
  for (const Source& word : all.words) all.texts.push_back(word.text());
  return all;
}

// Offsets in words become those in the text that the words make up.
void move_offsets(std::span<const Words> texts, BatchEncoding& inputs) {
  const std::vector<std::size_t> starts = rows_of_texts(inputs);
  for (std::size_t text = 0; text + 1 < starts.size(); ++text) {
    for (std::size_t token = inputs.row_starts[starts[text]]; token < inputs.row_starts[starts[text + 1]]; ++token) {
      if (inputs.word_ids[token] < 0) continue;
      const std::size_t begin = texts[text].begins[static_cast<std::size_t>(inputs.word_ids[token])];
      inputs.offset_mapping[token].begin += begin;
      inputs.offset_mapping[token].end += begin;
    }
  }
}

std::vector<Words> all_words(std::span<const WordsInput> texts) {
  std::vector<Words> words;
  for (const WordsInput& text : texts) words.push_back(words_of(text));
  return words;
}

BatchEncoding encode(const TokenClassificationPipeline& pipeline, std::span<const Words> words, std::span<const WordsInput> texts,
                     const TokenClassificationOptions& options) {
  std::vector<WordsInput> repaired;
  for (std::size_t text = 0; text < words.size(); ++text) repaired.push_back({words[text].texts, texts[text].delimiter});
  BatchEncoding inputs = pipeline.tokenizer()(repaired, encode_options(pipeline, options));
  move_offsets(words, inputs);
  return inputs;
}

}  // namespace

std::vector<TokenClassification> TokenClassificationPipeline::operator()(std::span<const std::string_view> texts,
                                                                         const TokenClassificationOptions& options) const {
  const std::vector<Source> sources(texts.begin(), texts.end());
  const BatchEncoding inputs = encode(*this, sources, options);                             // stage 1: input_ids
  const Tensor logits = model_(inputs).logits;                                                // stage 2: logits
  return answers_of(inputs, softmax(logits), *this, options, sources);                        // stage 3: entities
}

std::vector<TokenClassification> TokenClassificationPipeline::operator()(std::span<const WordsInput> texts,
                                                                         const TokenClassificationOptions& options) const {
  const std::vector<Words> words = all_words(texts);
  std::vector<Source> sources;
  for (const Words& text : words) sources.emplace_back(text.joined);
  const BatchEncoding inputs = encode(*this, words, texts, options);
  return answers_of(inputs, softmax(model_(inputs).logits), *this, options, sources);
}

BatchEncoding TokenClassificationPipeline::tokenize(std::span<const std::string_view> texts, const TokenClassificationOptions& options) const {
  return encode(*this, std::vector<Source>(texts.begin(), texts.end()), options);
}

BatchEncoding TokenClassificationPipeline::tokenize(std::span<const WordsInput> texts, const TokenClassificationOptions& options) const {
  return encode(*this, all_words(texts), texts, options);
}

std::vector<TokenClassification> TokenClassificationPipeline::answers(const BatchEncoding& inputs, const Tensor& logits,
                                                                      std::span<const std::string_view> texts,
                                                                      const TokenClassificationOptions& options) const {
  return answers_of(inputs, softmax(logits), *this, options, std::vector<Source>(texts.begin(), texts.end()));
}

TokenClassification TokenClassificationPipeline::operator()(std::string_view text, const TokenClassificationOptions& options) const {
  return (*this)(std::span(&text, 1), options).front();
}

std::vector<TokenScores> TokenClassificationPipeline::token_scores(std::string_view text, const TokenClassificationOptions& options) const {
  const std::vector<Source> sources(1, Source(text));
  const BatchEncoding inputs = encode(*this, sources, options);
  const Tensor scores = softmax(model_(inputs).logits);
  const WordParts word_parts(tokenizer_);
  std::vector<TokenScores> all;
  std::vector<Offset> offsets;
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    for (ScoredToken& token : tokens_of_row(inputs, row, scores, word_parts, sources[0].text())) {
      offsets.push_back(token.offset);
      all.push_back({row, token.index, std::move(token.word), {}, token.is_subword, std::move(token.scores)});
    }
  }
  convert_offsets(text, options.offset_unit, offsets);
  for (std::size_t token = 0; token < all.size(); ++token) all[token].offset = offsets[token];
  return all;
}

std::size_t TokenClassificationPipeline::max_length() const {
  const std::size_t of_model = config().default_max_length();
  return std::min(of_model, tokenizer_.model_max_length().value_or(of_model));
}

TokenClassificationPipeline::TokenClassificationPipeline(Tokenizer tokenizer, AutoModelForTokenClassification model)
    : tokenizer_(std::move(tokenizer)), model_(std::move(model)) {}

template <>
TokenClassificationPipeline pipeline<TokenClassificationPipeline>(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                                                  const ModelOptions& options) {
  if (task != "token-classification" && task != "ner") {
    throw Error(ErrorKind::unsupported, fmt::format("task: expected \"token-classification\" or \"ner\", found \"{}\"", task));
  }
  const std::filesystem::path directory = find_checkpoint(checkpoint, hub);
  auto model = AutoModelForTokenClassification::from_pretrained(directory, options);
  return {AutoTokenizer::from_pretrained(directory), std::move(model)};
}

std::filesystem::path default_entities_model() {
  return own_model("FILBERT_ENTITIES_MODEL", "the built-in token classifier", {FILBERT_INSTALLED_ENTITIES_MODEL, FILBERT_SOURCE_ENTITIES_MODEL});
}

}  // namespace filbert
