// Which tokens of many texts a token is like, and in which sentences they stand: by what a layer takes of them (embeddings) or by what its
// heads make of their neighbours (contexts). Behaviour: exBERT (Hoover, Strobelt, Gehrmann, 2019, arXiv 1910.05276), for classifiers: a hit
// comes with what the model says of its text. docs/contexts.md has the file and how each number is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/explain_corpus.h>
#include <filbert/pipeline.h>

namespace filbert {

enum class VectorDtype { int8, f16 };
enum class SimilarBy { embedding, context };
// "int8", "f16"; "embedding", "context". Reading one throws Error(invalid_argument) for any other word.
VectorDtype vector_dtype_from_name(std::string_view name);
std::string_view name(VectorDtype dtype);
SimilarBy similar_by_from_name(std::string_view name);
std::string_view name(SimilarBy by);

// A layer of an index: what it keeps of a token.
struct IndexedLayer {
  std::size_t layer = 0;      // of the model, from 0
  std::size_t heads = 0;
  std::size_t head_size = 0;
};

// What an index is of, and how it was made. Whoever makes one fills in the names; the rest is found.
struct IndexInfo {
  std::string version;        // Filbert's
  std::string model;          // as it was named
  std::string model_sha256;   // of the weights, and of what the tokenizer is read from
  std::string tokenizer_sha256;
  std::string dtype;          // what the model computed in
  std::string input, input_sha256, text_column, label_column, command;

  VectorDtype vector_dtype = VectorDtype::int8;
  std::size_t hidden_size = 0;
  std::size_t max_length = 0;  // tokens of a text; the rest of longer ones is not in the index
  std::vector<IndexedLayer> layers;
  std::vector<std::string> labels;  // the model's
  std::size_t texts = 0;
  std::size_t tokens = 0;      // without special ones, which are not kept
  std::size_t truncated = 0;   // texts
  std::size_t empty = 0;       // texts without a token
  std::size_t invalid_utf8 = 0;  // texts with some, which was replaced
  std::size_t gold = 0;        // texts with a gold label
  std::uint64_t bytes = 0;     // of the file
};

struct IndexOptions {
  std::optional<std::vector<std::size_t>> layers = {};  // absent: the last one
  VectorDtype vector_dtype = VectorDtype::int8;
  std::optional<std::size_t> max_length = {};           // absent: the longest that tokenizer and model take
  bool resume = false;                                  // go on with what a run left in FILE.partial
};

// The hashes that tie an index to a checkpoint, read from the directory that the pipeline's model came from.
struct CheckpointHashes {
  std::string weights, tokenizer;
};
CheckpointHashes checkpoint_hashes(const TextClassificationPipeline& classifier);

// Writes an index, text by text, in memory that has an end. What is done stands in FILE.partial, from block to block; finish() makes it FILE.
// `classifier` must outlive it.
class ContextIndexWriter {
 public:
  // `origin` has what only the caller knows, hashes included. Throws Error(invalid_argument): a layer that is not there, a file that cannot be
  // written, a FILE.partial that is there and is not to be resumed, or is of another run.
  ContextIndexWriter(const TextClassificationPipeline& classifier, std::filesystem::path file, IndexInfo origin, const IndexOptions& options = {});
  ContextIndexWriter(ContextIndexWriter&&) noexcept;
  ~ContextIndexWriter();

  // Texts that a run before this one has done: they are in, and those that come follow them.
  std::size_t texts_before() const;
  // In the order of the rows. Their texts may hold anything. A few hundred at a time serve best.
  void add(std::span<const CorpusText> texts);
  // Puts into FILE.partial what has not yet made a block, to be resumed.
  void pause();
  IndexInfo finish();
  const IndexInfo& info() const;         // so far
  std::filesystem::path partial() const;

  struct Impl;  // src/explain/contexts_writer.h

