// The fields of config.json that only one family has (Config::json), by name, with the defaults of its configuration class.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <filbert/config.h>

#include "base/json.h"

namespace filbert {

// What no field is above, whatever its meaning, and how wide a convolution can be.
constexpr std::size_t kMostOfAField = 1'000'000'000, kMostConvKernel = 65'535;

// Each throws Error(corrupt) if the field is of another type or out of range.
class FamilyFields {
 public:
  explicit FamilyFields(const Config& config) : document_(config.json, config.path.string()) {}

  bool flag(std::string_view key, bool otherwise) const;
  std::size_t size(std::string_view key, std::size_t otherwise, std::size_t least, std::size_t most) const;
  std::string text(std::string_view key, std::string_view otherwise) const;
  bool is_null(std::string_view key) const;  // there, and null

 private:
  JsonDocument document_;
};

// Error(unsupported) "config.json: field: expected …, found …".
[[noreturn]] void refuse(const Config& config, std::string_view field, std::string_view expected, std::string_view found);

}  // namespace filbert
