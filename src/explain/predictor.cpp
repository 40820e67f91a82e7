#include "explain/predictor.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/sha256.h"

namespace filbert {
namespace {

// The texts themselves, or what is shorter and as good.
std::string key_of(const MaskedText& text) {
  constexpr std::size_t kMaxBytes = 256;
  std::string key = text.text_pair ? std::to_string(text.text.size()) + ':' + text.text + *text.text_pair : ':' + text.text;
  return key.size() <= kMaxBytes ? key : sha256_of(key);
}

}  // namespace

void Predictor::know(const MaskedText& text, std::span<const float> logits, double seconds) {
  kept_.emplace(key_of(text), Kept{{logits.begin(), logits.end()}, 0});
  ++texts_run_;
  seconds_run_ += seconds;
}

Tensor Predictor::run(std::span<const MaskedText* const> texts) {
  std::vector<TextInput> inputs;
  inputs.reserve(texts.size());
  for (const MaskedText* text : texts) inputs.push_back({text->text, text->text_pair});
  const auto start = std::chrono::steady_clock::now();
  Tensor logits = classifier_.model()(classifier_.tokenize(inputs, options_)).logits;
  seconds_run_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  texts_run_ += texts.size();
  return logits;
}

Tensor Predictor::logits(std::span<const MaskedText> texts) {
  Tensor answers({texts.size(), classifier_.config().num_labels()});
  std::vector<std::string> keys(texts.size());
  std::unordered_map<std::string_view, std::size_t> missing;  // key → row of `wanted`
  std::vector<const MaskedText*> wanted;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    keys[text] = key_of(texts[text]);
    if (const auto known = kept_.find(keys[text]); known != kept_.end()) {
      if (std::exchange(known->second.counted_in, count_number_) != count_number_) ++count_;
    } else if (missing.try_emplace(keys[text], wanted.size()).second) {
      wanted.push_back(&texts[text]);
      ++count_;
    }
  }
  const Tensor run_now = wanted.empty() ? Tensor() : run(wanted);
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const auto row = missing.find(keys[text]);
    const std::span<const float> logits = row == missing.end() ? std::span<const float>(kept_.at(keys[text]).logits) : run_now[row->second];
    std::copy(logits.begin(), logits.end(), answers[text].begin());
  }
  for (const auto& [key, row] : missing) {
    if (kept_.size() >= kMaxKept) break;
    kept_.emplace(key, Kept{{run_now[row].begin(), run_now[row].end()}, count_number_});
  }
  return answers;
}

}  // namespace filbert
