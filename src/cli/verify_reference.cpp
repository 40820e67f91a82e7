// What transformers computed from this checkpoint, beside what Filbert computes; and what another dtype costs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/probes.h"
#include "cli/verify_checks.h"

namespace filbert::cli {
namespace {

namespace fs = std::filesystem;

// f32 sums in another order; of logits beyond 1 a share. Not a field of the file: that must not decide what passes.
constexpr double kLogitTolerance = 1e-4;

std::vector<std::int32_t> read_ids(const JsonValue& field) {
  std::vector<std::int32_t> ids;
  field.for_each_element([&](const JsonValue& id) {
    if (id.as_int() < 0 || id.as_int() > std::numeric_limits<std::int32_t>::max()) id.fail("an id of 0 or more");
    ids.push_back(static_cast<std::int32_t>(id.as_int()));
  });
  return ids;
}

ReferenceRow read_row(const JsonValue& value) {
  ReferenceRow row{.text = std::string(value.at("text").as_string()), .text_pair = {}, .input_ids = read_ids(value.at("input_ids")),
                   .token_type_ids = {}, .logits = {}};
  if (const auto pair = value.find("text_pair")) row.text_pair = std::string(pair->as_string());
  if (const auto types = value.find("token_type_ids")) row.token_type_ids = read_ids(*types);
  const auto add = [&](const JsonValue& logit) { row.logits.push_back(static_cast<float>(logit.as_double())); };
  value.at("logits").for_each_element([&](const JsonValue& logit) { logit.is_array() ? logit.for_each_element(add) : add(logit); });
  return row;
}

Reference read_reference(const fs::path& path) {
  const JsonDocument document(read_file(path), path.string());
  const JsonValue root = document.root(), made = root.at("made"), length = root.at("max_length");
  Reference reference;
  reference.made_by = fmt::format("transformers {}, torch {}", made.at("transformers").as_string(), made.at("torch").as_string());
  root.at("model_sha256").for_each_field([&](std::string_view name, const JsonValue& sha256) {
    reference.model_sha256.emplace(name, sha256.as_string());
  });
  if (length.as_int() < 1) length.fail("1 or more");
  reference.max_length = static_cast<std::size_t>(length.as_int());
  root.at("rows").for_each_element([&](const JsonValue& row) { reference.rows.push_back(read_row(row)); });
  if (reference.rows.empty()) root.at("rows").fail("at least one");
  return reference;
}

// A reference of other weights says nothing of these.
void compare_weights(Subject& subject, const Reference& reference, CheckResult& result) {
  std::size_t same = 0;
  for (std::size_t file = 0; file < subject.weight_files; ++file) {
    const fs::path& path = subject.files[file];
    const auto expected = reference.model_sha256.find(path.filename().string());
    const auto found = subject.sha256.find(path);
    if (expected == reference.model_sha256.end() || found == subject.sha256.end()) continue;
    if (expected->second == found->second) {
      ++same;
      continue;
    }
    result.fail(ErrorKind::corrupt, fmt::format("{}: the reference was made from other weights: expected the sha256 {}, found {}",
                                                path.filename().string(), expected->second, found->second));
    return;
  }
  if (same == 0) result.warn("the reference names no weight file that is here: whether it was made from these weights is not known");
}

// "token 3: expected 101, found 100"
std::string first_difference(std::span<const std::int32_t> expected, std::span<const std::int32_t> found) {
  if (expected.size() != found.size()) return fmt::format("expected {} tokens, found {}", expected.size(), found.size());
  const std::size_t at = static_cast<std::size_t>(std::ranges::mismatch(expected, found).in1 - expected.begin());
  return fmt::format("token {}: expected {}, found {}", at, expected[at], found[at]);
}

void compare_ids(const Tokenizer& tokenizer, std::size_t max_length, const Reference& reference, CheckResult& result) {
  std::vector<TextInput> texts;
  for (const ReferenceRow& row : reference.rows) {
    texts.push_back({row.text, row.text_pair ? std::optional<std::string_view>(*row.text_pair) : std::nullopt});
  }
  const BatchEncoding found = tokenizer(texts, {.truncation = Truncation::longest_first, .max_length = max_length});
  std::size_t others = 0;
  std::string first;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto part = [&](const std::vector<std::int32_t>& all) { return std::span(all).subspan(found.row_starts[row], found.row_length(row)); };
    const ReferenceRow& expected = reference.rows[row];
    const bool other_ids = !std::ranges::equal(expected.input_ids, part(found.input_ids));
    const bool other_types = !expected.token_type_ids.empty() && !std::ranges::equal(expected.token_type_ids, part(found.token_type_ids));
    if (!other_ids && !other_types) continue;
    if (others++ != 0) continue;
    first = fmt::format("{}, {}{}", excerpt(expected.text), other_ids ? "" : "token_type_ids, ",
                        other_ids ? first_difference(expected.input_ids, part(found.input_ids))
                                  : first_difference(expected.token_type_ids, part(found.token_type_ids)));
  }
  result.facts.push_back({"texts_with_other_ids", others});
  if (others != 0) result.fail(ErrorKind::corrupt, fmt::format("token ids differ for {} of {} texts, first for {}", others, texts.size(), first));
}

// How far logits are from others.
struct Distance {
  double greatest = 0;
  bool is_within = true;  // kLogitTolerance
  std::size_t row = 0;    // of the greatest
  std::size_t same_label = 0;
};

// Of a text, or of each of its tokens.
bool same_labels(std::span<const float> expected, std::span<const float> found, std::size_t labels) {
  const auto best = [&](std::span<const float> logits, std::size_t at) {
    return std::ranges::max_element(logits.subspan(at, labels)) - logits.begin();
  };
  for (std::size_t at = 0; at < expected.size(); at += labels) {
    if (best(expected, at) != best(found, at)) return false;
  }
  return true;
}

void add(Distance& distance, std::size_t row, std::span<const float> expected, std::span<const float> found, std::size_t labels) {
  distance.same_label += same_labels(expected, found, labels);
  for (std::size_t id = 0; id < expected.size(); ++id) {
    const double difference = std::abs(static_cast<double>(expected[id]) - found[id]);
    if (!(difference <= kLogitTolerance * std::max(1.0, std::abs(static_cast<double>(expected[id]))))) distance.is_within = false;
    if (difference <= distance.greatest) continue;
    distance.greatest = difference;
    distance.row = row;
  }
}

// The rows of the reference, as it has tokenized them: what is compared then is the model alone.
BatchEncoding rows_of(const Reference& reference) {
  BatchEncoding rows;
  for (const ReferenceRow& row : reference.rows) rows.add_row(row.input_ids, row.token_type_ids);
  return rows;
}

void compare_logits(const AnyClassifier& classifier, const Reference& reference, CheckResult& result) {
  const BatchEncoding rows = rows_of(reference);
  const Tensor found = classifier.logits(rows);
  Distance distance;
  for (std::size_t row = 0; row < reference.rows.size(); ++row) {
    const std::span<const float> expected = reference.rows[row].logits, of_row = classifier.of_row(found, rows, row);
    if (expected.size() != of_row.size()) {
      result.fail(ErrorKind::corrupt, fmt::format("the reference has {} logits for {}, the model {}", expected.size(),
                                                  excerpt(reference.rows[row].text), of_row.size()));
      return;
    }
    add(distance, row, expected, of_row, found.row_size());
  }
  const ComputeDtype dtype = classifier.model().compute_dtype();
  const bool is_exact = dtype == ComputeDtype::f32;
  result.found += fmt::format("logits off by at most {:.1e}{}", distance.greatest,
                              is_exact ? "" : fmt::format(" in {}", name(dtype)));
  result.facts.push_back({"greatest_difference", static_cast<float>(distance.greatest)});
  result.facts.push_back({"texts_with_the_same_label", distance.same_label});
  if (is_exact && !distance.is_within) {
    result.fail(ErrorKind::corrupt, fmt::format("logits are off by {:.1e} for {}, more than {:.0e}; the label is the same for {} of {} texts",
                                                distance.greatest, excerpt(reference.rows[distance.row].text), kLogitTolerance, distance.same_label,
                                                reference.rows.size()));
  }
}

}  // namespace

