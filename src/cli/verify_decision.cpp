// Is the filbert_decision.json beside a checkpoint one of it?
#include <fmt/format.h>

#include <filbert/decision.h>

#include "cli/checkpoint.h"
#include "cli/verify_checks.h"
#include "load/fingerprint.h"

namespace filbert::cli {

void check_decision_file(Subject& subject, CheckResult& result) {
  const std::filesystem::path file = subject.directory / kDecisionFile;
  std::error_code none;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, none))) throw Skip{};
  const Config& config = subject.need_config();
  const Decision decision = read_decision(file);
  check_decision(decision, config, weights_sha256(subject.directory), file.string());
  result.found = fmt::format("{}: {}", kDecisionFile, summary_of(decision));
  result.facts = {{"labels", decision.id2label.size()}};
}

}  // namespace filbert::cli
