// The three stages in one call. Behaviour: transformers' pipeline("text-classification", checkpoint), except that a text
// too long for the model is truncated, and says so, where transformers fails; or is scored whole, in windows.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/decision.h>
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
  // Absent: the pipeline's own, where it has one. One of labels that are not the model's is refused; whether it is of these weights is the caller's to
  // know (check_decision()). What the caller says beside it wins: a function_to_apply other than the decision's makes scores
  // that it is not about, so that nothing of it applies; a threshold takes the place of all of its own; top_k cuts what it makes.
  std::shared_ptr<const Decision> decision = {};
  bool use_decision = true;                               // false: what the model itself says
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
  bool has_labels = false;
  std::vector<float> logits;
  std::optional<float> expected;
  std::optional<bool> rejected;
};

// One text's answer.
struct Classification {
  std::string label;                // of the highest score; of equal ones the lowest id
  float score = 0;
  std::vector<LabelScore> scores;   // every label in id order; with top_k the k highest, descending; labels are those of a decision, if one is in use
  std::vector<std::string> labels;  // with a threshold, or a sigmoid's by decision, those whose score is at least that, in id order; else none
  bool has_labels = false;          // whether `labels` says anything
  std::vector<float> logits;        // [num_labels], of the model's own labels in id order; of windows their weighted mean, with Combine::first the first's
  // These two only where a decision is in use that has them. Of windows `expected` is their weighted mean, with Combine::first the first's,
  // and with logit_mean that of the mean.
  std::optional<float> expected;    // the mean of the values of ordered labels
  std::optional<bool> rejected;     // the best score does not suffice: better no answer than this one
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
  TextClassificationPipeline(std::optional<Tokenizer> tokenizer, AutoModelForSequenceClassification model,
                             std::shared_ptr<const Decision> decision = nullptr);

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
  // What it applies where the options of a call say nothing else; null: scores are the model's own.
  const Decision* decision() const { return decision_.get(); }
  // What scores of such a call are of: id2label of the decision, else of the config. Valid while this and the options live.
  const std::map<int, std::string>& id2label(const ClassifyOptions& options = {}) const;

 private:
  std::optional<Tokenizer> tokenizer_;
  AutoModelForSequenceClassification model_;
  std::shared_ptr<const Decision> decision_;
};

// `checkpoint` is a directory or a model of the Hub. `task` is "text-classification" or its old name "sentiment-analysis". Errors: those of from_pretrained, and
// Error(unsupported) for another task. A filbert_decision.json in the directory is applied, unless `decision` says otherwise; one that is broken
// or of another model is an Error(corrupt).
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const ModelOptions& options = {},
                                    const DecisionChoice& decision = {});
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                    const ModelOptions& options = {}, const DecisionChoice& decision = {});

// The pipeline of another task, as entities.h declares one: pipeline<TokenClassificationPipeline>("ner", checkpoint).
template <typename Pipeline>
Pipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub = {}, const ModelOptions& options = {});

// The directory of the checkpoint that comes with Filbert: $FILBERT_MODEL if set, else the installed one, else the one
// of the source tree that built this library. Throws Error(not_found), naming the places looked at.
std::filesystem::path default_model();

}  // namespace filbert
