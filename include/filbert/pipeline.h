// The three stages in one call. Behaviour: transformers' pipeline("text-classification", checkpoint), except that a text
// too long for the model is truncated, and says so, where transformers fails; or is scored whole, in windows.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/model.h>
#include <filbert/postprocess.h>
#include <filbert/tokenizer.h>

namespace filbert {

// What becomes of a text of more than max_length tokens.
enum class LongText {
  truncate,  // tokens are dropped, as `truncation` says
  windows,   // it is cut into windows of max_length tokens, each is scored, and `combine` makes one answer of theirs
};
// "truncate", "windows". Throws Error(invalid_argument) for any other word.
LongText long_text_from_name(std::string_view name);

struct ClassifyOptions {
  std::optional<FunctionToApply> function_to_apply = {};  // absent: default_function_to_apply(config)
  std::optional<std::size_t> top_k = {};                  // absent: all labels
  // Labels whose score is at least this, from 0 to 1, are the answer's `labels`. For sigmoid alone, as models for several
  // labels a text have it.
  std::optional<float> threshold = {};
  std::optional<std::size_t> max_length = {};             // absent: the longest that tokenizer and model take
  // What gives way. Of windows: what is cut into them, with longest_first the longer of a pair; the other stands whole in each.
  Truncation truncation = Truncation::longest_first;
  LongText long_text = LongText::truncate;
  // The rest is of windows.
  std::size_t stride = 0;                                 // tokens of the text that a window shares with the one before
  Combine combine = Combine::mean;
  OffsetUnit offset_unit = OffsetUnit::code_points;
};

// A piece of a text that is too long for the model, scored for itself.
struct Window {
  Offset offset;                    // [begin, end) in the text
  std::int32_t sequence_id = 0;     // which text of a pair that is: 0 text, 1 text_pair
  std::size_t tokens_used = 0;      // with the special tokens and the other text of a pair
  std::string label;                // from here on as in Classification
  float score = 0;
  std::vector<LabelScore> scores;
  std::vector<std::string> labels;
  std::vector<float> logits;
};

// One text's answer.
struct Classification {
  std::string label;                // of the highest score; of equal ones the lowest id
  float score = 0;
  std::vector<LabelScore> scores;   // every label in id order; with top_k the k highest, descending
  std::vector<std::string> labels;  // with a threshold those whose score is at least that, in id order; else none
  std::vector<float> logits;        // [num_labels], in id order; of windows their weighted mean, with Combine::first the first's
  std::size_t tokens_total = 0;     // special tokens included
  std::size_t tokens_used = 0;      // all of them if there are windows
  bool truncated = false;
  std::size_t invalid_utf8 = 0;     // ill-formed byte sequences replaced by U+FFFD
  std::vector<Window> windows;      // those of LongText::windows in their order; none of a text that fits
};

// Const after loading; may be called from many threads at once.
class TextClassificationPipeline {
 public:
  // `tokenizer` may be absent: then only rows tokenized elsewhere can be classified.
  TextClassificationPipeline(std::optional<Tokenizer> tokenizer, AutoModelForSequenceClassification model);

  Classification operator()(std::string_view text, const ClassifyOptions& options = {}) const;
  std::vector<Classification> operator()(std::span<const TextInput> texts, const ClassifyOptions& options = {}) const;
  // Rows tokenized elsewhere; nothing is truncated or cut, since only the tokenizer knows which ids are special. Rows that came
  // as windows of texts (overflow_to_sample_mapping) are combined: the answers are as many as the texts.
  std::vector<Classification> operator()(const BatchEncoding& inputs, const ClassifyOptions& options = {}) const;

  // Stage 1 as this pipeline does it: truncated to max_length, or in windows of it.
  BatchEncoding tokenize(std::span<const TextInput> texts, const ClassifyOptions& options = {}) const;
  // The longest row the model takes, special tokens included: the least of what tokenizer and model say.
  std::size_t max_length() const;

  bool has_tokenizer() const { return tokenizer_.has_value(); }
  const Tokenizer& tokenizer() const;  // Throws Error(not_found) if there is none
  const AutoModelForSequenceClassification& model() const { return model_; }
  const Config& config() const { return model_.config(); }

 private:
  std::optional<Tokenizer> tokenizer_;
  AutoModelForSequenceClassification model_;
};

// `checkpoint` is a directory or a model of the Hub. `task` is "text-classification" or its old name "sentiment-analysis". Errors: those of from_pretrained, and
// Error(unsupported) for another task.
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint,
                                    const ModelOptions& options = {});
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                    const ModelOptions& options = {});

// The directory of the checkpoint that comes with Filbert: $FILBERT_MODEL if set, else the installed one, else the one
// of the source tree that built this library. Throws Error(not_found), naming the places looked at.
std::filesystem::path default_model();

}  // namespace filbert
