#include "cli/report_form.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

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

void check_other_file(const char* flag, const std::filesystem::path& output, std::initializer_list<std::filesystem::path> inputs) {
  for (const std::filesystem::path& input : inputs) {
    std::error_code none;  // of a file that is not there
    if (!std::filesystem::equivalent(output, input, none)) continue;
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected another file than {}, found \"{}\"", flag, input.string(), output.string()));
  }
}

}  // namespace filbert::cli
