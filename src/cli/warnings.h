// What classify and tokenize say on standard error about single texts: the first few by name, the rest counted.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "cli/output.h"

namespace filbert::cli {

class Warnings {
 public:
  explicit Warnings(Messages& messages) : messages_(messages) {}

  void truncated(const std::string& where, std::size_t tokens_total, std::size_t tokens_used);
  void invalid_utf8(const std::string& where, std::size_t sequences);
  void not_finite(const std::string& where);

  // Says how many of each kind were not named. To be called once, at the end.
  void summarize();

 private:
  void add(const std::string& kind, const std::string& message);

  Messages& messages_;
  std::map<std::string, std::size_t> counts_;  // by kind: "truncated"
};

}  // namespace filbert::cli
