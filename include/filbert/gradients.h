// Why this label, from inside the model: the gradient of a score with respect to what each token goes in as, and what its attention did.
// Behaviour: captum 0.9's Saliency, InputXGradient, IntegratedGradients and NoiseTunnel on inputs_embeds, or on the embeddings' output
// (Simonyan et al., 2013, arXiv 1312.6034; Sundararajan et al., 2017, arXiv 1703.01365; Smilkov et al., 2017, arXiv 1706.03825); rollout
// of attention (Abnar and Zuidema, 2020, arXiv 2005.00928) and the same weighted by gradients (Chefer et al., 2021, arXiv 2103.15679).
// docs/explain.md says what each can tell and what it cannot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

enum class GradientMethod {
  saliency,              // the length of the gradient: how much the score hangs on a token, not which way
  input_x_gradient,      // the embedding times the gradient
  integrated_gradients,  // the same along the way from a baseline, so that the values add up to the difference
  smoothgrad,            // the length of the mean gradient of embeddings with noise
  attention_rollout,     // the shares of attention through all layers; the same for every label
  attention_gradient,    // the same, of what raises the score alone
};
// What a token is without what it says: where integrated gradients begin.
enum class GradientBaseline {
  pad,   // each token but the special ones is the tokenizer's padding
  mask,  // or its mask token
  mean,  // or the mean of all words
  zero,  // every token, the special ones included, is a vector of zeros
};
// What a token goes in as.
enum class GradientEmbedding {
  word,        // its word's vector; type and position stay
  embeddings,  // what the model's embeddings give: with type and position, normalised
};

// Their names are those above. Reading one throws Error(invalid_argument) for any other word.
std::string_view name(GradientMethod method);
GradientMethod gradient_method_from_name(std::string_view name);
std::vector<std::string_view> gradient_methods();
std::string_view name(GradientBaseline baseline);
GradientBaseline gradient_baseline_from_name(std::string_view name);
std::string_view name(GradientEmbedding embedding);
GradientEmbedding gradient_embedding_from_name(std::string_view name);

struct GradientOptions {
  std::optional<std::string> label = {};  // absent: the explainer's
  GradientEmbedding embedding = GradientEmbedding::word;
  // Of integrated_gradients:
  GradientBaseline baseline = GradientBaseline::pad;
  std::size_t num_steps = 50;             // Gauss–Legendre points; from 1 to 10,000
  std::optional<double> max_gap = {};     // steps are doubled, up to 3,200, until the gap is at most this share of the difference
  // Of smoothgrad:
  std::size_t num_samples = 25;
  double noise = 0.1;                     // standard deviation, as a share of the range of the embeddings' numbers
  std::uint32_t seed = 0;
};

struct GradientExplanation {
  GradientMethod method = GradientMethod::saliency;
  std::vector<double> values;             // [units] the sums of their tokens' values; a token of several units is shared out evenly
  std::vector<std::string> tokens;        // as the model saw them
  std::vector<double> token_values;       // [tokens], special ones included
  double special = 0;                     // what is in no unit: special tokens, and what stands between units
  std::size_t evaluations = 0;            // passes forth and back
  bool stopped = false;                   // budget or cancel came first

  // Of integrated_gradients, which should add up: base_value + all token_values + gap = score.
  double base_value = 0;                  // of the baseline
  double score = 0;                       // of the text, as the pass in f32 has it
  double gap = 0;
  std::size_t num_steps = 0;

  // |gap| as a share of the difference; 0 where there is none.
  double gap_share() const;
};

}  // namespace filbert
