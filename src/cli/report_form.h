// What a command that can make a page writes: lines for people, JSON for programs, or the page.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>

#include "cli/app.h"

namespace filbert::cli {

enum class ReportForm { automatic, text, json, html };

// --format text|json|html
void add_report_form(CLI::App& app, const std::string& description, std::function<void(ReportForm)> set);

// The one that was asked for, or that the name of the output says: .html and .htm a page, .json and .jsonl JSON, any other text.
ReportForm form_of(ReportForm asked, const std::filesystem::path& output);

// Throws Error(invalid_argument), led by `flag`, where `output` is one of `inputs`, by whatever name: no report takes the place of what it is about.
// Of empty names none is.
void check_other_file(const char* flag, const std::filesystem::path& output, std::initializer_list<std::filesystem::path> inputs);

}  // namespace filbert::cli
