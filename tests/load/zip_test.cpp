// The reader of zip archives: what torch.save writes is found where it lies, every lie is named.
#include "load/zip.h"

#include <string>

#include <gtest/gtest.h>

#include "reference/array_file.h"
#include "reference/expect_error.h"
#include "reference/torch_file.h"

namespace filbert {
namespace {

using namespace reference;

auto entries_of(const std::string& file) { return read_zip(std::as_bytes(std::span(file)), "a.bin"); }

std::string bytes_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string two_entries(bool zip64 = false) { return zip_bytes({{"archive/one", "first"}, {"archive/data/2", "second"}}, zip64); }

// `file` with `width` bytes replaced, `at` bytes after the `count`th place where `mark` stands.
std::string patched(std::string file, std::string_view mark, int count, std::size_t at, std::uint64_t number, std::size_t width) {
  std::size_t place = file.find(mark);
  for (; count > 0; --count) place = file.find(mark, place + 1);
  return file.replace(place + at, width, little_endian(number, width));
}
constexpr std::string_view kEntry = "PK\3\4", kListed = "PK\1\2", kEnd = "PK\5\6", kEnd64 = "PK\6\6", kLocator64 = "PK\6\7";

void expect_corrupt_zip(const std::string& file, std::initializer_list<std::string_view> parts = {"a.bin"}) {
  expect_error(ErrorKind::corrupt, parts, [&] { entries_of(file); });
}

TEST(Zip, EntriesAreViewsOfTheFile) {
  for (const bool zip64 : {false, true}) {
    const std::string file = two_entries(zip64);
    const auto entries = entries_of(file);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(bytes_of(entries.at("archive/one")), "first");
    EXPECT_EQ(bytes_of(entries.at("archive/data/2")), "second");
    EXPECT_EQ(reinterpret_cast<const char*>(entries.at("archive/one").data()), file.data() + file.find("first"));
  }
  EXPECT_TRUE(entries_of(zip_bytes({})).empty());
}

TEST(Zip, AnArchiveMayEndWithAComment) {
  const std::string file = two_entries();
  EXPECT_EQ(entries_of(patched(file, kEnd, 0, 20, 3, 2) + "abc").size(), 2u);
  expect_corrupt_zip(file + "abc");
}

TEST(Zip, FilesCutShortAreErrors) {
  for (const bool zip64 : {false, true}) {
    const std::string file = two_entries(zip64);
    for (std::size_t bytes = 0; bytes < file.size(); ++bytes) expect_corrupt_zip(file.substr(0, bytes));
  }
}

TEST(Zip, CompressedAndEncryptedEntriesAreUnsupported) {
  for (const auto& [at, what] : {std::pair{10, "compressed"}, std::pair{8, "encrypted"}}) {
    const std::string file = patched(two_entries(), kListed, 1, static_cast<std::size_t>(at), at == 10 ? 8 : 1, 2);
    expect_error(ErrorKind::unsupported, {"a.bin", "archive/data/2", what}, [&] { entries_of(file); });
  }
}

TEST(Zip, SizesAndPlacesThatLie) {
  const std::string file = two_entries();
  expect_corrupt_zip(patched(file, kListed, 0, 20, 4, 4), {"archive/one", "stored in 4 bytes, of 5"});
  for (const std::uint64_t size : {200u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    expect_corrupt_zip(patched(patched(file, kListed, 0, 20, size, 4), kListed, 0, 24, size, 4), {"archive/one"});
  }
  for (const std::uint64_t begin : {1u, 60u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    expect_corrupt_zip(patched(file, kListed, 1, 42, begin, 4), {"archive/data/2"});
  }
  expect_corrupt_zip(patched(file, kListed, 1, 42, 0, 4), {"archive/data/2", "something else"});  // the first entry's place
  expect_corrupt_zip(patched(file, kEntry, 0, 26, 0xFFFF, 2), {"archive/one"});
  expect_corrupt_zip(patched(file, kEntry, 0, 28, 0xFFFF, 2), {"archive/one"});
  expect_corrupt_zip(patched(file, kEntry, 0, 0, 0, 1), {"archive/one"});
  expect_corrupt_zip(patched(file, kListed, 0, 28, 0xFFFF, 2));
  expect_corrupt_zip(patched(file, kListed, 1, 0, 0, 1), {"directory"});
}

TEST(Zip, DirectoriesThatLie) {
  const std::string file = two_entries();
  expect_corrupt_zip(patched(file, kEnd, 0, 10, 3, 2), {"3 entries", "lists 2"});
  expect_corrupt_zip(patched(file, kEnd, 0, 12, 1000, 4), {"directory"});
  expect_corrupt_zip(patched(file, kEnd, 0, 16, 0xFFFFFFF0, 4), {"directory"});
  const std::string large = two_entries(true);
  expect_corrupt_zip(patched(large, kLocator64, 0, 8, 0, 8), {"64-bit end"});
  for (const std::uint64_t lie : {1ull << 40, ~0ull, ~0ull - 20}) {
    expect_corrupt_zip(patched(large, kLocator64, 0, 8, lie, 8), {"directory"});
    expect_corrupt_zip(patched(large, kEnd64, 0, 40, lie, 8), {"directory"});
    expect_corrupt_zip(patched(large, kEnd64, 0, 48, lie, 8), {"directory"});
    expect_corrupt_zip(patched(large, kEnd64, 0, 32, lie, 8), {"entries"});
  }
}

TEST(Zip, Zip64FieldsThatLie) {
  const std::string file = two_entries(true);
  const std::size_t extra = 46 + std::string_view("archive/one").size();
  for (const std::uint64_t lie : {1ull << 40, ~0ull, ~0ull - 20}) {
    expect_corrupt_zip(patched(patched(file, kListed, 0, extra + 4, lie, 8), kListed, 0, extra + 12, lie, 8), {"archive/one"});
    expect_corrupt_zip(patched(file, kListed, 0, extra + 20, lie, 8), {"archive/one"});
  }
  expect_corrupt_zip(patched(file, kListed, 0, extra + 2, 16, 2), {"archive/one"});      // two numbers where three are needed
  expect_corrupt_zip(patched(file, kListed, 0, extra + 2, 0xFFFF, 2), {"archive/one"});  // longer than all extra fields
}

TEST(Zip, EntriesThatOverlapAndNamesTwice) {
  std::string inner = zip_bytes({{"b", "inside"}});
  const std::string entry = inner.substr(0, inner.find(kListed)), whole = zip_bytes({{"a", entry + "...."}, {"b", "x"}});
  const std::size_t inside = whole.find(entry);
  expect_corrupt_zip(patched(patched(patched(whole, kListed, 1, 42, inside, 4), kListed, 1, 20, 6, 4), kListed, 1, 24, 6, 4),
                 {"a and b overlap"});
  expect_corrupt_zip(zip_bytes({{"a", "x"}, {"a", "y"}}), {"a.bin", "found a twice"});
}

}  // namespace
}  // namespace filbert
