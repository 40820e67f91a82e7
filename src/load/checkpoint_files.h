// The names of the files that a checkpoint can hold: what is downloaded, copied and read.
#pragma once

#include <array>

namespace filbert {

// Read beside a vocabulary; and the vocabularies, of which tokenizer.json makes the others needless.
inline constexpr std::array kTokenizerFiles = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};
inline constexpr std::array kVocabularyFiles = {"vocab.txt",    "vocab.json",   "merges.txt",
                                                "spiece.model", "spm.model",    "sentencepiece.bpe.model"};

// By preference, in transformers' own order. An index names the files that the weights are in.
struct WeightFileName {
  const char* name;
  bool is_pytorch;
  bool is_index;
};
inline constexpr std::array kWeightFiles = {
    WeightFileName{"model.safetensors", false, false},
    WeightFileName{"model.safetensors.index.json", false, true},
    WeightFileName{"pytorch_model.bin", true, false},
    WeightFileName{"pytorch_model.bin.index.json", true, true},
};

}  // namespace filbert
