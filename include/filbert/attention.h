// Where the encoder looked: attention weights, and the queries and keys that they come from, of every layer and head for one text or pair.
// Behaviour of the weights: transformers' output_attentions with the eager attention; of the page: the three views of BERTViz (Vig, 2019,
// arXiv 1906.05714). docs/attention.md says what each shows. What a model looked at is not why it said what it said: for that explain.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/encoder.h>
#include <filbert/model.h>
#include <filbert/pipeline.h>
#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

namespace filbert {

// Tokens up to which a page has queries and keys where nobody says otherwise: with more they are most of its size.
constexpr std::size_t kMostNeuronTokens = 64;

struct AttentionOptions {
  std::optional<std::vector<std::size_t>> layers = {};  // numbered from 0; absent: all
  std::optional<std::vector<std::size_t>> heads = {};   // of each layer, numbered from 0; absent: all
  bool queries_keys = false;
  std::optional<FunctionToApply> function_to_apply = {};  // absent: default_function_to_apply(config)
  std::optional<std::size_t> max_length = {};             // absent: the longest that tokenizer and model take
};

struct AttentionToken {
  std::string token;               // as the vocabulary has it: "Ġlove", "▁love", "##ly"
  std::string text;                // as people read it: "love", "##ly"; never empty
  std::int32_t sequence_id = -1;   // 0 text, 1 text_pair, −1 special
  bool special = false;            // the post-processor added it
  Offset offset;                   // in its text, in code points
};

struct AttentionLayer {
  std::size_t layer = 0;   // its number in the model
  Tensor weights;          // [heads, tokens, tokens]: of a query (row) the weight of each key; a row sums to 1
  Tensor queries, keys;    // [heads, tokens, head_size] with queries_keys, as the dot product takes them; else empty
  // Whether the weights are softmax(q · k / √head_size) and nothing else: not where a family adds relative positions to the products, or
  // leaves keys out. Of queries_keys alone.
  bool products_alone = false;
};

struct AttentionMap {
  std::string text;                               // ill-formed UTF-8 replaced
  std::optional<std::string> text_pair;
  std::vector<AttentionToken> tokens;             // what the model saw
  std::optional<std::size_t> sentence_b_start;    // the first token of text_pair
  Classification classification;                  // of the very pass; of a model without labels of texts its counts of tokens alone
  std::size_t num_layers = 0, num_heads = 0;      // of the model
  std::vector<std::size_t> heads;                 // the numbers of those that are here, ascending
  std::vector<AttentionLayer> layers;             // ascending

  std::string version;                            // Filbert's
  std::string dtype;                              // what the model computed in
  std::string model;                              // as it was named; the caller's, as is the next
  std::string command;
};

// Runs the text once. Throws Error(invalid_argument): a layer or head that the model does not have, or none; a text of no tokens; what the
// pipeline refuses.
AttentionMap attention_map(const TextClassificationPipeline& classifier, TextInput text, const AttentionOptions& options = {});
AttentionMap attention_map(const Tokenizer& tokenizer, const AutoModelForTokenClassification& model, TextInput text,
                           const AttentionOptions& options = {});
AttentionMap attention_map(const Tokenizer& tokenizer, const AutoModel& model, TextInput text, const AttentionOptions& options = {});

// A line of JSON with every number in full.
std::string attention_json(const AttentionMap& map);

// What a page shows first; the reader goes on from there.
struct AttentionPageOptions {
  std::string view = "head";                       // head, model, neuron
  std::optional<std::size_t> layer = {};           // absent: the first
  std::optional<std::vector<std::size_t>> heads = {};  // absent: all; of the neuron view the first of them
};

// One self-contained page with the head, the model and, with queries and keys, the neuron view: no network, no external file; without a
// script the summary of each layer; weights in 8 bits. Throws Error(invalid_argument): a view that there is not, or whose numbers `map`
// does not have; a layer or head that is not in it.
std::string attention_html(const AttentionMap& map, const AttentionPageOptions& options = {});

}  // namespace filbert
