// The model behind a game: texts with parts masked in, logits out. Equal texts are run once, over all that an explainer asks. Tested by
// predictor_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <filbert/pipeline.h>

namespace filbert {

struct MaskedText {
  std::string text;
  std::optional<std::string> text_pair = {};
};

// Not for several threads at once: the threads are the model's. `classifier` must outlive it.
class Predictor {
 public:
  Predictor(const TextClassificationPipeline& classifier, const ClassifyOptions& options) : classifier_(classifier), options_(options) {}

  // [texts, num_labels]: a row is what the pipeline computes for that text alone, bit for bit, in whatever company. Throws what the
  // pipeline throws.
  Tensor logits(std::span<const MaskedText> texts);

  // The pipeline's own answer for a text, and how long it took: it counts as run.
  void know(const MaskedText& text, std::span<const float> logits, double seconds);

  // Texts asked for since the last start_count(), equal ones once (as far as answers are kept).
  void start_count() { ++count_number_, count_ = 0; }
  std::size_t count() const { return count_; }
  // Texts that went through the model, and how long one took on average; 0 before the first.
  std::size_t texts_run() const { return texts_run_; }
  double seconds_of_a_text() const { return texts_run_ == 0 ? 0 : seconds_run_ / static_cast<double>(texts_run_); }

  // Answers that are kept; what comes after them is run anew each time, so that memory has an end.
  static constexpr std::size_t kMaxKept = 1 << 17;

 private:
  struct Kept {
    std::vector<float> logits;
    std::uint64_t counted_in = 0;  // the last count that it is in
  };
  // The logits of `texts`, all of them run.
  Tensor run(std::span<const MaskedText* const> texts);

  const TextClassificationPipeline& classifier_;
  ClassifyOptions options_;
  std::unordered_map<std::string, Kept> kept_;  // by the text, of a long one its sha256
  std::uint64_t count_number_ = 0;
  std::size_t count_ = 0;
  std::size_t texts_run_ = 0;
  double seconds_run_ = 0;
};

}  // namespace filbert
