#include "tokenize/chunks.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenize/chunk_cache.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

std::vector<std::string> pieces_of(std::string_view text, std::size_t begin, std::size_t end) {
  std::vector<std::string> pieces;
  for_each_chunk(
      text, begin, end, [&](std::size_t from, std::size_t to) { pieces.emplace_back(text.substr(from, to - from)); },
      [&](std::size_t at) { pieces.push_back(std::string("mark ") + text[at]); });
  return pieces;
}

TEST(Chunks, EndAtWhiteSpaceAndPunctuation) {
  const std::string_view text = " Don't  stop,\tétés!";
  EXPECT_EQ(pieces_of(text, 0, text.size()),
            (std::vector<std::string>{"Don", "mark '", "t", "stop", "mark ,", "étés", "mark !"}));
  EXPECT_EQ(pieces_of(text, 2, 4), (std::vector<std::string>{"on"}));
  EXPECT_TRUE(pieces_of(text, 3, 3).empty());
}

// What the tables of Unicode say, less the white space that cleaning removes.
TEST(Chunks, EveryByteIsOfTheKindThatTheTablesSay) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const auto flags = byte < 0x80 ? unicode::flags(static_cast<char32_t>(byte)) : std::uint8_t{0};
    const ChunkEnds ends = chunk_ends({&c, 1});
    EXPECT_EQ(ends.spaces, (flags & unicode::kSpace) != 0 && (flags & unicode::kRemoved) == 0) << byte;
    EXPECT_EQ(ends.marks, (flags & unicode::kPunctuation) != 0) << byte;
  }
}

TEST(Chunks, AChunkMayLieAcrossBlocks) {
  for (std::size_t before = 0; before < 130; ++before) {
    const std::string text = std::string(before, ' ') + std::string(100, 'x') + "!" + std::string(before, 'y');
    std::vector<std::string> expected = {std::string(100, 'x'), "mark !"};
    if (before > 0) expected.emplace_back(before, 'y');
    EXPECT_EQ(pieces_of(text, 0, text.size()), expected) << before;
  }
}

TEST(ChunkCache, KnowsWhatWasPutLastAndNothingLong) {
  ChunkCache cache;
  const std::vector<std::int32_t> ids = {5, 6, 7, 8};
  EXPECT_EQ(cache.find(ShortString("a")), nullptr);
  for (std::size_t size = 0; size <= 4; ++size) {
    const ShortString chunk("a" + std::to_string(size));
    cache.put(chunk, std::span(ids).first(size));
    const auto* found = cache.find(chunk);
    ASSERT_EQ(found != nullptr, size <= ChunkCache::kMaxIds);
    if (found == nullptr) continue;
    EXPECT_EQ(found->size, size);
    EXPECT_TRUE(std::equal(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(size), found->ids));
  }
  for (int i = 0; i < 100'000; ++i) {  // far more than it holds
    const ShortString chunk(std::to_string(i));
    const std::int32_t id = i;
    cache.put(chunk, {&id, 1});
    ASSERT_NE(cache.find(chunk), nullptr);
    EXPECT_EQ(cache.find(chunk)->ids[0], i);
  }
}

}  // namespace
}  // namespace filbert