 private:
  std::unique_ptr<Impl> impl_;
};

// A token as an index has it.
struct IndexedToken {
  std::size_t text = 0;           // in the index, from 0
  std::size_t token = 0;          // in the row that the tokenizer makes of the text, special tokens counted
  Offset offset;                  // bytes of the text
  std::int32_t input_id = 0;
};

struct IndexedText {
  std::size_t row = 0;            // in the file it came from, from 1
  std::string text;               // ill-formed UTF-8 replaced
  std::optional<std::string> gold;
  std::size_t label = 0;          // the model's, in id order
  float score = 0;                // of it, as classify gives it
  bool truncated = false;
  std::vector<IndexedToken> tokens;  // without special ones
};

// A stored token and how near it is: of embeddings the cosine, of contexts Σ_h ‖q_h‖ cos(q_h, d_h) / Σ_h ‖q_h‖ over the chosen heads.
struct Nearest {
  double similarity = 0;
  std::size_t place = 0;          // of the token in the index, from 0
};

// An index, mapped. Const after opening; may be used from many threads at once.
class ContextIndex {
 public:
  // Throws Error(not_found), Error(corrupt) that says what was expected and found: a file cut short, of another format or version, whose
  // parts contradict each other. What only a search or a text reads is checked when it is read.
  static ContextIndex open(const std::filesystem::path& file);
  ContextIndex(ContextIndex&&) noexcept;
  ContextIndex& operator=(ContextIndex&&) noexcept;
  ~ContextIndex();

  const IndexInfo& info() const;
  // Throws Error(invalid_argument) if the index is of another checkpoint.
  void check(const CheckpointHashes& hashes) const;
  // Throws Error(corrupt) unless every block has the hash it was written with. Reads the whole file.
  void verify() const;
  // The `top_k` stored tokens that are most like `query`, [hidden_size] or of contexts [heads · head_size], the likest first, of equal ones
  // the first in the index; all of them are looked at. `heads`: none given means all. Throws Error(invalid_argument): a layer that is not in
  // the index, a head that does not exist, a query of another size.
  std::vector<Nearest> nearest(std::span<const float> query, std::size_t layer, SimilarBy by, std::span<const std::size_t> heads, std::size_t top_k,
                               unsigned num_threads = 0) const;
  // Throw Error(corrupt) where the file contradicts itself, Error(invalid_argument) past the end.
  IndexedToken token(std::size_t place) const;
  IndexedText text(std::size_t text) const;

  struct Impl;  // src/explain/contexts_file.h

