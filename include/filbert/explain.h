// Why this label: what each part of a text adds to a score, by taking parts away and asking the model again. Behaviour: the Python
// packages lime 0.2 (Ribeiro et al., 2016, arXiv 1602.04938) and shap 0.5x (Lundberg and Lee, 2017, arXiv 1705.07874), leave-one-out
// occlusion, and the faithfulness measures of ERASER (DeYoung et al., 2020, arXiv 1911.03429). docs/explain.md says what each method
// does and when it misleads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/attention.h>
#include <filbert/gradients.h>
#include <filbert/pipeline.h>

namespace filbert {

// The parts of a text that stay or are masked as a whole.
enum class ExplainUnit {
  word,      // runs of letters, digits and marks; each ideograph, each emoji and each run of other symbols for itself
  token,     // what the tokenizer cuts; tokens that share a character are one
  sentence,  // up to the end mark and what closes behind it, or to the end of the line
  regex,     // what lies between the matches of an expression, as LIME's split_expression
};
enum class Masking {
  automatic,   // mask_token, or remove where the tokenizer has none
  mask_token,  // the tokenizer's, "[MASK]" say
  remove,      // what stands between units stays
  string,      // a string of one's own
};
// "probability" is what classify shows (for regression the value itself), "logit" what goes into it, "contrast" the logit of a label
// less that of another: with softmax the logarithm of how much likelier it is.
enum class ExplainTarget { probability, logit, contrast };
// The semantics of a package to the letter: its units, its masking, its players.
enum class ExplainCompat { none, lime, shap };

// Their names are those above. Reading one throws Error(invalid_argument) for any other word.
std::string_view name(ExplainUnit unit);
ExplainUnit explain_unit_from_name(std::string_view name);
std::string_view name(Masking masking);
Masking masking_from_name(std::string_view name);
std::string_view name(ExplainTarget target);
ExplainTarget explain_target_from_name(std::string_view name);
std::string_view name(ExplainCompat compat);
ExplainCompat explain_compat_from_name(std::string_view name);

struct ExplainOptions {
  ExplainUnit unit = ExplainUnit::word;
  std::string unit_regex = {};              // of ExplainUnit::regex: what separates units
  Masking masking = Masking::automatic;
  std::string mask_string = {};             // of Masking::string
  ExplainTarget target = ExplainTarget::probability;
  std::optional<std::string> label = {};    // absent: the predicted one
  std::optional<std::string> against = {};  // of ExplainTarget::contrast: the other label
  ExplainCompat compat = ExplainCompat::none;
  // Of ExplainCompat::lime: the places of a word are one unit, and a removed one is left out. Else each is for itself, and "UNKWORDZ",
  // or the mask_string of Masking::string, takes its place.
  bool bow = true;
  std::optional<FunctionToApply> function_to_apply = {};  // absent: default_function_to_apply(config)
  std::optional<float> threshold = {};                    // of ClassifyOptions: which labels of several are predicted; it changes no value
  std::optional<std::size_t> max_length = {};             // absent: the longest that tokenizer and model take
  OffsetUnit offset_unit = OffsetUnit::code_points;
  // For all that an Explainer does from its construction on; what was found until then stands, and says that it stopped.
  std::optional<std::chrono::milliseconds> budget = {};
  std::function<bool()> cancelled = {};     // asked between batches; true: stop
  std::function<void(std::size_t texts)> progress = {};  // told between batches how many masked texts the model has seen so far
};

// What stays or is masked: a player of the game.
struct ExplainedUnit {
  std::string text;
  Offset offset;                 // in its text, in ExplainOptions::offset_unit
  std::int32_t sequence_id = 0;  // 0 text, 1 text_pair
  std::vector<Offset> also = {}; // further places of the same word, where words are players (ExplainCompat::lime)
};

// What is explained, and what the model said of it.
struct ExplainedText {
  std::string text;                           // ill-formed UTF-8 replaced
  std::optional<std::string> text_pair;
  std::vector<ExplainedUnit> units;           // what the model sees, in order
  std::vector<std::pair<std::int32_t, Offset>> not_seen;  // by sequence_id: what truncation cut off
  Classification classification;              // of all of it, as the pipeline gives it
  std::string label;                          // explained
  std::string against;                        // of a contrast, else empty
  ExplainTarget target = ExplainTarget::probability;
  double score = 0;                           // the target's value for this text; of a probability classify's own, bit for bit
  std::string mask;                           // what a masked unit becomes: "" if it is removed
};

// How LIME chooses the units that its line is fitted to.
enum class FeatureSelection {
  automatic,          // forward_selection for up to 6 features, else highest_weights
  none,               // all
  forward_selection,  // one after the other, that which raises R² most
  highest_weights,    // of a ridge regression on all
  lasso_path,         // those that enter the lasso first
};
FeatureSelection feature_selection_from_name(std::string_view name);
std::string_view name(FeatureSelection selection);

struct LimeOptions {
  std::optional<std::string> label = {};  // absent: the explainer's
  std::size_t num_features = 10;
  std::size_t num_samples = 5000;         // the text itself included; at least 2
  double kernel_width = 25;
  FeatureSelection feature_selection = FeatureSelection::automatic;
  std::uint32_t seed = 0;                 // draws what numpy.random.RandomState(seed) draws
};

struct LimeExplanation {
  std::vector<double> values;         // [units]: the weights of those that were chosen, 0 for the others
  std::vector<std::size_t> features;  // the chosen, by weight, the strongest first
  double intercept = 0;
  double r2 = 0;                      // weighted, of the line: lime's `score`
  double local_pred = 0;              // what the line says of the whole text
  std::size_t num_samples = 0;        // drawn: fewer than asked for if it stopped
  std::size_t evaluations = 0;        // texts that the model saw for them, equal ones once
  bool stopped = false;
};

// Which players join in which order, and over how many of the orders.
enum class ShapAlgorithm {
  // owen: exact where that costs no more than max_evals, else sampled; or, where the budget does not allow a few orders of the words, of
  // phrases, the largest first, each spread evenly over its words
  automatic,
  owen,         // Owen values over the tree of phrases: neighbours join as phrases
  partition,    // the same as shap's PartitionExplainer has them: spends max_evals where it matters and spreads the rest evenly
  shapley,      // Shapley values, every order: exact for up to 14 units, else sampled
  permutation,  // shap's PermutationExplainer
  kernel,       // shap's KernelExplainer, without l1_reg
};
ShapAlgorithm shap_algorithm_from_name(std::string_view name);
std::string_view name(ShapAlgorithm algorithm);

struct ShapOptions {
  std::optional<std::string> label = {};  // absent: the explainer's
  ShapAlgorithm algorithm = ShapAlgorithm::automatic;
  std::size_t max_evals = 500;            // masked texts: of what is exact, of partition, permutation and kernel
  // What sampling goes on until: half the width of the widest 95 % interval, in the target's unit.
  double half_width = 0.02;
  std::optional<std::chrono::milliseconds> budget = std::chrono::milliseconds(2000);  // of sampling, beside ExplainOptions::budget
  std::uint32_t seed = 0;
};

// A phrase of the tree: two neighbours joined.
struct Phrase {
  std::size_t left = 0;   // below units.size() a unit, else phrase left − units.size()
  std::size_t right = 0;
  std::size_t size = 0;   // units
  double value = 0;       // the sum of its units' values
  double interaction = 0; // what both sides do together beyond what each does: f(both) − f(left) − f(right) + f(neither), the rest masked
};

struct ShapExplanation {
  std::vector<double> values;      // [units]; sum to the score less base_value
  std::vector<double> low, high;   // [units] of the 95 % interval, or empty: exact, or an algorithm that gives none
  double base_value = 0;           // of the text with every unit masked
  std::vector<Phrase> phrases;     // [units − 1] the tree from the leaves up, or empty for an algorithm without one
  std::string algorithm;           // what was run, in words
  std::size_t evaluations = 0;
  bool exact = false;
  bool truncated = false;          // max_evals did not suffice and what was left was spread (partition)
  bool stopped = false;            // budget or cancel came first
};

struct OcclusionOptions {
  std::optional<std::string> label = {};
  bool pairs = false;
};

struct OcclusionExplanation {
  std::vector<double> values;    // [units] the score less that without the unit
  // [units, units] with `pairs`: what two units do together beyond what each does: f(all) − f(without i) − f(without j) + f(without both);
  // the diagonal is 0
  std::vector<double> interactions;
  std::size_t evaluations = 0;
  bool stopped = false;          // units without a value have NaN
};

// A set of units and what the model says where it is removed, or where it alone is kept.
struct Counterfactual {
  std::vector<std::size_t> units;  // ascending
  std::string text;                // what the model read
  std::optional<std::string> text_pair;
  std::string label;               // what it said
  double score = 0;                // of that label
  double target = 0;               // the value of the explained target
};

struct CounterfactualOptions {
  std::optional<std::string> label = {};
  std::size_t max_sets = 3;
  std::size_t max_evals = 1000;
};

struct CounterfactualExplanation {
  std::vector<Counterfactual> flips;  // the smallest sets found whose removal changes the label, smallest first
  std::vector<Counterfactual> keeps;  // the smallest sets found that keep it alone
  bool flips_exact = false;           // no smaller set exists: all were tried
  bool keeps_exact = false;
  std::size_t evaluations = 0;
  bool stopped = false;
};

// How well values order the units, measured on the model itself.
struct Faithfulness {
  std::string method;
  // The target after removing the strongest 0, 1, … units / after adding them to nothing, strongest first: [units + 1]
  std::vector<double> deletion, insertion;
  double deletion_area = 0, insertion_area = 0;            // means of the curves
  double comprehensiveness = 0, sufficiency = 0;           // means over the strongest 10, 20, … 100 % of units with values above 0
  double tau_occlusion = 0;                                // Kendall's τ_b with leave-one-out
};

struct FaithfulnessExplanation {
  std::vector<Faithfulness> methods;
  // Of orders drawn at random, pointwise over the curves: what a method has to beat. [units + 1] each
  std::vector<double> random_deletion_low, random_deletion_high, random_insertion_low, random_insertion_high;
  std::vector<double> agreement;  // [methods, methods] Kendall's τ_b
  std::size_t evaluations = 0;
  bool stopped = false;
};

// Values to be judged, under a method's name.
struct NamedValues {
  std::string method;
  std::vector<double> values;  // [units]
};

// Explains one text. What the model said of a masked text is kept, so that a further method, or another label, asks only what is new.
// Not for several threads at once; `classifier` must outlive it.
class Explainer {
 public:
  // Throws Error(invalid_argument): a label that the model has not, a contrast without `against`, options of the pipeline that it
  // refuses; Error(unsupported): mask_token where the tokenizer has none.
  Explainer(const TextClassificationPipeline& classifier, TextInput text, const ExplainOptions& options = {});
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;
  ~Explainer();

