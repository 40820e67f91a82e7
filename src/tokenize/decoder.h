// Section `decoder` of a tokenizer.json: from tokens back to text, a list of steps, each a list of strings in and a list out. Tested by
// decoder_test.cpp and, against tokenizers itself, by tests/parity/decoder_parity.py.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>

#include "base/json.h"
#include "tokenize/normalizer_steps.h"

namespace filbert {

// A row of the table in decoder.cpp, with what the file says of it.
struct DecoderStep {
  using Apply = void (*)(const DecoderStep& step, std::vector<std::string>& tokens);

  Apply apply = nullptr;
  std::string text = {};    // WordPiece: before tokens that go on; Metaspace, BPEDecoder: what stands for a space; Strip: a character; Replace: what is put
  bool is_on = false;       // WordPiece: cleanup; Metaspace: the first token's space was put there, and goes
  std::size_t start = 0, stop = 0;  // Strip
  Pattern pattern = {};             // Replace
};

struct Decoder {
  // What a tokenizer.json says. Never throws: what cannot be read is kept for decode(), so that a checkpoint that only classifies loads.
  static Decoder from_json(const JsonValue& decoder);
  // Those that classes of transformers have.
  static Decoder word_piece(std::string_view prefix);
  static Decoder byte_level();
  static Decoder metaspace(bool prepends);

  // Tokens are valid UTF-8. Without steps they are joined by spaces. Throws Error: unsupported (a type, by its name), corrupt.
  std::string decode(std::vector<std::string> tokens) const;

  bool is_given = false;  // else there is no section
  std::vector<DecoderStep> steps;
  std::optional<Error> error;  // why it could not be read
};

// transformers' clean_up_tokenization: "do n't ." becomes "don't."
std::string clean_up_tokenization(std::string text);

}  // namespace filbert
