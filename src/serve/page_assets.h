// The page at "/": the files that Vite makes of web/page/src, kept in web/page/dist so that no build of Filbert needs node. CMake puts them into the
// program (cmake/embed.cmake); docs/serve_page.md says how they are made again.
#pragma once

#include <string_view>

namespace filbert::serve {

extern const std::string_view kPageHtml;
extern const std::string_view kPageJs;
extern const std::string_view kPageCss;
extern const std::string_view kPageIcon;

}  // namespace filbert::serve