 private:
  explicit ContextIndex(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// Which token of a text: by its number in the row, special tokens counted; or by where it stands; or by its word.
struct TokenChoice {
  std::optional<std::size_t> index;
  std::string word = {};
  std::optional<std::size_t> position = {};  // a byte of the text: the first token that ends behind it
  std::int32_t sequence_id = 0;              // of `position`: 0 text, 1 text_pair
};

struct SimilarOptions {
  std::optional<std::size_t> layer = {};  // absent: the index's last one
  SimilarBy by = SimilarBy::embedding;
  std::vector<std::size_t> heads = {};    // none: all; what is searched by (of contexts), and whose attention is told
  std::size_t top_k = 50;
  bool attention = true;                  // what the hits' heads attend to, computed anew from their texts
  std::optional<TokenChoice> mask = {};   // what changes when this token of the query is masked
  bool mask_each = false;                 // the same for every token
  unsigned num_threads = 0;               // of the search; 0: what this process may run
  std::function<bool()> cancelled = {};   // asked between batches of sentences; true: the attention of those that are left is left out, which is said
};

// What a token looks like among those of a corpus.
enum class TokenClass { word, subword, number, punctuation };
std::string_view name(TokenClass token_class);

struct ContextToken {
  std::string token;              // the vocabulary's
  Offset offset;                  // bytes of the text; {0, 0} of special ones
  bool special = false;
  std::size_t token_index = 0;    // in the row
  std::int32_t sequence_id = 0;   // 0 text, 1 text_pair; -1 of special ones
};

// A found token in its sentence.
struct SimilarHit {
  double similarity = 0;
  std::size_t place = 0;
  IndexedText text;                        // its tokens without special ones
  std::string label;                       // predicted, of text.label
  std::vector<ContextToken> tokens;        // of the row: special ones are there if attention is
  std::size_t match = 0;                   // in `tokens`
  std::string word;                        // of the text
  std::string previous;                    // the token before it, of the text; empty at the beginning
  std::string next;                        // the token that follows; empty at the end
  TokenClass token_class = TokenClass::word;
  // Of the layer, where asked for. [heads, tokens]: what the match looks at, and what looks at it.
  Tensor attention_out, attention_in;
  std::vector<double> mean_out, mean_in;   // over the chosen heads
  std::optional<std::size_t> most;         // of `tokens`, what it looks at most but for special tokens
  std::ptrdiff_t offset_to_most = 0;       // in tokens: −1 is the one before
  double special_share = 0;                // of its attention that goes to special tokens
};

// The query with one token masked.
struct MaskedQuery {
  std::size_t token = 0;
  Classification answer;
  Tensor attention;                        // [heads, tokens, tokens]
};

struct SimilarQuery {
  std::string text;                        // ill-formed UTF-8 replaced
  std::optional<std::string> text_pair;
  std::vector<ContextToken> tokens;
  std::size_t token = 0;
  Classification answer;
  Tensor attention;                        // [heads, tokens, tokens] of the layer
  std::vector<MaskedQuery> masked;
};

struct NameCount {
  std::string name;
  std::size_t count = 0;
};

struct SimilarReport {
  SimilarQuery query;
  std::vector<SimilarHit> hits;
  std::size_t layer = 0;
  SimilarBy by = SimilarBy::embedding;
  std::size_t num_heads = 0;               // of the layer
  std::vector<std::size_t> heads;          // chosen, ascending: never none
  std::vector<std::string> warnings;       // what makes the numbers doubtful
  double search_milliseconds = 0, query_milliseconds = 0, attention_milliseconds = 0;

  IndexInfo index;
  std::string model, command, version, dtype;  // the first two are the caller's

  // Over the hits, the most frequent first; what attention is needed for is empty without.
  std::vector<NameCount> predicted() const;
  std::vector<NameCount> gold() const;     // texts without one are not in it
  std::vector<NameCount> classes() const;
  std::vector<NameCount> words() const;
  std::vector<NameCount> previous_words() const;
  std::vector<NameCount> next_words() const;
  std::vector<NameCount> most_words() const;    // what is looked at most
  std::vector<NameCount> most_offsets() const;  // and where it stands: "−1", "0", "+3"; in their order
};

// Finds what is like a token of `text`, or of its pair. Throws what check() and nearest() throw, and Error(invalid_argument): no such token, a
// word that is several tokens, a special token; a mask where the tokenizer has none.
SimilarReport similar(const TextClassificationPipeline& classifier, const ContextIndex& index, TextInput text, const TokenChoice& token,
                      const SimilarOptions& options = {});

// One self-contained page: no network, no external file; its list can be read without a script.
std::string html_report(const SimilarReport& report);

// What is like a unit of an explanation: like its first token.
struct ExplainedContext {
  std::size_t unit = 0;
  double value = 0;         // what it adds
  std::size_t tokens = 0;   // of the unit
  SimilarReport similar;
};

// The same of the units that carry most of an explanation, the strongest first, whichever way they speak.
struct ExplainedContexts {
  std::string method;       // whose values say which they are
  std::vector<ExplainedContext> units;
};

// Of the explanation's first method: at most `most` units whose values are numbers other than 0 and whose tokens the index's texts could have.
// The classifier is the explanation's. Throws what similar() throws, and Error(unsupported) where units are larger than words.
ExplainedContexts explained_contexts(const TextClassificationPipeline& classifier, const ContextIndex& index, const ExplainReport& report,
                                     const SimilarOptions& options = {}, std::size_t most = 3);

// The page of the explanation with these among its sections.
std::string html_report(const ExplainReport& report, const ExplainedContexts& contexts);

}  // namespace filbert
