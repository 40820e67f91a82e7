// Attention on a tape, forth and back, a head of a row at a time.
#include <algorithm>

#include "gradients/tape.h"
#include "infer/attention.h"

namespace filbert {
namespace {

// Queries [first, first + rows) of a head, and the keys [begin, end) that any of them sees.
struct Block {
  std::size_t first, rows, begin, end;
  std::size_t keys() const { return end - begin; }
};

bool is_whole(const TapeAttention& shape, std::size_t tokens) { return !shape.reach || *shape.reach >= tokens; }

// body(block): one of all queries and keys, or with a reach, one after the other.
template <typename Body>
void each_block(const TapeAttention& shape, std::size_t queries, std::size_t first_position, std::size_t tokens, const Body& body) {
  if (is_whole(shape, tokens)) return body(Block{0, queries, 0, tokens});
  for (std::size_t first = 0; first < queries; first += kQueryBlock) {
    const std::size_t rows = std::min(kQueryBlock, queries - first), position = first_position + first;
    body(Block{first, rows, position - std::min(position, *shape.reach), std::min(tokens, position + rows + *shape.reach)});
  }
}

// body(row, first, count): of each of the block's rows of scores, the part that its query sees.
template <typename T, typename Body>
void each_window(const TapeAttention& shape, const TapeHead<T>& head, const Block& block, const Body& body) {
  for (std::size_t row = 0; row < block.rows; ++row) {
    if (is_whole(shape, head.tokens)) {
      body(row, 0, block.keys());
      continue;
    }
    const std::size_t position = head.first_position + block.first + row;
    const std::size_t begin = position - std::min(position, *shape.reach), end = std::min(head.tokens, position + 1 + *shape.reach);
    body(row, begin - block.begin, end - begin);
  }
}

// Zeros beside columns [first, first + count) of a row.
template <typename T>
void clear_beside(T* row, std::size_t columns, std::size_t first, std::size_t count) {
  std::fill(row, row + first, T{0});
  std::fill(row + first + count, row + columns, T{0});
}

template <typename T>
struct Strided {
  T* data;
  std::size_t stride;
};

// What an attention is made of besides its numbers.
template <typename T>
struct Attending {
  const Backend<T>& backend;
  const TapeAttention& shape;
  const ScoreTerms<T>& terms;
  const AttentionObserver<T>& observer;
};

// What the values are weighed with.
template <typename T>
const T* mixed_weights(const ScoreTerms<T>& terms, const TapeHead<T>& head, const T* weights) {
  if (!terms.mix) return weights;
  AlignedBuffer<T>& mixed = head.scratch->weights;
  mixed.reserve(head.queries * head.tokens);
  std::copy_n(weights, head.queries * head.tokens, mixed.data());
  terms.mix(head, mixed.data());
  return mixed.data();
}

// From a block's part of `weights` [rows, keys], which it fills, the context of its queries.
template <typename T>
void forward_block(const Attending<T>& of, const TapeHead<T>& head, const Block& block, T* weights, Strided<T> context) {
  const std::size_t size = of.shape.head_size, stride = head.key_value_stride, keys = block.keys();
  of.backend.product({head.query + block.first * head.query_stride, head.query_stride, block.rows, head.key + block.begin * stride, stride, true, size,
                      keys, weights, keys}, head.scratch->packed);
  if (of.terms.add) of.terms.add(head, weights);
  each_window(of.shape, head, block, [&](std::size_t row, std::size_t first, std::size_t count) {
    clear_beside(weights + row * keys, keys, first, count);
    of.backend.softmax(weights + row * keys + first, count, static_cast<T>(of.shape.scale));
  });
  of.backend.product({mixed_weights(of.terms, head, weights), keys, block.rows, head.value + block.begin * stride, stride, false, keys, size,
                      context.data + block.first * context.stride, context.stride}, head.scratch->packed);
}

// Gradients of a head's parts, which lie as those do.
template <typename T>
struct HeadGradients {
  Strided<const T> context;
  T* query;
  T* key;
  T* value;
};

// to [columns, rows] = fromᵀ. Whole cache lines of `to` at a time: a column of it lies in few sets of the first cache.
template <typename T>
void turn(const T* from, std::size_t rows, std::size_t columns, T* to) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  for (std::size_t first = 0; first < rows; first += kLine) {
    const std::size_t last = std::min(rows, first + kLine);
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t row = first; row < last; ++row) to[column * rows + row] = from[row * columns + column];
    }
  }
}

