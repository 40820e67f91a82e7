# Makes a C++ file of a text file, so that a program carries it: the bytes as they are, in string literals that compilers take
# (they refuse one of more than 64 kB).
#   cmake -D INPUT=web/report.css -D OUTPUT=report_css.cpp -D NAME=kReportCss -D HEADER=explain/report_assets.h -D NAMESPACE=filbert -P embed.cmake
# defines `const std::string_view NAMESPACE::NAME`, which HEADER declares.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces)
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  if(piece MATCHES "\\)embed\"")
    message(FATAL_ERROR "${INPUT}: has )embed\", which ends the literal that it is put into")
  endif()
  string(APPEND pieces "R\"embed(${piece})embed\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
cmake_path(GET INPUT FILENAME input)
file(WRITE ${OUTPUT} "// Made by cmake/embed.cmake from ${input}.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
const std::string_view ${NAME} =
${pieces};
}  // namespace ${NAMESPACE}
")