  const ExplainedText& text() const;
  // Time for what is asked from now on, in the place of ExplainOptions::budget; absent: as long as it takes.
  void set_budget(std::optional<std::chrono::milliseconds> budget);
  LimeExplanation lime(const LimeOptions& options = {});
  ShapExplanation shap(const ShapOptions& options = {});
  OcclusionExplanation occlusion(const OcclusionOptions& options = {});
  // From inside the model, in f32 whatever it computes in: a model in another dtype is loaded a second time for it, once. Throws
  // Error(unsupported): a checkpoint whose weights are stored in int8, ExplainCompat, a family or a tokenizer that cannot.
  GradientExplanation gradients(GradientMethod method, const GradientOptions& options = {});
  CounterfactualExplanation counterfactuals(const CounterfactualOptions& options = {});
  FaithfulnessExplanation faithfulness(const std::vector<NamedValues>& methods, std::uint32_t seed = 0);

  // The target's value for a label, where each unit u stays (kept[u] = 1) or is masked.
  double value(const std::vector<std::uint8_t>& kept, std::optional<std::string_view> label = {});

  struct Impl;  // src/explain/explainer.h

 private:
  std::unique_ptr<Impl> impl_;
};

// The values of a further label, of the methods that gave them.
struct LabelValues {
  std::string label;
  double score = 0;
  std::vector<NamedValues> methods;
};

// All that is known of one text: what `filbert explain` shows in a terminal, as JSON and as a page.
struct ExplainReport {
  ExplainedText text;
  std::optional<ShapExplanation> shap;
  std::optional<LimeExplanation> lime;
  std::optional<OcclusionExplanation> occlusion;
  std::vector<GradientExplanation> gradients;   // each method once
  std::optional<CounterfactualExplanation> counterfactuals;
  std::optional<FaithfulnessExplanation> faithfulness;
  std::vector<LabelValues> other_labels;  // likeliest first
  std::optional<AttentionMap> attention;

