// Labels a line each, their other names likewise, and a value, NUL bytes between: what a value means is a label, and names mean their own.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>

#include "evaluate/gold_labels.h"
#include "fuzz/parts.h"

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = filbert::parts(data, size, 3);
  const std::vector<std::string> labels = lines_of(parts[0]);
  filbert::OtherNames others{.names = lines_of(parts[1]), .ids = {}};
  if (labels.empty()) others.names.clear();
  for (std::size_t at = 0; at < others.names.size(); ++at) others.ids.push_back(static_cast<std::int32_t>(at % labels.size()));
  const filbert::GoldLabels gold(labels, {}, others);
  const auto check = [&](std::string_view value) {
    const auto id = gold.find(value);
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= labels.size())) std::abort();
    return id;
  };
  for (const std::string& label : labels) {
    const auto id = check(label);
    if (!id || labels[static_cast<std::size_t>(*id)] != label) std::abort();
  }
  for (const std::string& name : others.names) {
    if (!check(name)) std::abort();
  }
  const auto meant = check(parts[2]);
  if (!meant) gold.nearest_to(parts[2]);
  try {
    const filbert::GoldLabels mapped(labels, {{"mapped", std::string(parts[2])}}, others);
    if (mapped.find("mapped") != meant) std::abort();
  } catch (const filbert::Error&) {
    if (meant) std::abort();
  }
  return 0;
}
