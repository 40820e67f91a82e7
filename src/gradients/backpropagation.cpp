#include "gradients/backpropagation.h"

#include <algorithm>
#include <memory>

#include "gradients/families.h"
#include "gradients/network.h"

namespace filbert {
namespace {

// A unit of a call on its way through the stages.
template <typename T>
struct Job {
  const Pass<T> pass;
  std::span<const Stage<T>> stages;
  const LogitGradient<T>& target;
  std::size_t first_row, first_token;  // of the unit, in the call
  bool of_tokens;
  Backpropagated<T>& result;
  std::size_t width;                   // of x

  std::span<const T> rows_of(std::span<const T> x) const { return x.subspan(first_token * width, pass.unit.tokens() * width); }
};

// Copies the logits and fills their gradient.
template <typename T>
void differentiate(const Job<T>& job, Matrix<T> logits, Matrix<T> gradient) {
  const std::size_t first = job.of_tokens ? job.first_token : job.first_row;
  for (std::size_t row = 0; row < logits.rows; ++row) {
    std::copy_n(logits[row], logits.columns, job.result.logits.data() + (first + row) * logits.columns);
    job.target(first + row, {logits[row], logits.columns}, {gradient[row], gradient.columns});
  }
}

// All of the pass is on the tape at once.
template <typename T>
void run_kept(const Job<T>& job, std::span<const T> x) {
  Tape<T>& tape = job.pass.tape;
  tape.clear();
  const auto input = tape.input(job.pass.unit.tokens(), job.width);
  std::ranges::copy(job.rows_of(x), tape[input].data);
  auto value = input;
  for (const Stage<T>& stage : job.stages) value = stage(job.pass, value);
  tape.backward(value, [&](Matrix<T> gradient) { differentiate(job, tape[value], gradient); });
  const Matrix<T> gradient = tape.gradient(input);
  std::copy_n(gradient.data, gradient.size(), job.result.gradient.data() + job.first_token * job.width);
}

// One stage is on the tape at a time; what each of them took is kept, and it runs once more on the way back.
template <typename T>
void run_again(const Job<T>& job, std::span<const T> x) {
  Tape<T>& tape = job.pass.tape;
  struct Taken {
    std::size_t rows, columns;
    std::vector<T> numbers;
  };
  const auto copy_of = [](Matrix<T> matrix) { return Taken{matrix.rows, matrix.columns, {matrix.data, matrix.data + matrix.size()}}; };
  const auto run_stage = [&](std::size_t stage, const Taken& taken) {
    tape.clear();
    const auto input = tape.input(taken.rows, taken.columns);
    std::ranges::copy(taken.numbers, tape[input].data);
    return std::pair(input, job.stages[stage](job.pass, input));
  };
  const std::span<const T> rows = job.rows_of(x);
  std::vector<Taken> taken = {{job.pass.unit.tokens(), job.width, {rows.begin(), rows.end()}}};
  for (std::size_t stage = 0; stage + 1 < job.stages.size(); ++stage) taken.push_back(copy_of(tape[run_stage(stage, taken[stage]).second]));
  Taken gradient;
  for (std::size_t stage = job.stages.size(); stage-- > 0;) {
    const auto [input, output] = run_stage(stage, taken[stage]);
    const bool is_last = stage + 1 == job.stages.size();
    tape.backward(output, [&, output = output](Matrix<T> to) {
      is_last ? differentiate(job, tape[output], to) : static_cast<void>(std::ranges::copy(gradient.numbers, to.data));
    });
    gradient = copy_of(tape.gradient(input));
  }
  std::ranges::copy(gradient.numbers, job.result.gradient.begin() + static_cast<std::ptrdiff_t>(job.first_token * job.width));
}

// About, of all layers of a unit.
template <typename T>
std::size_t kept_bytes(const Model& model, const Unit& unit) {
  const Config& config = model.config;
  std::size_t numbers = unit.tokens() * (10 * config.hidden_size + 2 * config.intermediate_size);
  for (std::size_t row = 0; row < unit.rows(); ++row) numbers += config.num_attention_heads * unit.length(row) * unit.length(row);
  return numbers * model.num_layers() * sizeof(T);
}

}  // namespace

std::size_t width_of(const Model& model, GradientInput input) {
  return input == GradientInput::words ? model.config.embedding_size : model.config.*tape_family<float>(model).embedded_size;
}

template <typename T>
std::vector<T> input_vectors(const Model& model, const BatchEncoding& inputs, GradientInput input) {
  check_inputs(inputs, model);
  const std::size_t size = model.config.embedding_size;
  std::vector<float> words(inputs.input_ids.size() * size);
  for (std::size_t token = 0; token < inputs.input_ids.size(); ++token) {
    read_word(model, static_cast<std::size_t>(inputs.input_ids[token]), std::span(words).subspan(token * size, size));
  }
  if (input == GradientInput::words) return {words.begin(), words.end()};
  return embedded_words<T>(model, inputs, words);
}

template <typename T>
std::vector<T> embedded_words(const Model& model, const BatchEncoding& inputs, std::span<const float> words) {
  Tape<T> tape(model, Loop{});
  const Unit unit{.row_starts = inputs.row_starts, .token_type_ids = inputs.token_type_ids};
  const std::vector<float> fixed = fixed_embeddings(model, inputs, unit);
  const auto x = tape.input(inputs.input_ids.size(), model.config.embedding_size);
  std::ranges::copy(words, tape[x].data);
  const Matrix<T> embedded = tape[stages_of<T>(model).front()({model, unit, tape, fixed}, x)];
  return {embedded.data, embedded.data + embedded.size()};
}

template <typename T>
Backpropagated<T> backpropagate(const Model& model, const BatchEncoding& inputs, std::span<const T> x, const LogitGradient<T>& target,
                                const BackpropagationOptions<T>& options) {
  check_inputs(inputs, model);
  const std::vector<Stage<T>> stages = stages_of<T>(model);
  const bool of_tokens = model.head.keep == Keep::all;
  const std::size_t tokens = inputs.input_ids.size(), width = width_of(model, options.input);
  Backpropagated<T> result{.logits = std::vector<T>((of_tokens ? tokens : inputs.batch_size()) * model.config.num_labels()),
                           .gradient = std::vector<T>(tokens * width)};
  std::vector<Unit> units;
  cut_into_units(inputs.row_starts, inputs.token_type_ids, num_units(model, tokens), std::max<std::size_t>(model.max_batch_tokens, 1), units);

  const unsigned threads = model.pool.size();
  const bool spread = units.size() < threads;  // each step over the threads, else units
  std::vector<std::unique_ptr<Tape<T>>> tapes(spread ? 1 : threads);
  const auto run_unit = [&](const Unit& unit, unsigned thread) {
    std::unique_ptr<Tape<T>>& tape = tapes[thread];
    if (tape == nullptr) tape = std::make_unique<Tape<T>>(model, spread ? Loop{&model.pool} : Loop{});
    const auto first_row = static_cast<std::size_t>(unit.row_starts.data() - inputs.row_starts.data());
    if (options.observer) {
      tape->observer = [&options, first_row](std::size_t layer, const TapeHead<T>& head, const T* weights, const T* gradient) {
        options.observer(first_row + head.row, layer, head, weights, gradient);
      };
    }
    const std::vector<float> fixed = options.input == GradientInput::words ? fixed_embeddings(model, inputs, unit) : std::vector<float>();
    const Job<T> job{.pass = {model, unit, *tape, fixed},
                     .stages = std::span(stages).subspan(options.input == GradientInput::words ? 0 : 1),
                     .target = target,
                     .first_row = first_row,
                     .first_token = unit.row_starts.front(),
                     .of_tokens = of_tokens,
                     .result = result,
                     .width = width};
    kept_bytes<T>(model, unit) * tapes.size() <= options.max_bytes ? run_kept(job, x) : run_again(job, x);
  };
  if (spread) {
    for (const Unit& unit : units) run_unit(unit, 0);
  } else {
    model.pool.parallel_for(units.size(), [&](std::size_t index, unsigned thread) { run_unit(units[index], thread); });
  }
  return result;
}

template std::vector<float> input_vectors(const Model&, const BatchEncoding&, GradientInput);
template std::vector<double> input_vectors(const Model&, const BatchEncoding&, GradientInput);
template std::vector<float> embedded_words(const Model&, const BatchEncoding&, std::span<const float>);
template std::vector<double> embedded_words(const Model&, const BatchEncoding&, std::span<const float>);
template Backpropagated<float> backpropagate(const Model&, const BatchEncoding&, std::span<const float>, const LogitGradient<float>&,
                                             const BackpropagationOptions<float>&);
template Backpropagated<double> backpropagate(const Model&, const BatchEncoding&, std::span<const double>, const LogitGradient<double>&,
                                              const BackpropagationOptions<double>&);

}  // namespace filbert
