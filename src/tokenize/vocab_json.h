// The vocabulary of a tokenizer.json's model, or a vocab.json: an object from tokens to ids.
#pragma once

#include "base/json.h"
#include "tokenize/vocab.h"

namespace filbert {

// Throws Error(corrupt).
Vocab vocab_from_json(const JsonValue& vocab);

}  // namespace filbert
