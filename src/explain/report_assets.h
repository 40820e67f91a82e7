// The style and the script of the page: web/report.css and web/report.js, which CMake puts into the library (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace filbert {

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;

}  // namespace filbert
