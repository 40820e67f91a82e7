#include "cli/report_form.h"

#include <utility>

#include "cli/options.h"

namespace filbert::cli {

void add_report_form(CLI::App& app, const std::string& description, std::function<void(ReportForm)> set) {
  add_choice(app, "--format", "text|json|html", description, [set = std::move(set)](const std::string& form) {
    set(form == "text" ? ReportForm::text : form == "json" ? ReportForm::json : ReportForm::html);
  });
}

ReportForm form_of(ReportForm asked, const std::filesystem::path& output) {
  if (asked != ReportForm::automatic) return asked;
  const std::string extension = output.extension().string();
  if (extension == ".html" || extension == ".htm") return ReportForm::html;
  return extension == ".json" || extension == ".jsonl" ? ReportForm::json : ReportForm::text;
}

}  // namespace filbert::cli
