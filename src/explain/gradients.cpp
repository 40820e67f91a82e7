#include "explain/gradients.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/rollout.h>

#include "base/names.h"
#include "explain/gauss_legendre.h"
#include "explain/random.h"
#include "gradients/backpropagation.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 6> kMethods = {"saliency",   "input_x_gradient",  "integrated_gradients",
                                                      "smoothgrad", "attention_rollout", "attention_gradient"};
constexpr std::array<std::string_view, 4> kBaselines = {"pad", "mask", "mean", "zero"};
constexpr std::array<std::string_view, 2> kEmbeddings = {"word", "embeddings"};

constexpr std::size_t kMostSteps = 10'000, kMostDoubledSteps = 3'200, kMostSamples = 10'000;
// A call is of about so many tokens and of no more rows: enough to fill the threads, few enough to stop in time.
constexpr std::size_t kTokensOfACall = 1024, kRowsOfACall = 64;

GradientInput input_of(const GradientOptions& options) {
  return options.embedding == GradientEmbedding::word ? GradientInput::words : GradientInput::embeddings;
}

// Rows of vectors that stand for the text's tokens, and their gradients.
struct Passes {
  const GradientProblem& problem;
  const GradientOptions& options;
  std::size_t numbers = width_of(problem.model, input_of(options)) * problem.row.total_tokens();  // of a row
  std::size_t run = 0;

  std::size_t most_rows() const { return std::clamp<std::size_t>(kTokensOfACall / problem.row.total_tokens(), 1, kRowsOfACall); }

  // Rows end to end; `scores` gets the target of each.
  std::vector<float> gradients(std::span<const float> rows, std::vector<double>& scores) {
    const std::size_t count = rows.size() / numbers;
    BatchEncoding batch;
    for (std::size_t row = 0; row < count; ++row) batch.add_row(problem.row.input_ids, problem.row.token_type_ids);
    const std::size_t targets_of_row = problem.tokens.empty() ? 1 : problem.row.total_tokens();
    std::vector<double> targets(count * targets_of_row);
    run += count;
    const auto target = [&](std::size_t at, std::span<const float> logits, std::span<float> gradient) {
      targets[at] = target_of(at % targets_of_row, logits, gradient);
    };
    std::vector<float> result = backpropagate<float>(problem.model, batch, rows, target, {.input = input_of(options)}).gradient;
    scores.assign(count, 0);
    for (std::size_t at = 0; at < targets.size(); ++at) scores[at / targets_of_row] += targets[at];
    return result;
  }

 private:
  // What the logits of a row, or of one of its tokens, give to the score.
  double target_of(std::size_t token, std::span<const float> logits, std::span<float> gradient) const {
    if (problem.tokens.empty()) return problem.target(logits, gradient);
    if (!std::ranges::binary_search(problem.tokens, token)) {
      std::ranges::fill(gradient, 0.0f);
      return 0;
    }
    const auto count = static_cast<double>(problem.tokens.size());
    const double score = problem.target(logits, gradient);
    for (float& slope : gradient) slope = static_cast<float>(slope / count);
    return score / count;
  }
};

// The sums of runs of `width` products, one for each token.
template <typename Product>
std::vector<double> of_tokens(std::size_t tokens, std::size_t width, const Product& product) {
  std::vector<double> values(tokens);
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t at = token * width; at < (token + 1) * width; ++at) values[token] += product(at);
  }
  return values;
}

std::vector<double> lengths(std::size_t tokens, std::span<const double> gradient) {
  std::vector<double> values = of_tokens(tokens, gradient.size() / tokens, [&](std::size_t at) { return gradient[at] * gradient[at]; });
  for (double& value : values) value = std::sqrt(value);
  return values;
}

std::int32_t baseline_id(const GradientProblem& problem, GradientBaseline baseline) {
  const std::optional<std::int32_t> id = baseline == GradientBaseline::pad ? problem.pad_id : problem.mask_id;
  if (id) return *id;
  throw Error(ErrorKind::unsupported, fmt::format("baseline: expected a tokenizer with a {} token, found none", name(baseline)));
}

