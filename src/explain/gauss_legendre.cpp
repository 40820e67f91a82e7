#include "explain/gauss_legendre.h"

#include <cmath>
#include <numbers>

namespace filbert {
namespace {

struct Legendre {
  double value, slope;
};

// P_n(x) by the recurrence of three terms, and its derivative.
Legendre legendre(std::size_t n, double x) {
  double before = 1, value = x;
  for (std::size_t degree = 2; degree <= n; ++degree) {
    const auto k = static_cast<double>(degree);
    const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
    before = value;
    value = next;
  }
  return {value, static_cast<double>(n) * (x * value - before) / (x * x - 1)};
}

}  // namespace

Quadrature gauss_legendre(std::size_t n) {
  if (n == 1) return {{0.5}, {1.0}};
  Quadrature rule{std::vector<double>(n), std::vector<double>(n)};
  for (std::size_t at = 0; at < n; ++at) {
    // The zeros of P_n, from the largest; Newton's steps from Tricomi's approximation.
    double x = std::cos(std::numbers::pi * (static_cast<double>(at) + 0.75) / (static_cast<double>(n) + 0.5));
    for (int step = 0; step < 8; ++step) {
      const Legendre p = legendre(n, x);
      const double change = p.value / p.slope;
      x -= change;
      if (std::abs(change) < 1e-16) break;
    }
    const double slope = legendre(n, x).slope;
    rule.nodes[n - 1 - at] = (1 + x) / 2;
    rule.weights[n - 1 - at] = 1 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

}  // namespace filbert