void check_reference(Subject& subject, CheckResult& result) {
  const fs::path path = subject.reference_path.value_or(subject.directory / "filbert_reference.json");
  if (!subject.reference_path && !fs::exists(path)) throw Skip{"no filbert_reference.json; tools/make_reference.py makes one"};
  const Reference& reference = subject.reference.emplace(read_reference(path));
  result.facts = {{"made_by", reference.made_by}, {"texts", reference.rows.size()}};
  result.found = fmt::format("{} texts by {}: ", reference.rows.size(), reference.made_by);
  compare_weights(subject, reference, result);
  const std::size_t longest = subject.exact ? subject.exact->max_length() : reference.max_length;
  try {
    if (subject.tokenizer) {
      compare_ids(*subject.tokenizer, std::min(reference.max_length, longest), reference, result);
      result.found += "the same ids, ";
    }
    if (!subject.exact) throw Skip{"the logits: there is no model that runs"};
    compare_logits(*subject.exact, reference, result);
  } catch (const Error& error) {  // ids that this model does not have, rows that are too long
    throw Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), error.what()));
  }
}

void check_dtype(Subject& subject, CheckResult& result) {
  if (!subject.asked) throw Skip{};
  const AnyClassifier &exact = *subject.exact, &asked = *subject.asked;
  BatchEncoding rows;
  if (subject.reference) {
    rows = rows_of(*subject.reference);
  } else if (asked.has_tokenizer()) {
    std::vector<TextInput> texts;
    for (const Probe& probe : probes()) texts.push_back({probe.text});
    rows = asked.tokenize(texts);
  } else {
    throw Skip{"there are no texts to compare on"};
  }
  const Tensor expected = exact.logits(rows), found = asked.logits(rows);
  const std::string_view dtype = name(asked.model().compute_dtype());
  Distance distance;
  for (std::size_t row = 0; row < rows.batch_size(); ++row) {
    add(distance, row, exact.of_row(expected, rows, row), asked.of_row(found, rows, row), found.row_size());
  }
  result.found = fmt::format("{} beside f32: the same label{} for {} of {} texts, logits off by at most {:.2g}", dtype,
                             labels_tokens(asked.config()) ? "s" : "", distance.same_label, rows.batch_size(), distance.greatest);
  result.facts = {{"compute_dtype", std::string(dtype)}, {"texts", rows.batch_size()},
                  {"texts_with_the_same_label", distance.same_label}, {"greatest_difference", static_cast<float>(distance.greatest)}};
}

}  // namespace filbert::cli
