// What commands say on standard error about single texts: the first few by name, the rest counted.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include <filbert/pipeline.h>

#include "cli/output.h"

namespace filbert::cli {

class Warnings {
 public:
  explicit Warnings(Messages& messages) : messages_(messages) {}

  // What is to be said of an answer; `invalid_before` ill-formed sequences were replaced before it, beside those of the answer.
  void answer(const std::string& where, const Classification& answer, std::size_t invalid_before = 0);
  void truncated(const std::string& where, std::size_t tokens_total, std::size_t tokens_used);
  void invalid_utf8(const std::string& where, std::size_t sequences);
  void not_finite(const std::string& where);
  void not_answered(const std::string& message);

  // Says how many of each kind were not named. To be called once, at the end.
  void summarize();

 private:
  void add(const std::string& kind, const std::string& message);

  Messages& messages_;
  std::map<std::string, std::size_t> counts_;  // by kind: "truncated"
};

}  // namespace filbert::cli
