// Any bytes as what `filbert drift --save-reference` wrote: read or refused; what is read is written so that it is read again as the same, and can be
// compared.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <filbert/drift.h>
#include <filbert/error.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto summary = filbert::drift_summary_from_json({reinterpret_cast<const char*>(data), size}, "a.json");
    const std::string written = filbert::to_json(summary);
    if (filbert::to_json(filbert::drift_summary_from_json(written, "a.json")) != written) std::abort();
    const filbert::DriftReport report = filbert::compare_drift(summary, summary, {}, {.false_alarms = 0.5, .replicates = 29});
    if (report.drift != filbert::Drift::none || filbert::html_report(report).empty() || filbert::to_json(report).empty()) std::abort();
    for (const filbert::DriftMeasure& measure : report.measures) {
      if (std::abs(measure.psi) > 1e-9) std::abort();
    }
  } catch (const filbert::Error&) {
  }
  return 0;
}
