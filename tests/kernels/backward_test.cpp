// Derivatives: the plain ones against central differences in double, those of every table against the plain ones.
#include "kernels/backward.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

constexpr Activation kDerivedActivations[] = {Activation::none, Activation::gelu, Activation::gelu_tanh, Activation::gelu_fast,
                                       Activation::quick_gelu, Activation::relu, Activation::silu, Activation::tanh};

template <typename T>
std::vector<T> random_numbers(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-scale, scale);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(uniform(random));
  return values;
}

// Σ weight · f(x), differentiated by x[at].
double central_difference(std::vector<double> x, std::size_t at, const std::vector<double>& weight,
                          const std::function<std::vector<double>(std::vector<double>)>& f) {
  constexpr double kStep = 1e-5;
  const auto value = [&](double step) {
    std::vector<double> moved = x;
    moved[at] += step;
    const std::vector<double> y = f(moved);
    double sum = 0;
    for (std::size_t index = 0; index < y.size(); ++index) sum += weight[index] * y[index];
    return sum;
  };
  return (value(kStep) - value(-kStep)) / (2 * kStep);
}

TEST(PlainDerivatives, ActivationsAreTheirSlopes) {
  for (const Activation activation : kDerivedActivations) {
    for (double x = -5.003; x < 5; x += 0.1) {
      const double expected = central_difference({x}, 0, {1}, [&](std::vector<double> at) { return std::vector{plain::activate(activation, at[0])}; });
      EXPECT_NEAR(plain::slope(activation, x), expected, 1e-9) << static_cast<int>(activation) << " at " << x;
    }
  }
}

TEST(PlainDerivatives, LayerNormAndSoftmaxFollowTheirSums) {
  for (const std::size_t columns : {2u, 3u, 17u}) {
    const auto x = random_numbers<double>(columns, 1, 2), dy = random_numbers<double>(columns, 2);
    const auto weight = random_numbers<float>(columns, 3), bias = random_numbers<float>(columns, 4);
    std::vector<double> dx(columns), ds = dy;
    plain::layer_norm_backward(x.data(), dy.data(), weight.data(), 1e-5, columns, dx.data());
    const auto normed = [&](std::vector<double> at) {
      std::vector<double> y(columns);
      plain::layer_norm(at.data(), weight.data(), bias.data(), 1e-5, columns, y.data());
      return y;
    };
    const auto shares = [&](std::vector<double> at) {
      plain::softmax(at.data(), columns, 0.25);
      return at;
    };
    const std::vector<double> p = shares(x);
    plain::softmax_backward(p.data(), columns, 0.25, ds.data());
    for (std::size_t at = 0; at < columns; ++at) {
      EXPECT_NEAR(dx[at], central_difference(x, at, dy, normed), 1e-8 * (1 + std::abs(dx[at])));
      EXPECT_NEAR(ds[at], central_difference(x, at, dy, shares), 1e-9);
    }
  }
}

class Derivatives : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(EveryTable, Derivatives, testing::ValuesIn(available_tables()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST_P(Derivatives, OfActivationsAreThePlainOnes) {
  std::vector<float> x;
  for (int step = -2000; step <= 2000; ++step) x.push_back(static_cast<float>(step) * 0.005f + 0.0013f);
  for (const float extreme : {30.0f, -30.0f, 300.0f, -300.0f}) x.push_back(extreme);
  const auto dy = random_numbers<float>(x.size(), 5);
  std::vector<float> dx(x.size());
  for (const Activation activation : kDerivedActivations) {
    table.activate_backward(activation, x.data(), dy.data(), x.size(), dx.data());
    for (std::size_t at = 0; at < x.size(); ++at) {
      const double expected = static_cast<double>(dy[at]) * plain::slope(activation, static_cast<double>(x[at]));
      ASSERT_NEAR(dx[at], expected, 2e-6) << static_cast<int>(activation) << " at " << x[at];
    }
  }
}

TEST_P(Derivatives, OfLayerNormAndSoftmaxAreThePlainOnes) {
  for (const std::size_t columns : {2u, 7u, 8u, 31u, 384u, 1000u}) {
    const auto x = random_numbers<float>(columns, 6, 3), dy = random_numbers<float>(columns, 7), weight = random_numbers<float>(columns, 8);
    const std::vector<double> exact_x(x.begin(), x.end()), exact_dy(dy.begin(), dy.end());
    std::vector<float> dx(columns), p = x, ds = dy;
    std::vector<double> exact_dx(columns), exact_p = exact_x, exact_ds = exact_dy;
    table.layer_norm_backward(x.data(), dy.data(), weight.data(), 1e-5f, columns, dx.data());
    plain::layer_norm_backward(exact_x.data(), exact_dy.data(), weight.data(), 1e-5, columns, exact_dx.data());
    table.softmax(p.data(), columns, 0.5f);
    table.softmax_backward(p.data(), columns, 0.5f, ds.data());
    plain::softmax(exact_p.data(), columns, 0.5);
    plain::softmax_backward(exact_p.data(), columns, 0.5, exact_ds.data());
    for (std::size_t at = 0; at < columns; ++at) {
      ASSERT_NEAR(dx[at], exact_dx[at], 3e-6) << columns;
      ASSERT_NEAR(ds[at], exact_ds[at], 1e-6) << columns;
    }
  }
}

TEST_P(Derivatives, InPlaceIsTheSame) {
  const auto x = random_numbers<float>(100, 9), dy = random_numbers<float>(100, 10), weight = random_numbers<float>(100, 11);
  std::vector<float> apart(100), together = dy;
  table.layer_norm_backward(x.data(), dy.data(), weight.data(), 1e-5f, 100, apart.data());
  table.layer_norm_backward(x.data(), together.data(), weight.data(), 1e-5f, 100, together.data());
  EXPECT_EQ(apart, together);
}

}  // namespace
}  // namespace filbert
