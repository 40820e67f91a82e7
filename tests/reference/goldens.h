// What tools/make_goldens.py recorded from transformers, checked to belong to the weights that lie beside it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "reference/rows.h"
#include "reference/sanitizers.h"

namespace filbert::reference {

struct GoldenRow {
  std::string text;  // of the built-in models only
  Row row;
  std::vector<double> logits;  // of a token classifier [tokens, labels]
};

struct TinyGoldens {
  std::filesystem::path directory;  // the checkpoint
  std::vector<GoldenRow> rows;
};

// tests/data/tiny/*, each a checkpoint that transformers wrote. Throws std::runtime_error if there are none, or if the
// goldens are those of other weights.
std::vector<TinyGoldens> tiny_goldens();

struct TextGoldens {
  std::size_t max_length = 0;
  std::vector<GoldenRow> rows;
};
// tests/data/stars-en.goldens.jsonl and entities-en.goldens.jsonl. Throw std::runtime_error likewise, saying how to make them anew.
TextGoldens stars_en_goldens();
TextGoldens entities_en_goldens();

// How many of those a test computes.
constexpr std::size_t kComputedTexts = kUnderSanitizer ? 10 : 200;

// Of the repository that these tests were built from.
std::filesystem::path source_directory();
std::filesystem::path stars_en_directory();
std::filesystem::path entities_en_directory();
// tests/data/pytorch/`name`: the same tensors, and the same checkpoint, in every kind of weight file.
std::filesystem::path pytorch_fixture(std::string_view name);

// FIPS 180-4, as hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace filbert::reference
