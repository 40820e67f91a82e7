// Times a way back beside its way forth: backward CHECKPOINT [--rounds N] [--threads N]. Prints a JSON line for each shape: the median seconds of the
// forward pass, of backpropagate(), which runs one of its own, and how many forward passes the way back costs beyond that.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <filbert/error.h>

#include "gradients/backpropagation.h"
#include "infer/model.h"

namespace filbert {
namespace {

struct Shape {
  std::size_t rows, tokens;
};
constexpr Shape kShapes[] = {{1, 8}, {1, 32}, {1, 128}, {8, 128}, {50, 32}};

BatchEncoding batch_of(const Shape& shape, const Config& config) {
  BatchEncoding batch;
  for (std::size_t row = 0; row < shape.rows; ++row) {
    std::vector<std::int32_t> ids;
    for (std::size_t token = 0; token < shape.tokens; ++token) {
      ids.push_back(static_cast<std::int32_t>((row * 7919 + token * 104729 + 1000) % config.vocab_size));  // no two rows are equal
    }
    batch.add_row(ids, std::vector<std::int32_t>(shape.tokens, 0));
  }
  return batch;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <typename Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void time_shape(const Model& model, const Shape& shape, int rounds) {
  const BatchEncoding batch = batch_of(shape, model.config);
  const auto x = input_vectors<float>(model, batch, GradientInput::words);
  const LogitGradient<float> first_label = [](std::size_t, std::span<const float>, std::span<float> gradient) {
    std::ranges::fill(gradient, 0.0f);
    gradient[0] = 1;
  };
  std::vector<double> forward, both;
  for (int round = -1; round < rounds; ++round) {  // the first warms up
    const double one = seconds_of([&] { model.logits(batch); });
    const double two = seconds_of([&] { backpropagate<float>(model, batch, x, first_label); });
    if (round < 0) continue;
    forward.push_back(one);
    both.push_back(two);
  }
  std::printf(R"({"rows": %zu, "tokens": %zu, "forward": %.6f, "with_backward": %.6f, "backward_in_forwards": %.3f})" "\n", shape.rows, shape.tokens,
              median(forward), median(both), median(both) / median(forward) - 1);
}

int run(int argc, char** argv) {
  int rounds = 15;
  unsigned threads = 0;
  for (int at = 2; at + 1 < argc; at += 2) {
    (std::strcmp(argv[at], "--rounds") == 0 ? rounds : reinterpret_cast<int&>(threads)) = std::atoi(argv[at + 1]);
  }
  if (argc < 2) {
    std::fputs("usage: backward CHECKPOINT [--rounds N] [--threads N]\n", stderr);
    return 2;
  }
  const auto model = Model::load(argv[1], {.num_threads = threads, .dtype = ComputeDtype::f32}, choose_table());
  for (const Shape& shape : kShapes) time_shape(*model, shape, rounds);
  return 0;
}

}  // namespace
}  // namespace filbert

int main(int argc, char** argv) {
  try {
    return filbert::run(argc, argv);
  } catch (const filbert::Error& error) {
    std::fprintf(stderr, "backward: %s\n", error.what());
    return 1;
  }
}
