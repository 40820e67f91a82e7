#include "gradients/network.h"

#include <algorithm>

#include "gradients/families.h"
#include "infer/attention.h"

namespace filbert {

template <typename T>
typename Tape<T>::Value add_and_norm(const Pass<T>& pass, typename Tape<T>::Value projected, typename Tape<T>::Value residual, const LayerNorm& norm) {
  const auto sum = pass.tape.add(projected, residual);
  pass.tape.drop(projected);
  pass.tape.drop(residual);
  return pass.tape.layer_norm(sum, norm, pass.model.config.layer_norm_eps);
}

template <typename T>
typename Tape<T>::Value feed_forward(const Pass<T>& pass, const EncoderLayer& layer, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const auto activated = tape.activate(tape.linear(x, layer.intermediate), pass.model.activation);
  const auto projected = tape.linear(activated, layer.output);
  tape.drop(activated);
  return add_and_norm(pass, projected, x, layer.output_norm);
}

template <typename T>
typename Tape<T>::Value embed_sums(const Pass<T>& pass, typename Tape<T>::Value words) {
  return pass.tape.layer_norm(pass.tape.add_constant(words, pass.fixed), pass.model.embeddings.norm, pass.model.config.layer_norm_eps);
}

template <typename T>
typename Tape<T>::Value project_embeddings(const Pass<T>& pass, typename Tape<T>::Value embedded) {
  const auto& projection = pass.model.embeddings.projection;
  return projection ? pass.tape.linear(embedded, *projection) : embedded;
}

TapeAttention tape_attention(const Model& model, std::size_t step, Keep keep) {
  const std::size_t size = model.config.head_size();
  return {.layer = step, .heads = model.config.num_attention_heads, .head_size = size, .keep = keep, .scale = attention_scale(size)};
}

template <typename T>
Attention<T> project(const Pass<T>& pass, const EncoderLayer& layer, Keep keep, typename Tape<T>::Value x) {
  const auto kept = pass.tape.keep(x, pass.unit, is_one_token(keep) ? keep : Keep::all);
  return {.query = pass.tape.linear(kept, layer.query), .key_value = pass.tape.linear(x, layer.key_value), .kept = kept};
}

template <typename T>
typename Tape<T>::Value after_attention(const Pass<T>& pass, const EncoderLayer& layer, typename Tape<T>::Value context, typename Tape<T>::Value kept) {
  const auto projected = pass.tape.linear(context, layer.attention_output);
  pass.tape.drop(context);
  return feed_forward(pass, layer, add_and_norm(pass, projected, kept, layer.attention_norm));
}

template <typename T>
typename Tape<T>::Value bert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x, const ScoreTerms<T>& terms) {
  const EncoderLayer& layer = pass.model.layers[pass.model.layer_order[step]];
  const Attention<T> attention = project(pass, layer, keep, x);
  const auto context = pass.tape.attend(attention.query, attention.key_value, pass.unit, tape_attention(pass.model, step, keep), terms);
  return after_attention(pass, layer, context, attention.kept);
}

template <typename T>
typename Tape<T>::Value neighbours(const Pass<T>& pass, typename Tape<T>::Value x, const std::vector<std::ptrdiff_t>& distances) {
  // body(token, offset of its neighbour's place in a row, the neighbour) for each neighbour that there is.
  const auto each = [unit = pass.unit, distances](std::size_t width, const auto& body) {
    for (std::size_t row = 0; row < unit.rows(); ++row) {
      const auto length = static_cast<std::ptrdiff_t>(unit.length(row));
      for (std::ptrdiff_t token = 0; token < length; ++token) {
        for (std::size_t at = 0; at < distances.size(); ++at) {
          const std::ptrdiff_t other = token + distances[at];
          if (other < 0 || other >= length) continue;
          body(unit.start(row) + static_cast<std::size_t>(token), at * width, unit.start(row) + static_cast<std::size_t>(other));
        }
      }
    }
  };
  const Matrix<T> shape = pass.tape[x];
  return pass.tape.map(x, shape.rows, shape.columns * distances.size(),
                       [each](Matrix<T> from, Matrix<T> to) {
                         std::fill_n(to.data, to.size(), T{0});
                         each(from.columns, [&](std::size_t token, std::size_t offset, std::size_t other) {
                           std::copy_n(from[other], from.columns, to[token] + offset);
                         });
                       },
                       [each, &backend = pass.tape.backend()](Matrix<T> dy, Matrix<T> dx) {
                         std::fill_n(dx.data, dx.size(), T{0});
                         each(dx.columns, [&](std::size_t token, std::size_t offset, std::size_t other) {
                           backend.add(dy[token] + offset, dx.columns, dx[other]);
                         });
                       });
}

namespace {

template <typename T>
typename Tape<T>::Value classify(const Pass<T>& pass, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const Head& head = pass.model.head;
  if (head.keep == Keep::mean) x = tape.keep(x, pass.unit, Keep::mean);
  if (head.dense) x = tape.activate(tape.linear(x, *head.dense), head.activation);
  if (head.norm) x = tape.layer_norm(x, *head.norm, pass.model.config.layer_norm_eps);
  return tape.linear(x, head.out);
}

}  // namespace

template <typename T>
std::vector<Stage<T>> stages_of(const Model& model) {
  using Value = typename Tape<T>::Value;
  const TapeFamily<T>& family = tape_family<T>(model);
  std::vector<Stage<T>> stages = {family.embed};
  if (family.enter != nullptr) stages.emplace_back(family.enter);
  const std::size_t layers = model.num_layers();
  for (std::size_t step = 0; step < layers; ++step) {
    const Keep keep = step + 1 == layers ? model.head.keep : Keep::all;
    stages.emplace_back([&family, step, keep](const Pass<T>& pass, Value x) { return family.layer(pass, step, keep, x); });
  }
  stages.emplace_back([&family, layers](const Pass<T>& pass, Value x) {
    const Keep keep = pass.model.head.keep;
    if (layers == 0 && is_one_token(keep)) x = pass.tape.keep(x, pass.unit, keep);
    return classify(pass, family.leave != nullptr ? family.leave(pass, x) : x);
  });
  return stages;
}

#define FILBERT_INSTANTIATE(T)                                                                                                              \
  template Tape<T>::Value add_and_norm(const Pass<T>&, Tape<T>::Value, Tape<T>::Value, const LayerNorm&);                                    \
  template Tape<T>::Value feed_forward(const Pass<T>&, const EncoderLayer&, Tape<T>::Value);                                                 \
  template Tape<T>::Value embed_sums(const Pass<T>&, Tape<T>::Value);                                                                        \
  template Tape<T>::Value project_embeddings(const Pass<T>&, Tape<T>::Value);                                                                \
  template Attention<T> project(const Pass<T>&, const EncoderLayer&, Keep, Tape<T>::Value);                                                  \
  template Tape<T>::Value after_attention(const Pass<T>&, const EncoderLayer&, Tape<T>::Value, Tape<T>::Value);                              \
  template Tape<T>::Value bert_layer(const Pass<T>&, std::size_t, Keep, Tape<T>::Value, const ScoreTerms<T>&);                               \
  template Tape<T>::Value neighbours(const Pass<T>&, Tape<T>::Value, const std::vector<std::ptrdiff_t>&);                                    \
  template std::vector<Stage<T>> stages_of(const Model&)
FILBERT_INSTANTIATE(float);
FILBERT_INSTANTIATE(double);
#undef FILBERT_INSTANTIATE

}  // namespace filbert
