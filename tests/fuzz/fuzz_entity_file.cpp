// A byte that says whether it is CoNLL's columns or objects, and a file: read as texts with entities or refused, and every entity is a part of its text.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <filbert/error.h>

#include "base/text.h"
#include "cli/entity_gold.h"

namespace {

// A file of this process's own, gone at its end.
struct OwnFile {
  explicit OwnFile(const char* extension)
      : path(std::filesystem::temp_directory_path() / ("filbert_fuzz_" + std::to_string(getpid()) + extension)) {}
  ~OwnFile() {
    std::error_code none;
    std::filesystem::remove(path, none);
  }
  std::filesystem::path path;
};

void check(const filbert::cli::GoldText& text) {
  const std::size_t length = filbert::count_code_points(text.text);
  if (text.words.size() != text.places.size()) std::abort();
  for (const filbert::Offset& place : text.places) {
    if (place.begin > place.end || place.end > length) std::abort();
  }
  for (const filbert::EntitySpan& span : text.gold) {
    if (span.begin > span.end || span.end > length) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const OwnFile conll(".conll"), objects(".jsonl");
  filbert::cli::EntityGoldOptions options;
  options.file = data[0] % 2 == 0 ? conll.path : objects.path;
  if ((data[0] & 0x80) != 0) options.rules = static_cast<filbert::SpanRules>(data[0] / 2 % 7);
  std::ofstream(options.file, std::ios::binary).write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  try {
    for (const filbert::cli::GoldText& text : filbert::cli::read_entities(options, {{0, "O"}, {1, "B-PER"}, {2, "I-PER"}}).texts) check(text);
  } catch (const filbert::Error&) {
  }
  return 0;
}
