// The checks of `filbert verify`: a table of functions, each of which looks at one thing of a checkpoint and says what it found. Nothing here
// prints. The checks lie in verify_*.cpp, by what they look at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <filbert/config.h>
#include <filbert/error.h>
#include "cli/any_classifier.h"
#include "load/weight_files.h"

namespace filbert {
struct Architecture;
}

namespace filbert::cli {

enum class Outcome { ok, skipped, warning, failed };  // the worst last
std::string_view name(Outcome outcome);               // "ok", …

// Something that is not as it should be, or why a check could not be made.
struct Finding {
  Outcome outcome;
  std::string message;
  std::optional<ErrorKind> kind = {};  // of a failure
};

struct Fact {
  std::string name;
  std::variant<std::string, std::size_t, float> value;
};

struct CheckResult {
  std::string_view check;
  std::string found;                  // a sentence for people; empty if it failed
  std::vector<Finding> findings = {};
  std::vector<Fact> facts = {};       // figures for machines

  Outcome outcome() const;
  void warn(std::string message) { findings.push_back({Outcome::warning, std::move(message)}); }
  void fail(ErrorKind kind, std::string message) { findings.push_back({Outcome::failed, std::move(message), kind}); }
};

// Thrown by a check that lacks what it would look at.
struct Skip {
  std::string why;  // empty: nobody asked for the check, and it is not reported
};

// filbert_reference.json, as tools/make_reference.py writes it.
struct ReferenceRow {
  std::string text;
  std::optional<std::string> text_pair;
  std::vector<std::int32_t> input_ids;
  std::vector<std::int32_t> token_type_ids;  // empty where the tokenizer gives none
  std::vector<float> logits;                 // of a token classifier those of all tokens, end to end
};
struct Reference {
  std::string made_by;                              // "transformers 5.24.0, torch 2.15.0"
  std::map<std::string, std::string> model_sha256;  // by the name of the weight file
  std::size_t max_length = 0;                       // to which longer texts were cut
  std::vector<ReferenceRow> rows;
};

// The checkpoint, and what of it earlier checks have loaded for later ones.
struct Subject {
  std::filesystem::path directory;
  ModelOptions loading;
  std::optional<std::filesystem::path> reference_path = {};  // absent: filbert_reference.json of the directory, if there is one

  std::vector<std::filesystem::path> files = {};            // that Filbert reads, those of the weights first
  std::size_t weight_files = 0;                             // of them
  std::map<std::filesystem::path, std::string> sha256 = {};  // of those that were computed
  std::optional<Config> config = {};
  const Architecture* architecture = nullptr;
  std::vector<MappedTensors> mapped = {};
  bool has_all_tensors = false;
  std::optional<Tokenizer> tokenizer = {};
  std::optional<AnyClassifier> exact = {};                  // in f32, or in the int8 that a quantized checkpoint is stored in
  std::optional<AnyClassifier> asked = {};                  // in another dtype that was asked for
  std::optional<Reference> reference = {};

  const Config& need_config() const;  // Throws Skip, as the others.
  const Tokenizer& need_tokenizer() const;
  const std::vector<MappedTensors>& need_tensors() const;
  const AnyClassifier& need_model() const;  // the one that was asked for
};

struct Check {
  std::string_view name;
  void (*run)(Subject& subject, CheckResult& result);
};
// In the order in which they must run.
std::span<const Check> checks();

// Runs one. What it throws becomes a finding: an Error a failure, Skip its reason.
CheckResult run_check(const Check& check, Subject& subject);

// "text" in quotes, cut to its first characters.
std::string excerpt(std::string_view text);

// verify_files.cpp
void check_files(Subject& subject, CheckResult& result);
void check_hashes(Subject& subject, CheckResult& result);
// verify_config.cpp
void check_config(Subject& subject, CheckResult& result);
void check_labels(Subject& subject, CheckResult& result);
// verify_weights.cpp
void check_architecture(Subject& subject, CheckResult& result);
void check_tensors(Subject& subject, CheckResult& result);
void check_numbers(Subject& subject, CheckResult& result);
void check_head(Subject& subject, CheckResult& result);
// verify_tokenizer.cpp
void check_tokenizer(Subject& subject, CheckResult& result);
void check_vocabulary(Subject& subject, CheckResult& result);
void check_unk(Subject& subject, CheckResult& result);
// verify_forward.cpp
void check_forward(Subject& subject, CheckResult& result);
void check_batch(Subject& subject, CheckResult& result);
// verify_reference.cpp
void check_reference(Subject& subject, CheckResult& result);
void check_dtype(Subject& subject, CheckResult& result);
// verify_decision.cpp
void check_decision_file(Subject& subject, CheckResult& result);

}  // namespace filbert::cli