// to = ofᵀ · by, for `of` [rows, keys] and `by` [rows, head_size], whose result has the strides of keys and values. Where blocks share
// their keys, it is added.
template <typename T>
void turn_and_multiply(const Attending<T>& attending, const TapeHead<T>& head, const Block& block, const T* of, Strided<const T> by, T* to) {
  const std::size_t size = attending.shape.head_size, keys = block.keys(), stride = head.key_value_stride;
  T* turned = head.scratch->turned.data();
  turn(of, block.rows, keys, turned);
  const bool is_whole_head = is_whole(attending.shape, head.tokens);
  head.scratch->part.reserve(is_whole_head ? 0 : keys * size);
  T* part = head.scratch->part.data();
  attending.backend.product({turned, block.rows, keys, by.data + block.first * by.stride, by.stride, false, block.rows, size, is_whole_head ? to : part,
                             is_whole_head ? stride : size}, head.scratch->packed);
  for (std::size_t key = 0; !is_whole_head && key < keys; ++key) attending.backend.add(part + key * size, size, to + (block.begin + key) * stride);
}

template <typename T>
void backward_block(const Attending<T>& of, const TapeHead<T>& head, const Block& block, const T* weights, const HeadGradients<T>& gradients) {
  const std::size_t size = of.shape.head_size, stride = head.key_value_stride, keys = block.keys();
  for (AlignedBuffer<T>* buffer : {&head.scratch->gradient, &head.scratch->turned}) buffer->reserve(block.rows * keys);
  T* slopes = head.scratch->gradient.data();
  const Strided<const T> dcontext = gradients.context;
  turn_and_multiply(of, head, block, mixed_weights(of.terms, head, weights), dcontext, gradients.value);
  of.backend.product({dcontext.data + block.first * dcontext.stride, dcontext.stride, block.rows, head.value + block.begin * stride, stride, true, size,
                      keys, slopes, keys}, head.scratch->packed);
  if (of.observer && is_whole(of.shape, head.tokens)) of.observer(of.shape.layer, head, weights, slopes);
  each_window(of.shape, head, block, [&](std::size_t row, std::size_t first, std::size_t count) {
    clear_beside(slopes + row * keys, keys, first, count);
    of.backend.softmax_backward(weights + row * keys + first, count, static_cast<T>(of.shape.scale), slopes + row * keys + first);
  });
  of.backend.product({slopes, keys, block.rows, head.key + block.begin * stride, stride, false, keys, size,
                      gradients.query + block.first * head.query_stride, head.query_stride}, head.scratch->packed);
  turn_and_multiply(of, head, block, slopes, {head.query, head.query_stride}, gradients.key);
  if (of.terms.backward) of.terms.backward(head, slopes, gradients.query, gradients.key);
}

// For the observer, the blocks as one: a weight that no query has is 0, and its gradient what it would do.
template <typename T>
void observe_blocks(const Attending<T>& of, const TapeHead<T>& head, const T* weights, Strided<const T> dcontext) {
  std::vector<T> all(head.queries * head.tokens), slopes(head.queries * head.tokens);
  each_block(of.shape, head.queries, head.first_position, head.tokens, [&](const Block& block) {
    for (std::size_t row = 0; row < block.rows; ++row, weights += block.keys()) {
      std::copy_n(weights, block.keys(), all.data() + (block.first + row) * head.tokens + block.begin);
    }
  });
  of.backend.product({dcontext.data, dcontext.stride, head.queries, head.value, head.key_value_stride, true, of.shape.head_size, head.tokens,
                      slopes.data(), head.tokens}, head.scratch->packed);
  of.observer(of.shape.layer, head, all.data(), slopes.data());
}

template <typename T>
void backward_head(const Attending<T>& of, const TapeHead<T>& head, const T* weights, const HeadGradients<T>& gradients) {
  if (!is_whole(of.shape, head.tokens)) {
    if (of.observer) observe_blocks(of, head, weights, gradients.context);
    for (std::size_t token = 0; token < head.tokens; ++token) {
      for (T* to : {gradients.key, gradients.value}) std::fill_n(to + token * head.key_value_stride, of.shape.head_size, T{0});
    }
  }
  each_block(of.shape, head.queries, head.first_position, head.tokens, [&](const Block& block) {
    backward_block(of, head, block, weights, gradients);
    weights += block.rows * block.keys();
  });
}