  // How to have it again.
  std::string model;                      // as it was named
  std::string model_sha256;               // of the weights: of the files' hashes, where they are several
  std::string tokenizer_sha256;
  std::string version;                    // Filbert's
  std::string dtype;                      // what the model computed in
  std::string command;                    // the command line
  ExplainOptions options;
  LimeOptions lime_options;
  ShapOptions shap_options;
  GradientOptions gradient_options;
  double milliseconds = 0;

  // What each method says of the units, in the order shap, lime, occlusion, gradients; of those that were run.
  std::vector<NamedValues> values() const;
};

// How far a report in the making is.
struct ReportProgress {
  std::string_view part;                  // a method, "counterfactuals", "faithfulness", "other_labels" or "attention"
  std::size_t done = 0, total = 0;        // parts
  std::size_t texts = 0;                  // masked ones that the model has seen so far, for all parts
  const ExplainReport* so_far = nullptr;  // where `part` has just been finished; valid during the call
};

// What a report is to hold.
struct ReportOptions {
  ExplainOptions explain = {};  // its budget is shared by all parts; absent: shap has its own, the parts behind it two seconds each
  std::vector<std::string> methods = {"shap"};  // of shap, lime, occlusion and gradient_methods()
  LimeOptions lime = {};
  ShapOptions shap = {};
  GradientOptions gradients = {};
  bool counterfactuals = true;
  bool faithfulness = true;
  std::size_t max_other_labels = 0;  // for how many further labels, the likeliest first, the methods are asked too
  bool attention = false;            // where the model looked, for the page; queries and keys with it where the text is short
  std::function<void(const ReportProgress&)> progress = {};  // told at the begin and at the end of a part, and between batches
};

// All of it in one call, without what only the caller knows: model, model_sha256, tokenizer_sha256 and command stay empty. Throws
// Error(invalid_argument) for an unknown or missing method, and what Explainer throws.
ExplainReport explain(const TextClassificationPipeline& classifier, TextInput text, const ReportOptions& options = {});

// One self-contained page: no network, no external file, readable without a script, safe whatever text and labels hold.
std::string html_report(const ExplainReport& report);

// One method in one call.
LimeExplanation explain_lime(const TextClassificationPipeline& classifier, std::string_view text, const LimeOptions& lime = {},
                             const ExplainOptions& options = {.compat = ExplainCompat::lime});
ShapExplanation explain_shap(const TextClassificationPipeline& classifier, std::string_view text, const ShapOptions& shap = {},
                             const ExplainOptions& options = {});
OcclusionExplanation explain_occlusion(const TextClassificationPipeline& classifier, std::string_view text,
                                       const OcclusionOptions& occlusion = {}, const ExplainOptions& options = {});

}  // namespace filbert
