// Attention on a tape, forth and back, a head of a row at a time.
#include <algorithm>

#include "gradients/tape.h"

namespace filbert {

// `body(head, scratch of the thread)` for every head of every row.
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
                     .key_value_stride = keys.columns},
         scratch_[thread]);
  });
}

template <typename T>
typename Tape<T>::Value Tape<T>::attend(Value query, Value key_value, const Unit& unit, const TapeAttention& shape, const ScoreTerms<T>& terms) {
  const bool one = is_one_token(shape.keep);
  std::vector<std::size_t> begins = {0};  // of each row's weights, [heads, queries, tokens]
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    begins.push_back(begins.back() + shape.heads * (one ? 1 : unit.length(row)) * unit.length(row));
  }
  const Value weights = input(1, begins.back());
  const Value context = make(slots_[query].rows, slots_[query].columns);
  const auto weights_of = [this, weights, begins](const TapeHead<T>& head) {
    return slots_[weights].value.data() + begins[head.row] + head.head * head.queries * head.tokens;
  };
  // Where a head's part of a matrix with the columns of the query lies.
  const auto part_of = [unit, one, size = shape.head_size](Matrix<T> of, const TapeHead<T>& head) {
    return of[one ? head.row : unit.start(head.row)] + head.head * size;
  };

  const Matrix<T> contexts = (*this)[context];
  const T scale = static_cast<T>(shape.scale);
  each_head(query, key_value, unit, shape, [&](const TapeHead<T>& head, Scratch& scratch) {
    T* own = weights_of(head);
    backend_.product({head.query, head.query_stride, head.queries, head.key, head.key_value_stride, true, shape.head_size, head.tokens, own,
                      head.tokens}, scratch.packed);
    if (terms.add) terms.add(head, own);
    for (std::size_t row = 0; row < head.queries; ++row) backend_.softmax(own + row * head.tokens, head.tokens, scale);
    const T* mixed = own;
    if (terms.mix) {
      scratch.weights.reserve(head.queries * head.tokens);
      std::copy_n(own, head.queries * head.tokens, scratch.weights.data());
      terms.mix(head, scratch.weights.data());
      mixed = scratch.weights.data();
    }
    backend_.product({mixed, head.tokens, head.queries, head.value, head.key_value_stride, false, head.tokens, shape.head_size,
                      part_of(contexts, head), contexts.columns}, scratch.packed);
  });

  return record(context, [this, query, key_value, context, weights, unit, shape, terms, weights_of, part_of, scale] {
    const Matrix<T> dcontext = gradient(context);
    accumulate(key_value, [&](Matrix<T> dkeys) {
      accumulate(query, [&](Matrix<T> dqueries) {
        each_head(query, key_value, unit, shape, [&](const TapeHead<T>& head, Scratch& scratch) {
          const std::size_t count = head.queries * head.tokens, size = shape.head_size;
          const T* own = weights_of(head);
          const T* dout = part_of(dcontext, head);
          T* dquery = part_of(dqueries, head);
          T* dkey = dkeys[unit.start(head.row)] + head.head * size;
          T* dvalue = dkey + dkeys.columns / 2;
          for (AlignedBuffer<T>* buffer : {&scratch.weights, &scratch.gradient, &scratch.turned}) buffer->reserve(count);
          T* slopes = scratch.gradient.data();
          T* turned = scratch.turned.data();
          const auto turn = [&](const T* from) {
            for (std::size_t at = 0; at < head.queries; ++at) {
              for (std::size_t key = 0; key < head.tokens; ++key) turned[key * head.queries + at] = from[at * head.tokens + key];
            }
          };
          const T* mixed = own;
          if (terms.mix) {
            std::copy_n(own, count, scratch.weights.data());
            terms.mix(head, scratch.weights.data());
            mixed = scratch.weights.data();
          }
          turn(mixed);
          backend_.product({turned, head.queries, head.tokens, dout, dcontext.columns, false, head.queries, size, dvalue, dkeys.columns}, scratch.packed);
          backend_.product({dout, dcontext.columns, head.queries, head.value, head.key_value_stride, true, size, head.tokens, slopes, head.tokens},
                           scratch.packed);
          if (observer) observer(shape.layer, head, own, slopes);
          for (std::size_t row = 0; row < head.queries; ++row) {
            backend_.softmax_backward(own + row * head.tokens, head.tokens, scale, slopes + row * head.tokens);
          }
          backend_.product({slopes, head.tokens, head.queries, head.key, head.key_value_stride, false, head.tokens, size, dquery, dqueries.columns},
                           scratch.packed);
          turn(slopes);
          backend_.product({turned, head.queries, head.tokens, head.query, head.query_stride, false, head.queries, size, dkey, dkeys.columns},
                           scratch.packed);
          if (terms.backward) terms.backward(head, slopes, dquery, dkey);
        });
      });
    });
    drop(weights);
  });
}

template Tape<float>::Value Tape<float>::attend(Value, Value, const Unit&, const TapeAttention&, const ScoreTerms<float>&);
template Tape<double>::Value Tape<double>::attend(Value, Value, const Unit&, const TapeAttention&, const ScoreTerms<double>&);

}  // namespace filbert
