#include "gradients/tape.h"

#include <algorithm>
#include <utility>

namespace filbert {

template <typename T>
void Tape<T>::clear() {
  for (Slot& slot : slots_) give_back(slot.value), give_back(slot.gradient);
  slots_.clear();
  steps_.clear();
}

template <typename T>
AlignedBuffer<T> Tape<T>::take(std::size_t count) {
  auto best = idle_.end();
  for (auto at = idle_.begin(); at != idle_.end(); ++at) {
    if (at->capacity() >= count && (best == idle_.end() || at->capacity() < best->capacity())) best = at;
  }
  // One of many times the size would be missing elsewhere.
  if (best == idle_.end() || best->capacity() > 2 * count + 1024) return AlignedBuffer<T>(count);
  AlignedBuffer<T> taken = std::move(*best);
  *best = std::move(idle_.back());
  idle_.pop_back();
  return taken;
}

template <typename T>
void Tape<T>::give_back(AlignedBuffer<T>& buffer) {
  if (buffer.data() != nullptr) idle_.push_back(std::move(buffer));
  buffer = AlignedBuffer<T>();
}

template <typename T>
typename Tape<T>::Value Tape<T>::make(std::size_t rows, std::size_t columns) {
  slots_.push_back({.rows = rows, .columns = columns, .value = take(rows * columns), .gradient = {}});
  return slots_.size() - 1;
}

template <typename T>
typename Tape<T>::Value Tape<T>::record(Value result, std::function<void()> backward) {
  steps_.push_back({result, std::move(backward)});
  return result;
}

template <typename T>
typename Tape<T>::Value Tape<T>::input(std::size_t rows, std::size_t columns) {
  const Value value = make(rows, columns);
  slots_[value].is_input = true;
  return value;
}

template <typename T>
Matrix<T> Tape<T>::gradient(Value value) {
  Slot& slot = slots_[value];
  if (!slot.has_gradient) accumulate(value, [](Matrix<T> to) { std::fill_n(to.data, to.size(), T{0}); });
  return {slot.rows, slot.columns, slot.gradient.data()};
}

template <typename T>
void Tape<T>::add_to_gradient(Slot& slot, Matrix<T> dy) {
  for_each_row(backend_.loop, dy.rows, [&](std::size_t row) { backend_.add(dy[row], dy.columns, slot.gradient.data() + row * dy.columns); });
}

template <typename T>
void Tape<T>::accumulate(Value value, const std::function<void(Matrix<T>)>& write) {
  Slot& slot = slots_[value];
  AlignedBuffer<T> buffer = take(slot.rows * slot.columns);
  const Matrix<T> to{slot.rows, slot.columns, buffer.data()};
  write(to);
  if (slot.has_gradient) {
    add_to_gradient(slot, to);
    return give_back(buffer);
  }
  slot.gradient = std::move(buffer);
  slot.has_gradient = true;
}

template <typename T>
void Tape<T>::hand_on(Value from, Value to) {
  const Matrix<T> dy = gradient(from);
  Slot& slot = slots_[to];
  if (slot.has_gradient) return add_to_gradient(slot, dy);
  slot.gradient = std::move(slots_[from].gradient);
  slot.has_gradient = true;
}

template <typename T>
void Tape<T>::drop(Value value) {
  give_back(slots_[value].value);
}

template <typename T>
void Tape<T>::backward(Value result, const std::function<void(Matrix<T>)>& fill) {
  accumulate(result, fill);
  for (std::size_t at = steps_.size(); at-- > 0;) {
    Slot& slot = slots_[steps_[at].result];
    if (slot.has_gradient) steps_[at].backward();
    if (slot.is_input) continue;
    give_back(slot.value);
    give_back(slot.gradient);
    slot.has_gradient = false;
  }
}

template <typename T>
typename Tape<T>::Value Tape<T>::custom(std::size_t rows, std::size_t columns, std::function<void(Value)> backward) {
  const Value y = make(rows, columns);
  return record(y, [y, backward = std::move(backward)] { backward(y); });
}

template <typename T>
typename Tape<T>::Value Tape<T>::linear(Value x, const Linear& layer) {
  const std::size_t rows = slots_[x].rows;
  const Value y = make(rows, layer.out);
  backend_.linear(layer, (*this)[x].data, rows, (*this)[y].data);
  return record(y, [this, x, y, rows, &layer] {
    accumulate(x, [&](Matrix<T> dx) { backend_.linear_backward(layer, gradient(y).data, rows, dx.data); });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::layer_norm(Value x, const LayerNorm& norm, double epsilon) {
  const Value y = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> from = (*this)[x], to = (*this)[y];
  for_each_row(backend_.loop, from.rows, [&](std::size_t row) { backend_.layer_norm(from[row], norm, static_cast<T>(epsilon), to[row]); });
  return record(y, [this, x, y, &norm, epsilon] {
    const Matrix<T> dy = gradient(y), at = (*this)[x];
    accumulate(x, [&](Matrix<T> dx) {
      for_each_row(backend_.loop, dx.rows, [&](std::size_t row) {
        backend_.layer_norm_backward(at[row], dy[row], norm, static_cast<T>(epsilon), dx[row]);
      });
    });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::affine(Value x, const LayerNorm& norm) {
  const Value y = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> from = (*this)[x], to = (*this)[y];
  for_each_row(backend_.loop, from.rows, [&](std::size_t row) {
    for (std::size_t at = 0; at < to.columns; ++at) {
      to[row][at] = from[row][at] * static_cast<T>(norm.weight[at]) + static_cast<T>(norm.bias[at]);
    }
  });
  return record(y, [this, x, y, &norm] {
    const Matrix<T> dy = gradient(y);
    accumulate(x, [&](Matrix<T> dx) {
      for_each_row(backend_.loop, dx.rows, [&](std::size_t row) {
        for (std::size_t at = 0; at < dx.columns; ++at) dx[row][at] = dy[row][at] * static_cast<T>(norm.weight[at]);
      });
    });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::activate(Value x, Activation activation) {
  const Value y = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> from = (*this)[x], to = (*this)[y];
  for_each_row(backend_.loop, from.rows, [&](std::size_t row) { backend_.activate(activation, from[row], from.columns, to[row]); }, 4);
  return record(y, [this, x, y, activation] {
    const Matrix<T> dy = gradient(y), at = (*this)[x];
    accumulate(x, [&](Matrix<T> dx) {
      for_each_row(backend_.loop, dx.rows, [&](std::size_t row) {
        backend_.activate_backward(activation, at[row], dy[row], dx.columns, dx[row]);
      }, 4);
    });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::add(Value x, Value y) {
  const Value sum = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> left = (*this)[x], right = (*this)[y], to = (*this)[sum];
  for_each_row(backend_.loop, to.rows, [&](std::size_t row) {
    std::copy_n(left[row], to.columns, to[row]);
    backend_.add(right[row], to.columns, to[row]);
  });
  return record(sum, [this, x, y, sum] {
    const Matrix<T> dy = gradient(sum);
    accumulate(x, [&](Matrix<T> dx) {
      for_each_row(backend_.loop, dy.rows, [&](std::size_t row) { std::copy_n(dy[row], dy.columns, dx[row]); });
    });
    hand_on(sum, y);
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::add_constant(Value x, std::span<const float> constant) {
  const Value sum = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> from = (*this)[x], to = (*this)[sum];
  for (std::size_t at = 0; at < to.size(); ++at) to.data[at] = from.data[at] + static_cast<T>(constant[at]);
  return record(sum, [this, x, sum] { hand_on(sum, x); });
}

template <typename T>
typename Tape<T>::Value Tape<T>::multiply(Value x, Value y) {
  const Value product = make(slots_[x].rows, slots_[x].columns);
  const auto by_element = [this](Matrix<T> left, Matrix<T> right, Matrix<T> to) {
    for_each_row(backend_.loop, to.rows, [&](std::size_t row) {
      for (std::size_t at = 0; at < to.columns; ++at) to[row][at] = left[row][at] * right[row][at];
    });
  };
  by_element((*this)[x], (*this)[y], (*this)[product]);
  return record(product, [this, x, y, product, by_element] {
    const Matrix<T> dy = gradient(product);
    accumulate(x, [&](Matrix<T> dx) { by_element(dy, (*this)[y], dx); });
    accumulate(y, [&](Matrix<T> dx) { by_element(dy, (*this)[x], dx); });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::map(Value x, std::size_t rows, std::size_t columns, RowsFunction forward, RowsFunction backward) {
  const Value y = make(rows, columns);
  forward((*this)[x], (*this)[y]);
  return record(y, [this, x, y, backward = std::move(backward)] {
    const Matrix<T> dy = gradient(y);
    accumulate(x, [&](Matrix<T> dx) { backward(dy, dx); });
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::columns(Value x, std::size_t first, std::size_t count) {
  return map(x, slots_[x].rows, count,
             [=](Matrix<T> from, Matrix<T> to) {
               for (std::size_t row = 0; row < to.rows; ++row) std::copy_n(from[row] + first, count, to[row]);
             },
             [=](Matrix<T> dy, Matrix<T> dx) {
               std::fill_n(dx.data, dx.size(), T{0});
               for (std::size_t row = 0; row < dy.rows; ++row) std::copy_n(dy[row], count, dx[row] + first);
             });
}

template <typename T>
typename Tape<T>::Value Tape<T>::join(std::span<const Value> parts) {
  std::size_t width = 0;
  for (const Value part : parts) width += slots_[part].columns;
  const Value y = make(slots_[parts.front()].rows, width);
  const std::vector<Value> joined(parts.begin(), parts.end());
  std::size_t first = 0;
  for (const Value part : joined) {
    const Matrix<T> from = (*this)[part], to = (*this)[y];
    for (std::size_t row = 0; row < from.rows; ++row) std::copy_n(from[row], from.columns, to[row] + first);
    first += from.columns;
  }
  return record(y, [this, y, joined] {
    const Matrix<T> dy = gradient(y);
    std::size_t begin = 0;
    for (const Value part : joined) {
      accumulate(part, [&](Matrix<T> dx) {
        for (std::size_t row = 0; row < dx.rows; ++row) std::copy_n(dy[row] + begin, dx.columns, dx[row]);
      });
      begin += slots_[part].columns;
    }
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::keep(Value x, const Unit& unit, Keep keep) {
  if (keep == Keep::all) return x;
  const auto token = [unit, keep](std::size_t row) { return unit.start(row) + (keep == Keep::last ? unit.length(row) - 1 : 0); };
  const bool mean = keep == Keep::mean;
  return map(x, unit.rows(), slots_[x].columns,
             [=](Matrix<T> from, Matrix<T> to) {
               for (std::size_t row = 0; row < unit.rows(); ++row) {
                 std::copy_n(from[token(row)], to.columns, to[row]);
                 for (std::size_t at = 0; mean && at < to.columns; ++at) {
                   for (std::size_t other = 1; other < unit.length(row); ++other) to[row][at] += from[unit.start(row) + other][at];
                   to[row][at] /= static_cast<T>(unit.length(row));
                 }
               }
             },
             [=](Matrix<T> dy, Matrix<T> dx) {
               std::fill_n(dx.data, dx.size(), T{0});
               for (std::size_t row = 0; row < unit.rows(); ++row) {
                 if (!mean) std::copy_n(dy[row], dy.columns, dx[token(row)]);
                 for (std::size_t other = 0; mean && other < unit.length(row); ++other) {
                   for (std::size_t at = 0; at < dy.columns; ++at) dx[unit.start(row) + other][at] = dy[row][at] / static_cast<T>(unit.length(row));
                 }
               }
             });
}

template <typename T>
typename Tape<T>::Value Tape<T>::softmax(Value x, std::size_t columns) {
  const Value y = make(slots_[x].rows, slots_[x].columns);
  const Matrix<T> from = (*this)[x], to = (*this)[y];
  std::copy_n(from.data, from.size(), to.data);
  for (std::size_t at = 0; at < to.size(); at += columns) backend_.softmax(to.data + at, columns, T{1});
  return record(y, [this, x, y, columns] {
    const Matrix<T> dy = gradient(y), shares = (*this)[y];
    accumulate(x, [&](Matrix<T> dx) {
      std::copy_n(dy.data, dy.size(), dx.data);
      for (std::size_t at = 0; at < dx.size(); at += columns) backend_.softmax_backward(shares.data + at, columns, T{1}, dx.data + at);
    });
  });
}

template class Tape<float>;
template class Tape<double>;

}  // namespace filbert