std::vector<double> mean_word(const Model& model) {
  const std::size_t width = model.config.embedding_size;
  std::vector<double> mean(width);
  std::vector<float> word(width);
  for (std::size_t id = 0; id < model.config.vocab_size; ++id) {
    read_word(model, id, word);
    for (std::size_t at = 0; at < width; ++at) mean[at] += word[at] / static_cast<double>(model.config.vocab_size);
  }
  return mean;
}

std::vector<float> baseline_vectors(const GradientProblem& problem, const GradientOptions& options) {
  const Model& model = problem.model;
  const std::size_t tokens = problem.row.total_tokens();
  if (options.baseline == GradientBaseline::zero) return std::vector<float>(tokens * width_of(model, input_of(options)));
  const auto is_special = [&](std::size_t token) { return problem.row.special_tokens_mask[token] != 0; };
  std::vector<float> words = input_vectors<float>(model, problem.row, GradientInput::words);
  const std::size_t width = model.config.embedding_size;
  std::vector<float> instead(width);
  if (options.baseline == GradientBaseline::mean) {
    std::ranges::transform(mean_word(model), instead.begin(), [](double number) { return static_cast<float>(number); });
  } else {
    read_word(model, static_cast<std::size_t>(baseline_id(problem, options.baseline)), instead);
  }
  for (std::size_t token = 0; token < tokens; ++token) {
    if (!is_special(token)) std::ranges::copy(instead, words.begin() + static_cast<std::ptrdiff_t>(token * width));
  }
  return options.embedding == GradientEmbedding::word ? words : embedded_words<float>(model, problem.row, words);
}

GradientExplanation saliency(Passes& passes, GradientMethod method) {
  const std::vector<float> x = input_vectors<float>(passes.problem.model, passes.problem.row, input_of(passes.options));
  std::vector<double> scores;
  const std::vector<float> gradient = passes.gradients(x, scores);
  const std::size_t tokens = passes.problem.row.total_tokens(), width = x.size() / tokens;
  GradientExplanation result;
  result.score = scores.front();
  if (method == GradientMethod::saliency) {
    result.token_values = lengths(tokens, std::vector<double>(gradient.begin(), gradient.end()));
  } else {
    result.token_values = of_tokens(tokens, width, [&](std::size_t at) { return double{x[at]} * double{gradient[at]}; });
  }
  return result;
}

// The mean gradient over `count` rows that `fill(row, to)` makes, weighed by `weight(row)`; fewer if it is stopped, which is said.
template <typename Fill, typename Weight>
std::vector<double> mean_gradient(Passes& passes, std::size_t count, const Fill& fill, const Weight& weight, bool& stopped) {
  std::vector<double> sum(passes.numbers), scores;
  std::vector<float> rows;
  double weights = 0;
  for (std::size_t first = 0; first < count && !stopped;) {
    const std::size_t batch = std::min(passes.most_rows(), count - first);
    rows.resize(batch * passes.numbers);
    for (std::size_t row = 0; row < batch; ++row) fill(first + row, std::span(rows).subspan(row * passes.numbers, passes.numbers));
    const std::vector<float> gradients = passes.gradients(rows, scores);
    for (std::size_t row = 0; row < batch; ++row) {
      const double share = weight(first + row);
      weights += share;
      for (std::size_t at = 0; at < passes.numbers; ++at) sum[at] += share * gradients[row * passes.numbers + at];
    }
    first += batch;
    stopped = first < count && passes.problem.budget.over();
  }
  for (double& number : sum) number /= weights;
  return sum;
}

GradientExplanation smoothgrad(Passes& passes) {
  const GradientOptions& options = passes.options;
  const std::vector<float> x = input_vectors<float>(passes.problem.model, passes.problem.row, input_of(options));
  const auto [least, most] = std::ranges::minmax_element(x);
  const double deviation = options.noise * (double{*most} - double{*least});
  RandomState random(options.seed);
  GradientExplanation result;
  const std::vector<double> mean = mean_gradient(passes, options.num_samples,
                                                 [&](std::size_t, std::span<float> to) {
                                                   for (std::size_t at = 0; at < x.size(); ++at) to[at] = static_cast<float>(x[at] + deviation * random.randn());
                                                 },
                                                 [](std::size_t) { return 1.0; }, result.stopped);
  result.token_values = lengths(passes.problem.row.total_tokens(), mean);
  return result;
}

