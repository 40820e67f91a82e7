// The styles and scripts of the pages: the files of web/, which CMake puts into the library (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace filbert {

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;
extern const std::string_view kCorpusCss;  // of the page of many texts, beside kReportCss
extern const std::string_view kEvaluationCss;  // of the page of an evaluation, beside kReportCss
extern const std::string_view kDriftCss;   // of the page of drift, beside kReportCss

extern const std::string_view kAttentionCss;  // of the views of attention, beside kReportCss
extern const std::string_view kAttentionViewsJs;
extern const std::string_view kAttentionJs;  // runs after kAttentionViewsJs
extern const std::string_view kKwicCss;      // of tokens in their sentences, beside kReportCss
extern const std::string_view kContextsCss;  // of the page of similar tokens, beside kKwicCss
extern const std::string_view kContextsViewsJs;
extern const std::string_view kContextsJs;   // runs after kContextsViewsJs

}  // namespace filbert
