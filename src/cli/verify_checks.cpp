#include "cli/verify_checks.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr std::array kChecks = {
    Check{"files", check_files},           Check{"hashes", check_hashes},
    Check{"config", check_config},         Check{"labels", check_labels},
    Check{"architecture", check_architecture}, Check{"tensors", check_tensors},
    Check{"numbers", check_numbers},       Check{"head", check_head},
    Check{"tokenizer", check_tokenizer},   Check{"vocabulary", check_vocabulary},
    Check{"unk", check_unk},               Check{"forward", check_forward},
    Check{"batch", check_batch},           Check{"reference", check_reference},
    Check{"dtype", check_dtype},           Check{"decision", check_decision_file},
};

constexpr std::array<std::string_view, 4> kOutcomes = {"ok", "skipped", "warning", "failed"};

}  // namespace

std::string_view name(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

Outcome CheckResult::outcome() const {
  Outcome worst = Outcome::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.outcome);
  return worst;
}

const Config& Subject::need_config() const {
  if (!config) throw Skip{"there is no config"};
  return *config;
}

const Tokenizer& Subject::need_tokenizer() const {
  if (!tokenizer) throw Skip{"there is no tokenizer"};
  return *tokenizer;
}

const std::vector<MappedTensors>& Subject::need_tensors() const {
  if (mapped.empty()) throw Skip{"there are no weights"};
  return mapped;
}

const AnyClassifier& Subject::need_model() const {
  if (!exact) throw Skip{"there is no model that runs"};
  return asked ? *asked : *exact;
}

std::span<const Check> checks() { return kChecks; }

CheckResult run_check(const Check& check, Subject& subject) {
  CheckResult result{.check = check.name, .found = {}};
  try {
    check.run(subject, result);
  } catch (const Skip& skip) {
    result.findings.push_back({Outcome::skipped, skip.why});
  } catch (const Error& error) {
    result.fail(error.kind(), error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    result.fail(ErrorKind::corrupt, error.what());
  }
  if (result.outcome() == Outcome::failed) result.found.clear();  // what would have been said had all been well
  const std::string place = (subject.directory / "").string();  // said by the report already
  for (Finding& finding : result.findings) {
    if (finding.message.starts_with(place)) finding.message.erase(0, place.size());
  }
  return result;
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kBytes = 40;
  if (text.size() <= kBytes) return fmt::format("\"{}\"", text);
  return fmt::format("\"{}…\"", text.substr(0, character_before(text, kBytes)));
}

}  // namespace filbert::cli
