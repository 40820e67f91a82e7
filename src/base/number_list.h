// Numbers as people list them. Tested by number_list_test.cpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace filbert {

// "0,2,5-7" → {0, 2, 5, 6, 7}. Throws Error(invalid_argument) that begins with `name` for anything else, for numbers above 9999, and for more than
// so many.
std::vector<std::size_t> parse_number_list(std::string_view name, std::string_view text);

}  // namespace filbert