GradientExplanation integrated_gradients(Passes& passes, std::size_t num_steps) {
  const GradientOptions& options = passes.options;
  const std::vector<float> x = input_vectors<float>(passes.problem.model, passes.problem.row, input_of(options));
  const std::vector<float> baseline = baseline_vectors(passes.problem, options);
  const Quadrature rule = gauss_legendre(num_steps);
  GradientExplanation result;
  result.num_steps = num_steps;
  const std::vector<double> mean = mean_gradient(passes, num_steps,
                                                 [&](std::size_t step, std::span<float> to) {
                                                   const double share = rule.nodes[step];
                                                   for (std::size_t at = 0; at < x.size(); ++at) {
                                                     to[at] = static_cast<float>(baseline[at] + share * (double{x[at]} - double{baseline[at]}));
                                                   }
                                                 },
                                                 [&](std::size_t step) { return rule.weights[step]; }, result.stopped);
  const std::size_t tokens = passes.problem.row.total_tokens();
  result.token_values = of_tokens(tokens, x.size() / tokens, [&](std::size_t at) { return (double{x[at]} - double{baseline[at]}) * mean[at]; });
  std::vector<float> ends = baseline;
  ends.insert(ends.end(), x.begin(), x.end());
  std::vector<double> scores;
  passes.gradients(ends, scores);
  result.base_value = scores[0];
  result.score = scores[1];
  result.gap = result.score - result.base_value;
  for (const double value : result.token_values) result.gap -= value;
  return result;
}

GradientExplanation refined_gradients(Passes& passes) {
  const GradientOptions& options = passes.options;
  GradientExplanation result = integrated_gradients(passes, options.num_steps);
  while (options.max_gap && result.gap_share() > *options.max_gap && result.num_steps * 2 <= kMostDoubledSteps && !passes.problem.budget.over()) {
    GradientExplanation finer = integrated_gradients(passes, result.num_steps * 2);
    if (finer.stopped) {
      result.stopped = true;
      break;
    }
    result = std::move(finer);
  }
  return result;
}

GradientExplanation attention(Passes& passes, GradientMethod method) {
  const Model& model = passes.problem.model;
  const BatchEncoding& row = passes.problem.row;
  const auto& target = passes.problem.target;
  EncoderOutputs outputs;
  const Tensor logits = model.logits(row, {.output_attentions = true}, outputs);
  const RolloutOptions options{.pooling = pooling_of(model.config)};
  GradientExplanation result;
  result.score = target(logits[0], {});
  if (method == GradientMethod::attention_rollout) {
    ++passes.run;
    result.token_values = attention_rollout(outputs, 0, options);
    return result;
  }
  std::vector<Tensor> gradients;
  for (const std::vector<Tensor>& layer : outputs.attentions) gradients.emplace_back(layer.front().shape);
  const auto keep = [&gradients](std::size_t, std::size_t layer, const TapeHead<float>& head, const float*, const float* gradient) {
    std::copy_n(gradient, head.queries * head.tokens,
                gradients[layer].data.data() + (head.head * head.tokens + head.first_position) * head.tokens);
  };
  const std::vector<float> x = input_vectors<float>(model, row, GradientInput::words);
  backpropagate<float>(model, row, x, [&](std::size_t, std::span<const float> found, std::span<float> gradient) { target(found, gradient); },
                       {.observer = keep});
  ++passes.run;
  result.token_values = gradient_rollout(outputs, 0, gradients, options);
  return result;
}

void check_number(std::string_view field, double number, double least, double most) {
  if (number >= least && number <= most) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a number from {} to {}, found {}", field, least, most, number));
}

}  // namespace

