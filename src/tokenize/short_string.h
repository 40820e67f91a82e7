// Up to 15 bytes of text as two numbers, so that to hash, compare, shorten and lower-case them takes a few instructions.
// Most words and nearly all pieces are that short. Tested by short_string_test.cpp.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace filbert {

static_assert(std::endian::native == std::endian::little, "the first byte of a text is the lowest of a number");

class ShortString {
 public:
  static constexpr std::size_t kMaxBytes = 15;

  ShortString() = default;
  // text[begin, end), at most kMaxBytes.
  ShortString(std::string_view text, std::size_t begin, std::size_t end) {
    const char* from = text.data() + begin;
    const std::size_t bytes = end - begin;
    if (text.size() - begin >= kSize) {  // the bytes after it are there, and are masked away
      std::memcpy(&low_, from, 8);
      std::memcpy(&high_, from + 8, 8);
      *this = first(bytes);
    } else {
      load(from, bytes);
    }
  }
  explicit ShortString(std::string_view text) : ShortString(text, 0, text.size()) {}

  // Its first `bytes` bytes.
  ShortString first(std::size_t bytes) const {
    std::uint64_t mask_low, mask_high;
    std::memcpy(&mask_low, kMask.data() + kSize - bytes, 8);
    std::memcpy(&mask_high, kMask.data() + kSize - bytes + 8, 8);
    return {low_ & mask_low, (high_ & mask_high) | std::uint64_t{bytes} << kLengthShift};
  }
  // Followed by `other`; what goes past kMaxBytes must not be.
  ShortString with(const ShortString& other) const {
    const std::size_t bytes = size(), shift = 8 * (bytes % 8);
    if (bytes == 0) return other;
    const std::uint64_t high = other.high_ & kTextOfHigh;
    ShortString both = *this;
    if (bytes >= 8) {
      both.high_ |= other.low_ << shift;
    } else {
      both.low_ |= other.low_ << shift;
      both.high_ |= other.low_ >> (64 - shift) | high << shift;
    }
    both.high_ += std::uint64_t{other.size()} << kLengthShift;
    return both;
  }
  // With ASCII letters in lower case.
  ShortString lowered() const { return {low_ | upper_case_bits(low_), high_ | upper_case_bits(high_)}; }

  std::size_t size() const { return high_ >> kLengthShift; }
  bool operator==(const ShortString& other) const { return ((low_ ^ other.low_) | (high_ ^ other.high_)) == 0; }
  // Every bit of it depends on every byte.
  std::uint64_t hash() const {
    std::uint64_t hash = (low_ ^ std::rotl(high_ * 0x9E3779B97F4A7C15u, 32)) * 0xC2B2AE3D27D4EB4Fu;
    hash = (hash ^ hash >> 32) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
  }

 private:
  static constexpr std::size_t kSize = 16;
  static constexpr int kLengthShift = 56;  // the last byte is the length: "a" and "a\0" differ
  static constexpr std::uint64_t kTextOfHigh = (std::uint64_t{1} << kLengthShift) - 1;
  static constexpr std::array<unsigned char, 2 * kSize> kMask = [] {  // from kSize - n on, n of 16 bytes are set
    std::array<unsigned char, 2 * kSize> mask{};
    for (std::size_t i = 0; i < kSize; ++i) mask[i] = 0xFF;
    return mask;
  }();

  ShortString(std::uint64_t low, std::uint64_t high) : low_(low), high_(high) {}

  // 0x20 in each byte that is 'A' to 'Z'. The sums do not carry: the upper bit of each byte is masked before.
  static std::uint64_t upper_case_bits(std::uint64_t bytes) {
    constexpr std::uint64_t kEach = 0x0101010101010101u;
    const std::uint64_t seven_bits = bytes & kEach * 0x7F;
    const std::uint64_t from_a = seven_bits + kEach * (0x80 - 'A'), past_z = seven_bits + kEach * (0x7F - 'Z');
    return ((from_a & ~past_z & ~bytes) & kEach * 0x80) >> 2;
  }

  // Never reads past the end: pieces that overlap.
  void load(const char* from, std::size_t bytes) {
    const auto part = [from](std::size_t at, std::size_t count) {
      std::uint64_t value = 0;
      std::memcpy(&value, from + at, count);
      return value;
    };
    if (bytes >= 8) {
      low_ = part(0, 8);
      high_ = bytes == 8 ? 0 : part(bytes - 8, 8) >> 8 * (16 - bytes);
    } else if (bytes >= 4) {
      low_ = part(0, 4) | part(bytes - 4, 4) << 8 * (bytes - 4);
    } else if (bytes > 0) {
      low_ = part(0, 1) | part(bytes / 2, 1) << 8 * (bytes / 2) | part(bytes - 1, 1) << 8 * (bytes - 1);
    }
    high_ |= std::uint64_t{bytes} << kLengthShift;
  }

  std::uint64_t low_ = 0, high_ = 0;
};

}  // namespace filbert
