// A forward pass that remembers how to go back: operations on matrices, each of which leaves what its derivative needs. The chain rule
// then runs over them from the last to the first (reverse mode; only inputs have gradients, never weights). Rows are tokens of texts end
// to end, none padded. Tested in double against central differences by tests/gradients.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "gradients/backend.h"
#include "infer/model.h"

namespace filbert {

template <typename T>
struct Matrix {
  std::size_t rows = 0, columns = 0;
  T* data = nullptr;
  std::size_t size() const { return rows * columns; }
  T* operator[](std::size_t row) const { return data + row * columns; }
};

// Of one thread, for a head of attention.
template <typename T>
struct TapeScratch {
  AlignedBuffer<T> packed;                       // for Backend::product()
  AlignedBuffer<T> weights, gradient, turned, part;
  AlignedBuffer<T> products;                     // for ScoreTerms, and `part` as well
};

// One head of one row of a unit, as AttentionHead of infer/attention.h.
template <typename T>
struct TapeHead {
  std::size_t row, head;
  std::size_t queries, first_position;   // of the row's tokens, those that ask
  std::size_t tokens;
  const T* query;                        // [queries, head_size], rows `query_stride` apart
  const T* key;                          // [tokens, head_size], rows `key_value_stride` apart, and so is value
  const T* value;
  std::size_t query_stride, key_value_stride;
  TapeScratch<T>* scratch;
};

// What a family's attention has besides q · k.
template <typename T>
struct ScoreTerms {
  // Changes scores [queries, tokens] before they are scaled.
  std::function<void(const TapeHead<T>&, T* scores)> add = {};
  // Adds to the gradients of query and key, which lie as those do, what the gradient of the scores brings through `add`.
  std::function<void(const TapeHead<T>&, const T* scores_gradient, T* query_gradient, T* key_gradient)> backward = {};
  // Changes the weights that the softmax has given, by something that depends on nothing.
  std::function<void(const TapeHead<T>&, T* weights)> mix = {};
};

struct TapeAttention {
  std::size_t layer;  // for the observer
  std::size_t heads, head_size;
  Keep keep = Keep::all;
  float scale = 1;
  std::optional<std::size_t> reach = {};  // a query sees the keys that are so far away at most, and no others; not where there are ScoreTerms
};

// Of a layer the attention weights of a head, and the gradient of the result with respect to them: [queries, tokens]. Called by any thread.
template <typename T>
using AttentionObserver = std::function<void(std::size_t layer, const TapeHead<T>&, const T* weights, const T* gradient)>;

// Not for several threads at once. What it allocates is kept for the next pass.
template <typename T>
class Tape {
 public:
  using Value = std::size_t;

  Tape(const Model& model, Loop loop) : backend_(model, loop) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // Forgets the pass.
  void clear();

  // A matrix that the caller fills; its gradient stays readable after backward().
  Value input(std::size_t rows, std::size_t columns);
  Matrix<T> operator[](Value value) { return {slots_[value].rows, slots_[value].columns, slots_[value].value.data()}; }
  // Zeros, if nothing that was differentiated depends on it.
  Matrix<T> gradient(Value value);

  Value linear(Value x, const Linear& layer);
  Value layer_norm(Value x, const LayerNorm& norm, double epsilon);
  Value affine(Value x, const LayerNorm& norm);                    // x · weight + bias
  Value activate(Value x, Activation activation);
  Value add(Value x, Value y);
  Value add_constant(Value x, std::span<const float> constant);    // of the same size
  Value multiply(Value x, Value y);
  Value columns(Value x, std::size_t first, std::size_t count);
  Value join(std::span<const Value> parts);                        // side by side
  // Where one token is kept of each row, those; Keep::mean: their means; else x itself.
  Value keep(Value x, const Unit& unit, Keep keep);
  // A linear function that works on each row of the unit by itself: `forward` fills y from x, `backward` fills dx from dy.
  using RowsFunction = std::function<void(Matrix<T> from, Matrix<T> to)>;
  Value map(Value x, std::size_t rows, std::size_t columns, RowsFunction forward, RowsFunction backward);
  Value softmax(Value x, std::size_t columns);                     // of each run of so many
  // context [kept, heads · head_size] of query [kept, heads · head_size] and key_value [tokens, 2 · heads · head_size], a key and a value
  // side by side.
  Value attend(Value query, Value key_value, const Unit& unit, const TapeAttention& shape, const ScoreTerms<T>& terms = {});
  // An operation of another kind: `backward` adds the gradients of what it takes by accumulate().
  Value custom(std::size_t rows, std::size_t columns, std::function<void(Value result)> backward);

  // Gives back the memory of a value that no derivative needs.
  void drop(Value value);

  // From the gradient of `result`, which `fill` writes.
  void backward(Value result, const std::function<void(Matrix<T>)>& fill);

  // `write` fills a matrix of the value's size, which is added to its gradient.
  void accumulate(Value value, const std::function<void(Matrix<T>)>& write);

  // Sees the attention of each attend() on the way back.
  AttentionObserver<T> observer;
  Backend<T>& backend() { return backend_; }

 private:
  struct Slot {
    std::size_t rows = 0, columns = 0;
    AlignedBuffer<T> value, gradient;
    bool has_gradient = false, is_input = false;
  };
  // accumulate() of the gradient of `from`, the step under way, which nobody needs after it.
  void hand_on(Value from, Value to);
  void add_to_gradient(Slot& slot, Matrix<T> dy);
  struct Step {
    Value result;
    std::function<void()> backward;
  };

  AlignedBuffer<T> take(std::size_t count);
  void give_back(AlignedBuffer<T>& buffer);
  Value make(std::size_t rows, std::size_t columns);
  Value record(Value result, std::function<void()> backward);
  template <typename Body>
  void each_head(Value query, Value key_value, const Unit& unit, const TapeAttention& shape, const Body& body);

  Backend<T> backend_;
  std::vector<Slot> slots_;
  std::vector<Step> steps_;
  std::vector<AlignedBuffer<T>> idle_;
  std::vector<TapeScratch<T>> scratch_;  // of each thread
};

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace filbert
