// Where and with which weight to look at a function so that polynomials of degree 2n − 1 are integrated exactly by n looks (Gauss–Legendre).
#pragma once

#include <cstddef>
#include <vector>

namespace filbert {

struct Quadrature {
  std::vector<double> nodes, weights;  // [n], nodes ascending
};

// Over [0, 1]. n ≥ 1. Within 1e-14 of numpy.polynomial.legendre.leggauss, which is over [−1, 1].
Quadrature gauss_legendre(std::size_t n);

}  // namespace filbert
