// One pass of one text, and what its heads looked at: the tokens as people read them, the weights, queries and keys of the layers and heads that
// were asked for. Tested by attention_test.cpp.
#include <filbert/attention.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/text.h"
#include "postprocess/answers.h"

namespace filbert {
namespace {

constexpr double kMostBytes = 2.0 * 1024 * 1024 * 1024;  // of weights: 512 tokens of BERT-large take a fifth of it

// ▁ stands before a word of sentencepiece, Ġ of byte-level BPE.
constexpr std::string_view kLowLine = "\xE2\x96\x81";

// A byte-level vocabulary has a token for each of the characters that it writes bytes with, most of which are letters of no text.
bool is_byte_level(const Tokenizer& tokenizer) {
  for (char32_t c = 0x100; c < 0x144; ++c) {
    std::string character;
    append_utf8(c, character);
    if (!tokenizer.token_to_id(character)) return false;
  }
  return true;
}

// Bytes of code points [begin, end).
std::string_view slice(std::string_view text, Offset offset) {
  std::size_t place = 0, begin = text.size(), at = 0;
  for (; at < text.size() && place < offset.end; ++place) {
    if (place == offset.begin) begin = at;
    at += decode_utf8(text, at).bytes;
  }
  return begin < at ? text.substr(begin, at - begin) : std::string_view{};
}

// A byte-level token's characters are bytes: what it is of the text is what people read.
std::string readable(const AttentionToken& token, bool byte_level, std::string_view text) {
  if (token.special) return token.token;
  std::string_view shown = token.token;
  if (byte_level) {
    shown = trimmed(slice(text, token.offset));
  } else if (shown.starts_with(kLowLine) && shown.size() > kLowLine.size()) {
    shown.remove_prefix(kLowLine.size());
  }
  return std::string(shown.empty() ? std::string_view(token.token) : shown);
}

void read_tokens(const Tokenizer& tokenizer, const BatchEncoding& encoding, AttentionMap& map) {
  const bool byte_level = is_byte_level(tokenizer);
  for (std::size_t at = 0; at < encoding.total_tokens(); ++at) {
    AttentionToken token{.token = std::string(tokenizer.id_to_token(encoding.input_ids[at])), .text = {}, .sequence_id = encoding.sequence_ids[at],
                         .special = encoding.special_tokens_mask[at] != 0, .offset = encoding.offset_mapping[at]};
    token.text = readable(token, byte_level, token.sequence_id == 1 && map.text_pair ? *map.text_pair : map.text);
    if (token.text.empty()) token.text = fmt::format("id {}", encoding.input_ids[at]);
    if (token.sequence_id == 1 && !map.sentence_b_start) map.sentence_b_start = at;
    map.tokens.push_back(std::move(token));
  }
}

std::vector<std::size_t> ascending(std::vector<std::size_t> numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

std::vector<std::size_t> chosen(std::string_view what, const std::optional<std::vector<std::size_t>>& wanted, std::size_t count) {
  std::vector<std::size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  if (!wanted) return numbers;
  const auto fail = [&](const std::string& found) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected numbers from 0 to {}, found {}", what, count - 1, found));
  };
  if (wanted->empty()) fail("none");
  for (const std::size_t number : *wanted) {
    if (number >= count) fail(std::to_string(number));
  }
  return ascending(*wanted);
}

// The weights of the chosen of all heads.
Tensor of_heads(Tensor&& weights, const std::vector<std::size_t>& heads) {
  if (heads.size() == weights.rows()) return std::move(weights);
  Tensor out({heads.size(), weights.shape[1], weights.shape[2]});
  for (std::size_t at = 0; at < heads.size(); ++at) std::ranges::copy(std::as_const(weights)[heads[at]], out[at].begin());
  return out;
}

// [tokens, all heads · head_size] → [heads, tokens, head_size]
Tensor by_head(const Tensor& states, std::size_t num_heads, const std::vector<std::size_t>& heads) {
  const std::size_t tokens = states.rows(), size = states.row_size() / num_heads;
  Tensor out({heads.size(), tokens, size});
  for (std::size_t at = 0; at < heads.size(); ++at) {
    for (std::size_t token = 0; token < tokens; ++token) {
      std::copy_n(states[token].data() + heads[at] * size, size, out[at].data() + token * size);
    }
  }
  return out;
}

// Whether the weights of a query are the softmax of its products with the keys.
bool is_softmax_of_products(const AttentionLayer& layer, std::size_t head, std::size_t query) {
  const std::size_t tokens = layer.weights.shape[1], size = layer.keys.shape[2];
  const float* q = layer.queries[head].data() + query * size;
  const float* weights = layer.weights[head].data() + query * tokens;
  std::vector<double> products(tokens);
  for (std::size_t key = 0; key < tokens; ++key) {
    const float* k = layer.keys[head].data() + key * size;
    products[key] = std::inner_product(q, q + size, k, 0.0) / std::sqrt(static_cast<double>(size));
  }
  const double most = *std::ranges::max_element(products);
  double sum = 0;
  for (double& product : products) sum += product = std::exp(product - most);
  for (std::size_t key = 0; key < tokens; ++key) {
    if (!(std::abs(products[key] / sum - weights[key]) < 1e-3)) return false;
  }
  return true;
}

// A few queries tell: what a family does to the products it does to all of them.
bool products_alone(const AttentionLayer& layer) {
  const std::size_t tokens = layer.weights.shape[1], step = std::max<std::size_t>(1, tokens / 8);
  for (std::size_t head = 0; head < layer.weights.rows(); ++head) {
    for (std::size_t query = 0; query < tokens; query += step) {
      if (!is_softmax_of_products(layer, head, query)) return false;
    }
  }
  return true;
}

void read_layers(EncoderOutputs& outputs, const AttentionOptions& options, AttentionMap& map) {
  map.num_layers = outputs.attentions.size();
  if (map.num_layers == 0) throw Error(ErrorKind::invalid_argument, "layers: expected a model that has some, found none");
  const std::vector<std::size_t> layers = chosen("layers", options.layers, map.num_layers);
  map.num_heads = outputs.attentions[layers.front()].front().rows();
  map.heads = chosen("heads", options.heads, map.num_heads);
  for (const std::size_t number : layers) {
    AttentionLayer layer;
    layer.layer = number;
    layer.weights = of_heads(std::move(outputs.attentions[number].front()), map.heads);
    if (options.queries_keys) {
      layer.queries = by_head(outputs.queries[number], map.num_heads, map.heads);
      layer.keys = by_head(outputs.keys[number], map.num_heads, map.heads);
      layer.products_alone = products_alone(layer);
    }
    if (options.values_contexts) {
      layer.values = by_head(outputs.values[number], map.num_heads, map.heads);
      layer.contexts = by_head(outputs.contexts[number], map.num_heads, map.heads);
    }
    map.layers.push_back(std::move(layer));
  }
  map.hidden_states = std::move(outputs.hidden_states);
}

AttentionMap begin(TextInput text, const PreTrainedModel& model) {
  AttentionMap map;
  map.text = replace_invalid_utf8(text.text);
  if (text.text_pair) map.text_pair = replace_invalid_utf8(*text.text_pair);
  map.version = FILBERT_VERSION;
  map.dtype = name(model.compute_dtype());
  return map;
}

OutputOptions wanted(const BatchEncoding& inputs, const Config& config, const AttentionOptions& options) {
  const double tokens = static_cast<double>(inputs.total_tokens());
  const double layers = static_cast<double>(options.layers ? options.layers->size() : config.num_hidden_layers);
  if (tokens == 0) throw Error(ErrorKind::invalid_argument, "text: expected at least one token, found none");
  const double bytes = layers * static_cast<double>(config.num_attention_heads) * tokens * tokens * sizeof(float);
  if (bytes > kMostBytes) {
    throw Error(ErrorKind::invalid_argument, fmt::format("text: expected attention weights of at most {:.0f} MiB, found {:.0f} MiB for {} tokens; fewer layers or "
                                                         "a smaller max_length make them fewer", kMostBytes / (1 << 20), bytes / (1 << 20), inputs.total_tokens()));
  }
  return {.output_hidden_states = options.hidden_states,
          .output_attentions = true,
          .output_queries_keys_values = options.queries_keys || options.values_contexts,
          .output_contexts = options.values_contexts,
          .layers = options.layers};
}

EncodeOptions encoding_of(std::size_t max_length) {
  return {.truncation = Truncation::longest_first, .max_length = max_length, .num_threads = 1};
}

// Of a model that gives no label: `run` gives what its encoder leaves.
AttentionMap of_tokens(const Tokenizer& tokenizer, const PreTrainedModel& model, TextInput text, const AttentionOptions& options, const auto& run) {
  AttentionMap map = begin(text, model);
  const std::size_t of_model = model.config().default_max_length();
  const std::size_t most = std::min(of_model, tokenizer.model_max_length().value_or(of_model));
  const BatchEncoding inputs = tokenizer(std::span(&text, 1), encoding_of(std::min(most, options.max_length.value_or(most))));
  EncoderOutputs outputs = run(inputs, wanted(inputs, model.config(), options));
  map.classification.tokens_total = inputs.rows.front().tokens_total;
  map.classification.tokens_used = inputs.total_tokens();
  map.classification.truncated = inputs.rows.front().truncated;
  map.classification.invalid_utf8 = inputs.rows.front().invalid_utf8;
  read_tokens(tokenizer, inputs, map);
  read_layers(outputs, options, map);
  return map;
}

}  // namespace

AttentionMap attention_map(const TextClassificationPipeline& classifier, TextInput text, const AttentionOptions& options) {
  AttentionMap map = begin(text, classifier.model());
  const ClassifyOptions classify{.function_to_apply = options.function_to_apply, .max_length = options.max_length};
  const BatchEncoding inputs = classifier.tokenize(std::span(&text, 1), classify);
  SequenceClassifierOutput output = classifier.model()(inputs, wanted(inputs, classifier.config(), options));
  const Tensor scores = apply(function_of(classify, classifier.config()), output.logits);
  map.classification = answers(inputs, output.logits, scores, classify, classifier.config()).front();
  const EncodeOptions encode = encoding_of(options.max_length.value_or(classifier.max_length()));
  read_tokens(classifier.tokenizer(), classifier.tokenizer()(std::span(&text, 1), encode), map);
  read_layers(output.outputs, options, map);
  return map;
}

AttentionMap attention_map(const Tokenizer& tokenizer, const AutoModelForTokenClassification& model, TextInput text, const AttentionOptions& options) {
  return of_tokens(tokenizer, model, text, options, [&](const BatchEncoding& inputs, const OutputOptions& outputs) { return model(inputs, outputs).outputs; });
}

AttentionMap attention_map(const Tokenizer& tokenizer, const AutoModel& model, TextInput text, const AttentionOptions& options) {
  return of_tokens(tokenizer, model, text, options, [&](const BatchEncoding& inputs, const OutputOptions& outputs) { return model(inputs, outputs); });
}

}  // namespace filbert
