// From byte offsets to the unit a caller counts in. Tested by offsets_test.cpp.
#pragma once

#include <span>
#include <string_view>

#include <filbert/tokenizer.h>

namespace filbert {

// Changes `offsets`, bytes of replace_invalid_utf8(text), to `unit`s of `text`; an ill-formed sequence is one code
// point, one UTF-16 unit, and the bytes that it is. Offsets that ascend cost one pass over the text.
void convert_offsets(std::string_view text, OffsetUnit unit, std::span<Offset> offsets);

}  // namespace filbert
