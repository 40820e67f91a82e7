// Labels for tokens, and the entities that they make up. Behaviour: transformers' pipeline("token-classification")
// (pipelines/token_classification.py), except that a text too long for the model is truncated, and says so, whatever the tokenizer's
// model_max_length; that BIOES and BILOU are read as what they are; and that a path of labels can be asked for that no scheme forbids.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/model.h>
#include <filbert/pipeline.h>
#include <filbert/tokenizer.h>

namespace filbert {

// How labels of tokens become entities.
enum class AggregationStrategy {
  none,     // they do not: every token with its own label
  simple,   // each token's best label; neighbours of one type are one entity, unless the later one begins another
  first,    // as simple over words, each with the label of its first token
  average,  // as simple over words, each with the best label of the mean of its tokens' scores
  max,      // as simple over words, each with the label of its token that is surest
};
// "none", "simple", "first", "average", "max". Throws Error(invalid_argument) for any other word.
AggregationStrategy aggregation_strategy_from_name(std::string_view name);
std::string_view name(AggregationStrategy strategy);

// What the letter before a label's type says.
enum class TaggingScheme {
  automatic,  // bioes or bilou if labels of those letters are there, else iob2; iob1 where no label has a B-
  iob1,       // B- only where an entity follows another of its type. Read as iob2; what differs is the paths that viterbi may take
  iob2,       // B- begins each entity, I- goes on. Read as transformers reads, which starts an entity at an I- of another type too
  bioes,      // B- begins, I- goes on, E- ends, S- is an entity of one token
  bilou,      // the same with L- and U-
};
// "auto", "iob1", "iob2", "bioes", "bilou". Throws Error(invalid_argument) for any other word.
TaggingScheme tagging_scheme_from_name(std::string_view name);
std::string_view name(TaggingScheme scheme);

// Which labels the tokens (with first, average and max the words) get.
enum class Decoding {
  argmax,   // each its best, whatever stands beside it
  viterbi,  // of all paths that the tagging scheme allows the one with the highest product of scores
};
// "argmax", "viterbi". Throws Error(invalid_argument) for any other word.
Decoding decoding_from_name(std::string_view name);
std::string_view name(Decoding decoding);

struct TokenClassificationOptions {
  AggregationStrategy aggregation_strategy = AggregationStrategy::none;
  std::vector<std::string> ignore_labels = {"O"};  // labels, or types where tokens are aggregated, that are left out of the answer
  TaggingScheme tagging_scheme = TaggingScheme::automatic;
  Decoding decoding = Decoding::argmax;
  std::optional<std::size_t> max_length = {};  // absent: the longest that tokenizer and model take
  // Absent: a text of more tokens is truncated. Else it is cut into windows of max_length tokens, each sharing so many with the one before; of
  // entities that overlap the longest stays, of equally long ones the surest. Not with AggregationStrategy::none.
  std::optional<std::size_t> stride = {};
  OffsetUnit offset_unit = OffsetUnit::code_points;
};

struct Entity {
  std::string entity;     // with none a label, "B-PER"; else a type, "PER", which transformers calls entity_group
  float score = 0;        // with none the label's; else the mean over its tokens or words
  std::size_t index = 0;  // with none: the token's place in its row, special tokens counted
  std::string word;       // the tokens put together by the tokenizer, as transformers has it: "new york"; with none the token, "##son"
  Offset offset;          // [begin, end) in the text, in the unit asked for: what stands there, "New York"
};

// One text's answer.
struct TokenClassification {
  std::vector<Entity> entities;  // in the order of the text
  std::size_t tokens_total = 0;  // special tokens included
  std::size_t tokens_used = 0;   // all of them if there are windows
  bool truncated = false;
  std::size_t invalid_utf8 = 0;  // ill-formed byte sequences replaced by U+FFFD
  std::size_t windows = 1;       // that the text was cut into
};

// What a token says, for those who aggregate themselves.
struct TokenScores {
  std::size_t row = 0;        // of the encoding
  std::size_t index = 0;      // in the row
  std::string token;          // "##son"
  Offset offset;              // in the text, in the unit asked for
  bool is_subword = false;    // goes on with the word of the token before, as transformers tells it
  std::vector<float> scores;  // [num_labels], a softmax in id order
};

// Const after loading; may be called from many threads at once.
class TokenClassificationPipeline {
 public:
  TokenClassificationPipeline(Tokenizer tokenizer, AutoModelForTokenClassification model);

  TokenClassification operator()(std::string_view text, const TokenClassificationOptions& options = {}) const;
  std::vector<TokenClassification> operator()(std::span<const std::string_view> texts, const TokenClassificationOptions& options = {}) const;
  // Texts split into words elsewhere. Offsets are those in the words joined by their delimiter, as in transformers with is_split_into_words.
  std::vector<TokenClassification> operator()(std::span<const WordsInput> texts, const TokenClassificationOptions& options = {}) const;

  // The stages by themselves, for those who put texts of several callers into one batch. Offsets of tokenize() are bytes of the text as it is read;
  // answers() makes an answer a text of what tokenize() gave, of the model's logits for that, and of the same texts (words: joined) and options.
  BatchEncoding tokenize(std::span<const std::string_view> texts, const TokenClassificationOptions& options = {}) const;
  BatchEncoding tokenize(std::span<const WordsInput> texts, const TokenClassificationOptions& options = {}) const;
  std::vector<TokenClassification> answers(const BatchEncoding& inputs, const Tensor& logits, std::span<const std::string_view> texts,
                                           const TokenClassificationOptions& options = {}) const;

  // Every token of a text but the special ones, of all its windows one after the other.
  std::vector<TokenScores> token_scores(std::string_view text, const TokenClassificationOptions& options = {}) const;

  // The longest row the model takes, special tokens included: the least of what tokenizer and model say.
  std::size_t max_length() const;
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const AutoModelForTokenClassification& model() const { return model_; }
  const Config& config() const { return model_.config(); }

 private:
  Tokenizer tokenizer_;
  AutoModelForTokenClassification model_;
};

// `task` is "token-classification" or its other name "ner". Errors: those of from_pretrained, and Error(unsupported) for another task.
//   auto ner = filbert::pipeline<filbert::TokenClassificationPipeline>("ner", checkpoint);
template <>
TokenClassificationPipeline pipeline<TokenClassificationPipeline>(std::string_view task, const std::filesystem::path& checkpoint,
                                                                  const HubOptions& hub, const ModelOptions& options);

// The directory of the token classifier that comes with Filbert: $FILBERT_ENTITIES_MODEL if set, else the installed one, else the one of the source
// tree that built this library. Throws Error(not_found), naming the places looked at.
std::filesystem::path default_entities_model();

}  // namespace filbert
