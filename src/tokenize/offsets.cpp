#include "tokenize/offsets.h"

#include <algorithm>

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

// A place in a text: in bytes once repaired, in bytes as given, and in units.
struct Place {
  std::size_t repaired = 0, given = 0, units = 0;
};

class Walker {
 public:
  Walker(std::string_view text, OffsetUnit unit) : text_(text), unit_(unit) {}

  Offset convert(Offset bytes) {
    begin_ = walk(bytes.begin >= end_.repaired ? end_ : bytes.begin >= begin_.repaired ? begin_ : Place{}, bytes.begin);
    end_ = walk(bytes.end >= end_.repaired ? end_ : begin_, bytes.end);
    return {begin_.units, end_.units};
  }

 private:
  Place walk(Place place, std::size_t repaired) const {
    while (place.repaired < repaired) {
      const DecodedChar c = decode_utf8(text_, place.given);
      place.repaired += unicode::utf8_length(c.code_point);
      place.given += c.bytes;
      place.units += unit_ == OffsetUnit::bytes ? c.bytes : unit_ == OffsetUnit::utf16 && c.code_point > 0xFFFF ? 2 : 1;
    }
    return place;
  }

  std::string_view text_;
  OffsetUnit unit_;
  Place begin_, end_;  // of the last offset
};

}  // namespace

void convert_offsets(std::string_view text, OffsetUnit unit, std::span<Offset> offsets) {
  if (std::none_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; }))
    return;
  Walker walker(text, unit);
  for (Offset& offset : offsets) offset = walker.convert(offset);
}

}  // namespace filbert