std::string_view name(GradientMethod method) { return kMethods[static_cast<std::size_t>(method)]; }
GradientMethod gradient_method_from_name(std::string_view name) { return from_name<GradientMethod>("method", name, kMethods); }
std::vector<std::string_view> gradient_methods() { return {kMethods.begin(), kMethods.end()}; }
std::string_view name(GradientBaseline baseline) { return kBaselines[static_cast<std::size_t>(baseline)]; }
GradientBaseline gradient_baseline_from_name(std::string_view name) { return from_name<GradientBaseline>("baseline", name, kBaselines); }
std::string_view name(GradientEmbedding embedding) { return kEmbeddings[static_cast<std::size_t>(embedding)]; }
GradientEmbedding gradient_embedding_from_name(std::string_view name) { return from_name<GradientEmbedding>("embedding", name, kEmbeddings); }

double GradientExplanation::gap_share() const {
  const double difference = std::abs(score - base_value);
  return difference > 0 ? std::abs(gap) / difference : 0;
}

double ScoreOfLogits::operator()(std::span<const float> logits, std::span<float> gradient) const {
  std::ranges::fill(gradient, 0.0f);
  const auto set = [&](std::size_t at, double slope) {
    if (!gradient.empty()) gradient[at] = static_cast<float>(slope);
  };
  if (against) {
    set(label, 1);
    set(*against, -1);
    return double{logits[label]} - double{logits[*against]};
  }
  if (kind == Kind::logit) {
    set(label, 1);
    return logits[label];
  }
  if (kind == Kind::sigmoid) {
    const double p = 1 / (1 + std::exp(-double{logits[label]}));
    set(label, p * (1 - p));
    return p;
  }
  const double greatest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - greatest);
  const double own = std::exp(logits[label] - greatest) / sum;
  for (std::size_t at = 0; at < logits.size(); ++at) set(at, own * ((at == label ? 1.0 : 0.0) - std::exp(logits[at] - greatest) / sum));
  return own;
}

double ScoreOfLabels::operator()(std::span<const float> logits, std::span<float> gradient) const {
  const double greatest = *std::ranges::max_element(logits);
  double all = 0, own = 0;
  for (const float logit : logits) all += std::exp(logit - greatest);
  for (const std::size_t label : labels) own += std::exp(logits[label] - greatest);
  for (std::size_t at = 0; at < gradient.size(); ++at) {
    const double weight = std::exp(logits[at] - greatest);
    const bool is_own = std::ranges::find(labels, at) != labels.end();
    const double slope = is_logit ? (is_own ? weight / own : 0) : weight / all * ((is_own ? 1.0 : 0.0) - own / all);
    gradient[at] = static_cast<float>(slope);
  }
  return is_logit ? greatest + std::log(own) : own / all;
}

std::optional<std::int32_t> pad_id_of(const Config& config) {
  if (config.pad_token_id < 0 || static_cast<std::size_t>(config.pad_token_id) >= config.vocab_size) return std::nullopt;
  return static_cast<std::int32_t>(config.pad_token_id);
}

const Model& exact_model(const Model& model, Task task, std::unique_ptr<const Model>& exact) {
  if (model.dtype == ComputeDtype::f32) return model;
  if (model.config.is_quantized) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: gradients: expected weights in F32, F16 or BF16, found int8", model.config.path.string()));
  }
  if (exact == nullptr) {
    exact = Model::load(model.config.path.parent_path(), {.num_threads = model.pool.size(), .dtype = ComputeDtype::f32}, model.kernels, task);
  }
  return *exact;
}

GradientExplanation gradients_of(const GradientProblem& problem, GradientMethod method, const GradientOptions& options) {
  check_number("num_steps", static_cast<double>(options.num_steps), 1, kMostSteps);
  check_number("num_samples", static_cast<double>(options.num_samples), 1, kMostSamples);
  check_number("noise", options.noise, 0, 100);
  if (options.max_gap) check_number("max_gap", *options.max_gap, 0, 1);
  Passes passes{.problem = problem, .options = options};
  GradientExplanation result;
  switch (method) {
    case GradientMethod::saliency:
    case GradientMethod::input_x_gradient: result = saliency(passes, method); break;
    case GradientMethod::integrated_gradients: result = refined_gradients(passes); break;
    case GradientMethod::smoothgrad: result = smoothgrad(passes); break;
    case GradientMethod::attention_rollout:
    case GradientMethod::attention_gradient: result = attention(passes, method); break;
  }
  result.method = method;
  result.evaluations = passes.run;
  return result;
}

}  // namespace filbert
