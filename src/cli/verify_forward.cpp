// Does the model run, and does it keep its contracts on texts that it has not seen?
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include <filbert/postprocess.h>

#include "cli/probes.h"
#include "cli/verify_checks.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kAlone = 8;            // rows that are computed once more
constexpr std::size_t kLongestRow = 1024;  // a model may take longer ones, but that takes long

// Loads what was asked for, and f32 to compare it with.
void load_models(Subject& subject) {
  ModelOptions loading = subject.loading;
  loading.dtype = subject.config->is_quantized ? std::nullopt : std::optional(ComputeDtype::f32);
  const auto load = [&](const ModelOptions& options) {
    std::optional<Tokenizer> tokenizer;
    if (subject.tokenizer) tokenizer.emplace(AutoTokenizer::from_pretrained(subject.directory));
    return AnyClassifier(std::move(tokenizer), *subject.config, subject.directory, options);
  };
  subject.exact.emplace(load(loading));
  if (!subject.loading.dtype) return;
  AnyClassifier asked = load(subject.loading);
  if (asked.model().compute_dtype() != subject.exact->model().compute_dtype()) subject.asked = std::move(asked);
}

// The first `count` probes; without a tokenizer rows of ids from all over the table.
BatchEncoding probe_rows(const AnyClassifier& classifier, std::size_t count) {
  if (classifier.has_tokenizer()) {
    std::vector<TextInput> texts;
    for (const Probe& probe : probes().first(count)) texts.push_back({probe.text});
    return classifier.tokenize(texts);
  }
  BatchEncoding rows;
  std::vector<std::int32_t> ids;
  for (std::size_t row = 0; row < count; ++row) {
    ids.clear();
    for (std::size_t token = 0; token < std::min(row + 2, classifier.max_length()); ++token) {
      ids.push_back(static_cast<std::int32_t>((row * 7919 + token * 104729) % classifier.config().vocab_size));
    }
    rows.add_row(ids);
  }
  return rows;
}

// As many tokens as the model takes.
BatchEncoding long_row(const AnyClassifier& classifier, const BatchEncoding& rows) {
  const std::size_t length = std::min(classifier.max_length(), kLongestRow);
  std::vector<std::int32_t> ids;
  while (ids.size() < length) ids.push_back(rows.input_ids[ids.size() % rows.total_tokens()]);
  BatchEncoding row;
  row.add_row(ids);
  return row;
}

bool is_finite(const Tensor& tensor) {
  return std::ranges::all_of(tensor.data, [](float number) { return std::isfinite(number); });
}

BatchEncoding one_row(const BatchEncoding& rows, std::size_t row) {
  const auto part = [&](const std::vector<std::int32_t>& all) { return std::span(all).subspan(rows.row_starts[row], rows.row_length(row)); };
  BatchEncoding alone;
  alone.add_row(part(rows.input_ids), part(rows.token_type_ids));
  return alone;
}

// Softmax gives shares of one, sigmoid each its own.
bool are_scores(const Tensor& scores, FunctionToApply function) {
  constexpr double kSumTolerance = 1e-5;  // rounding of each share to f32
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    double sum = 0;
    for (const float score : scores[row]) {
      if (function != FunctionToApply::none && !(score >= 0 && score <= 1)) return false;
      sum += score;
    }
    if (function == FunctionToApply::softmax && std::abs(sum - 1) > kSumTolerance) return false;
  }
  return true;
}

}  // namespace

void check_forward(Subject& subject, CheckResult& result) {
  if (!subject.has_all_tensors) throw Skip{"there is no model that runs"};
  load_models(subject);
  const AnyClassifier& classifier = subject.need_model();
  const BatchEncoding rows = probe_rows(classifier, probes().size());
  const Tensor logits = classifier.logits(rows);
  const BatchEncoding longest = long_row(classifier, rows);
  const auto function = labels_tokens(classifier.config()) ? FunctionToApply::softmax : default_function_to_apply(classifier.config());
  result.found = fmt::format("{} texts and one of {} tokens in {}: finite logits", rows.batch_size(), longest.total_tokens(),
                             name(classifier.model().compute_dtype()));
  result.facts = {{"compute_dtype", std::string(name(classifier.model().compute_dtype()))},
                  {"kernels", std::string(classifier.model().kernels())},
                  {"max_length", classifier.max_length()}};
  if (!is_finite(logits) || !is_finite(classifier.logits(longest))) {
    result.fail(ErrorKind::corrupt, "logits: expected finite numbers, found NaN or infinity");
    return;
  }
  if (!are_scores(apply(function, logits), function)) result.fail(ErrorKind::corrupt, "scores: expected shares of one, found others");
  const auto is_first = [&](std::size_t row) { return std::ranges::equal(logits[row], logits[0]); };
  bool all_equal = true;
  for (std::size_t row = 1; row < logits.rows(); ++row) all_equal = all_equal && is_first(row);
  if (all_equal) {
    result.warn(fmt::format("the logits of {} {} are all the same", logits.rows(), labels_tokens(classifier.config()) ? "tokens" : "different texts"));
  }
}

void check_batch(Subject& subject, CheckResult& result) {
  const AnyClassifier& classifier = subject.need_model();
  const BatchEncoding rows = probe_rows(classifier, kAlone);
  const Tensor together = classifier.logits(rows);
  std::size_t others = 0;
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    const Tensor alone = classifier.logits(one_row(rows, row));
    const std::span<const float> expected = classifier.of_row(together, rows, row);
    others += alone.data.size() != expected.size() || std::memcmp(alone.data.data(), expected.data(), expected.size_bytes()) != 0;
  }
  result.found = fmt::format("{} texts: the same bits alone and in a batch", rows.batch_size());
  if (others != 0) {
    result.fail(ErrorKind::unsupported, fmt::format("{} of {} texts: expected the same bits alone and in a batch, found others", others,
                                                    rows.batch_size()));
  }
}

}  // namespace filbert::cli