// Where the weights of each head of each row begin, row by row.
struct WeightPlaces {
  std::vector<std::size_t> begins = {0};
  std::vector<std::size_t> of_head = {};

  WeightPlaces(const Unit& unit, const TapeAttention& shape) {
    for (std::size_t row = 0; row < unit.rows(); ++row) {
      const std::size_t tokens = unit.length(row);
      std::size_t numbers = 0;
      each_block(shape, is_one_token(shape.keep) ? 1 : tokens, shape.keep == Keep::last ? tokens - 1 : 0, tokens,
                 [&](const Block& block) { numbers += block.rows * block.keys(); });
      of_head.push_back(numbers);
      begins.push_back(begins.back() + shape.heads * numbers);
    }
  }
  std::size_t of(std::size_t row, std::size_t head) const { return begins[row] + head * of_head[row]; }
};

}  // namespace

// `body(head)` for every head of every row.
template <typename T>
template <typename Body>
void Tape<T>::each_head(Value query, Value key_value, const Unit& unit, const TapeAttention& shape, const Body& body) {
  if (scratch_.size() < backend_.loop.threads()) scratch_.resize(backend_.loop.threads());
  const Matrix<T> queries = (*this)[query], keys = (*this)[key_value];
  const bool one = is_one_token(shape.keep);
  backend_.loop(unit.rows() * shape.heads, [&](std::size_t task, unsigned thread) {
    const std::size_t row = task / shape.heads, head = task % shape.heads, column = head * shape.head_size;
    const T* key = keys[unit.start(row)] + column;
    body(TapeHead<T>{.row = row,
                     .head = head,
                     .queries = one ? 1 : unit.length(row),
                     .first_position = shape.keep == Keep::last ? unit.length(row) - 1 : 0,
                     .tokens = unit.length(row),
                     .query = queries[one ? row : unit.start(row)] + column,
                     .key = key,
                     .value = key + keys.columns / 2,
                     .query_stride = queries.columns,
                     .key_value_stride = keys.columns,
                     .scratch = &scratch_[thread]});
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::attend(Value query, Value key_value, const Unit& unit, const TapeAttention& shape, const ScoreTerms<T>& terms) {
  const WeightPlaces places(unit, shape);
  const Value weights = input(1, places.begins.back());
  const Value context = make(slots_[query].rows, slots_[query].columns);
  // Where a head's part of a matrix with the columns of the query lies.
  const auto part_of = [unit, one = is_one_token(shape.keep), size = shape.head_size](Matrix<T> of, const TapeHead<T>& head) {
    return of[one ? head.row : unit.start(head.row)] + head.head * size;
  };
  const Matrix<T> contexts = (*this)[context];
  each_head(query, key_value, unit, shape, [&](const TapeHead<T>& head) {
    T* own = slots_[weights].value.data() + places.of(head.row, head.head);
    each_block(shape, head.queries, head.first_position, head.tokens, [&](const Block& block) {
      forward_block<T>({backend_, shape, terms, observer}, head, block, own, {part_of(contexts, head), contexts.columns});
      own += block.rows * block.keys();
    });
  });
  return record(context, [this, query, key_value, context, weights, unit, shape, terms, places, part_of] {
    const Matrix<T> dcontext = gradient(context);
    accumulate(key_value, [&](Matrix<T> dkeys) {
      accumulate(query, [&](Matrix<T> dqueries) {
        each_head(query, key_value, unit, shape, [&](const TapeHead<T>& head) {
          T* dkey = dkeys[unit.start(head.row)] + head.head * shape.head_size;
          backward_head<T>({backend_, shape, terms, observer}, head, slots_[weights].value.data() + places.of(head.row, head.head),
                           {{part_of(dcontext, head), dcontext.columns}, part_of(dqueries, head), dkey, dkey + dkeys.columns / 2});
        });
      });
    });
    drop(weights);
  });
}

template Tape<float>::Value Tape<float>::attend(Value, Value, const Unit&, const TapeAttention&, const ScoreTerms<float>&);
template Tape<double>::Value Tape<double>::attend(Value, Value, const Unit&, const TapeAttention&, const ScoreTerms<double>&);

}  // namespace filbert
