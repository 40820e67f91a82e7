// ConvBERT on a tape: a context of which half is attention, the other half a convolution of the text with a kernel that each token makes.
#include <algorithm>
#include <array>
#include <variant>
#include <vector>

#include "gradients/families.h"
#include "infer/attention.h"
#include "infer/dot.h"

namespace filbert {
namespace {

// The tokens around those of a row that are kept, as far as they are of the row.
struct Windows {
  Unit unit;
  Keep keep;
  std::size_t kernel_size;

  // body(kept, token, number in the kernel), kept and token counted in the unit, for each token that the kernel around a kept one covers.
  template <typename Body>
  void operator()(std::size_t row, const Body& body) const {
    const std::size_t start = unit.start(row), length = unit.length(row), reach = kernel_size / 2;
    const std::size_t first = keep == Keep::last ? length - 1 : 0, count = is_one_token(keep) ? 1 : length;
    for (std::size_t at = 0; at < count; ++at) {
      const std::size_t middle = first + at, kept = is_one_token(keep) ? row : start + at;
      for (std::size_t token = middle - std::min(middle, reach); token < std::min(middle + reach + 1, length); ++token) {
        body(kept, start + token, token + reach - middle);
      }
    }
  }
};

template <typename T>
void add_product(const T* x, T factor, std::size_t count, T* out) {
  for (std::size_t at = 0; at < count; ++at) out[at] += factor * x[at];
}

// What the kept tokens have around them, each channel by itself: [kept, hidden_size].
template <typename T>
typename Tape<T>::Value convolve_depthwise(const Pass<T>& pass, const ConvBertLayer& own, const Windows& windows, typename Tape<T>::Value x) {
  const auto add = [&own](std::size_t number, const T* from, std::size_t count, T* to) {
    const float* weight = own.depthwise.data() + number * count;
    for (std::size_t at = 0; at < count; ++at) to[at] += static_cast<T>(weight[at]) * from[at];
  };
  const auto each_row = [windows, &tape = pass.tape](Matrix<T> to, const auto& body) {
    std::fill_n(to.data, to.size(), T{0});
    tape.backend().loop(windows.unit.rows(), [&](std::size_t row, unsigned) { windows(row, body); });
  };
  return pass.tape.map(x, windows.unit.kept(windows.keep), pass.tape[x].columns,
                       [=](Matrix<T> from, Matrix<T> to) {
                         each_row(to, [&](std::size_t kept, std::size_t token, std::size_t number) { add(number, from[token], to.columns, to[kept]); });
                       },
                       [=](Matrix<T> dy, Matrix<T> dx) {
                         each_row(dx, [&](std::size_t kept, std::size_t token, std::size_t number) { add(number, dy[kept], dx.columns, dx[token]); });
                       });
}

// Of `values` [tokens, attention_size] those around each kept token, weighed by its kernel of `kernels` [kept, heads · kernel_size], a head
// at a time: [kept, attention_size].
template <typename T>
typename Tape<T>::Value convolve_values(const Pass<T>& pass, const Windows& windows, typename Tape<T>::Value values, typename Tape<T>::Value kernels) {
  Tape<T>& tape = pass.tape;
  const std::size_t size = tape[values].columns, heads = std::get<ConvBert>(pass.model.family).heads, head_size = size / heads;
  // body(kept, token, where the head's numbers begin, where its weight is)
  const auto each = [windows, &tape, heads, head_size](const auto& body) {
    tape.backend().loop(windows.unit.rows() * heads, [&](std::size_t task, unsigned) {
      const std::size_t head = task % heads;
      windows(task / heads, [&](std::size_t kept, std::size_t token, std::size_t number) {
        body(kept, token, head * head_size, head * windows.kernel_size + number);
      });
    });
  };
  const auto y = tape.custom(windows.unit.kept(windows.keep), size, [&tape, values, kernels, each, head_size](typename Tape<T>::Value result) {
    const Matrix<T> dy = tape.gradient(result), from = tape[values], weights = tape[kernels];
    const auto clear = [](Matrix<T> of) { std::fill_n(of.data, of.size(), T{0}); };
    tape.accumulate(kernels, [&](Matrix<T> dkernels) {
      clear(dkernels);
      each([&](std::size_t kept, std::size_t token, std::size_t first, std::size_t at) {
        dkernels[kept][at] = dot(dy[kept] + first, from[token] + first, head_size);
      });
    });
    tape.accumulate(values, [&](Matrix<T> dvalues) {
      clear(dvalues);
      each([&](std::size_t kept, std::size_t token, std::size_t first, std::size_t at) {
        add_product(dy[kept] + first, weights[kept][at], head_size, dvalues[token] + first);
      });
    });
  });
  const Matrix<T> to = tape[y], from = tape[values], weights = tape[kernels];
  std::fill_n(to.data, to.size(), T{0});
  each([&](std::size_t kept, std::size_t token, std::size_t first, std::size_t at) {
    add_product(from[token] + first, weights[kept][at], head_size, to[kept] + first);
  });
  return y;
}

template <typename T>
typename Tape<T>::Value grouped(const Pass<T>& pass, const std::vector<Linear>& groups, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  if (groups.size() == 1) return tape.linear(x, groups.front());
  std::vector<typename Tape<T>::Value> parts;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    parts.push_back(tape.linear(tape.columns(x, group * groups[group].in, groups[group].in), groups[group]));
  }
  return tape.join(parts);
}

// [kept, hidden_size]
template <typename T>
typename Tape<T>::Value make_context(const Pass<T>& pass, std::size_t step, Keep keep, const Attention<T>& attention, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const auto& family = std::get<ConvBert>(pass.model.family);
  const ConvBertLayer& own = family.layers[step];
  const Windows windows{pass.unit, keep, family.kernel_size};
  const auto keys = tape.linear(convolve_depthwise(pass, own, windows, x), own.pointwise);
  const auto kernels = tape.softmax(tape.linear(tape.multiply(keys, attention.query), own.kernel), family.kernel_size);
  const auto convolved = convolve_values(pass, windows, tape.linear(x, own.convolved), kernels);

  TapeAttention shape = tape_attention(pass.model, step, keep);
  shape.heads = family.heads;
  shape.head_size = family.attention_size / family.heads;
  shape.scale = attention_scale(shape.head_size);
  return tape.join(std::array{tape.attend(attention.query, attention.key_value, pass.unit, shape), convolved});
}

}  // namespace

template <typename T>
typename Tape<T>::Value convbert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const EncoderLayer& layer = pass.model.layers[step];
  const ConvBertLayer& own = std::get<ConvBert>(pass.model.family).layers[step];
  const Attention<T> attention = project(pass, layer, keep, x);
  const auto context = make_context(pass, step, keep, attention, x);
  const auto attended = add_and_norm(pass, tape.linear(context, layer.attention_output), attention.kept, layer.attention_norm);
  const auto activated = tape.activate(grouped(pass, own.intermediate, attended), pass.model.activation);
  const auto projected = grouped(pass, own.output, activated);
  for (const auto value : {context, activated}) tape.drop(value);
  return add_and_norm(pass, projected, attended, layer.output_norm);
}

template Tape<float>::Value convbert_layer(const Pass<float>&, std::size_t, Keep, Tape<float>::Value);
template Tape<double>::Value convbert_layer(const Pass<double>&, std::size_t, Keep, Tape<double>::Value);

}  // namespace filbert
