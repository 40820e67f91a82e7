// HTML as a strict reader takes it apart, for tests of the pages.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace filbert::reference {

std::size_t count_of_all(const std::string& page, std::string_view what);
bool has(const std::string& page, std::string_view what);
// What stands between `begin` and the `end` behind it; empty if there is none.
std::string between(const std::string& page, const std::string& begin, const std::string& end);

// Every tag is one of ours, with attributes that are ours; nothing closes what it did not open.
struct Tags {
  std::vector<std::string> problems;
  std::map<std::string, int> count;
};
Tags read_tags(const std::string& page);

}  // namespace filbert::reference
