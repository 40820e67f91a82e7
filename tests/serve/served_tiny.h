// A tiny model as the server has it, for tests.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "reference/tiny_checkpoint.h"
#include "serve/served_models.h"

namespace filbert::reference {

// Of three labels and rows of up to 24 tokens. One thread: what these tests are about is around the model.
inline std::shared_ptr<const serve::ServedModel> served_tiny(std::string name = "tiny", int seed = 21) {
  const TemporaryDirectory directory =
      write_checkpoint({.seed = static_cast<unsigned>(seed), .max_position_embeddings = 24, .labels = {"bad", "so-so", "good"}});
  return serve::make_served_model(name, name, "0", pipeline("text-classification", directory.path(), {.num_threads = 1}));
}

}  // namespace filbert::reference
