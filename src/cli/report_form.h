// What a command that can make a page writes: lines for people, JSON for programs, or the page.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace filbert::cli {

enum class ReportForm { automatic, text, json, html };

// --format text|json|html
void add_report_form(CLI::App& app, const std::string& description, std::function<void(ReportForm)> set);

// The one that was asked for, or that the name of the output says: .html and .htm a page, .json and .jsonl JSON, any other text.
ReportForm form_of(ReportForm asked, const std::filesystem::path& output);

}  // namespace filbert::cli
