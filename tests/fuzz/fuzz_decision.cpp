// Any bytes as filbert_decision.json: read or refused, and what is read can be applied and is written as it was read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <filbert/error.h>

#include "postprocess/decision.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const filbert::Decision decision = filbert::decision_from_json({reinterpret_cast<const char*>(data), size}, "filbert_decision.json");
    const std::string json = filbert::decision_json(decision);
    if (filbert::decision_json(filbert::decision_from_json(json, "again")) != json) std::abort();
    const filbert::Tensor logits({2, decision.model_labels.size()});
    const filbert::Tensor scores = filbert::apply(decision.function, filbert::calibrated(decision, logits));
    const filbert::Tensor shown = filbert::merged(decision, scores);
    if (shown.row_size() != decision.id2label.size()) std::abort();
    filbert::expected_value(decision, scores[0]);
    for (std::size_t label = 0; label < shown.row_size(); ++label) filbert::is_rejected(decision, label, shown[1][label]);
    if (!decision.thresholds.empty() && filbert::labels_by(decision, shown[1]).size() > shown.row_size()) std::abort();
  } catch (const filbert::Error&) {
  }
  return 0;
}
