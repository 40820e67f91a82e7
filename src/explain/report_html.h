// What the page writes its words and numbers with. Texts and labels come from anywhere: whatever they hold stays text, and characters that
// nobody sees, or that turn what stands around them, are shown as what they are. Tested by report_test.cpp.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/explain.h>

namespace filbert {

// `text` for content and for attributes in double quotes; ill-formed UTF-8 is replaced.
std::string escape_html(std::string_view text);

// The same for running text: an invisible character (controls, bidi controls, zero widths) becomes a small mark with its number. Line
// ends and tabs stay.
std::string visible_html(std::string_view text);

// A word, a label or a text inside of something else: isolated from the direction around it; of more than `most` characters the
// beginning and the end; invisible characters and line ends as marks.
std::string name_html(std::string_view text, std::size_t most = 32);
// The same without markup, for attributes and SVG titles: escaped, "[U+202E]" for what is invisible.
std::string name_text(std::string_view text, std::size_t most = 32);
// The same without escapes, for what is no HTML.
std::string plain_name(std::string_view text, std::size_t most = 32);

bool is_invisible(char32_t c);

// What a page's policy allows by its hash: "'sha256-…'".
std::string hash_source(std::string_view content);

// The head of a page up to </head>: a policy that allows these styles and scripts, by their hashes, and nothing else; then the styles. The
// scripts are the body's to write. `title` is HTML.
std::string document_head(std::string_view title, std::string_view version, std::initializer_list<std::string_view> styles,
                          std::initializer_list<std::string_view> scripts);

// JSON as data for a script, in an element of this id: nothing in it can end the element, and nothing in its source is invisible.
std::string data_block(std::string_view id, std::string_view json);

// A line of a list of facts (dl class="facts"); nothing where there is nothing to say.
void fact(std::string_view term, const std::string& html, std::string& out);

// The sha256 of a file as a fact has it; nothing where there is none.
std::string hash_html(std::string_view sha256);
// The command that makes the page again, under a heading; nothing where there is none.
std::string command_html(std::string_view command);

// "0.931", "−0.080"; "–" for what is no number.
std::string number(double value, int decimals);
// "+0.312", "−0.080", "0.000".
std::string signed_number(double value, int decimals);

// "1 word", "7 words".
std::string count_of(std::size_t count, std::string_view one, std::string_view many);

// What stands in a text at a place.
std::string part_of(std::string_view text, const Offset& place, OffsetUnit unit);

// Where in the UTF-8 of a text an offset of another unit stands.
class OffsetBytes {
 public:
  OffsetBytes(std::string_view text, OffsetUnit unit);
  // Offsets past the end are the end; one inside of a character is that character's begin.
  std::size_t operator()(std::size_t offset) const { return offset < starts_.size() ? starts_[offset] : bytes_; }

 private:
  std::vector<std::size_t> starts_;  // [offsets]
  std::size_t bytes_ = 0;
};

}  // namespace filbert
