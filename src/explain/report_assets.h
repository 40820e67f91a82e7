// The styles and the script of the pages: web/report.css, web/corpus.css and web/report.js, which CMake puts into the library (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace filbert {

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;
extern const std::string_view kCorpusCss;  // of the page of many texts, beside kReportCss

extern const std::string_view kContextsCss;  // of the page of similar tokens, beside kReportCss
extern const std::string_view kContextsJs;

}  // namespace filbert
