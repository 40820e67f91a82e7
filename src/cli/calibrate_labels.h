// Labels on the command line of `filbert calibrate`: which become one, what they are called and worth, and which one a row of the file has.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/config.h>
#include <filbert/decision.h>

namespace filbert::cli {

struct LabelOptions {
  std::vector<std::pair<std::string, std::string>> merges;   // NEW, the labels that it is made of
  std::vector<std::pair<std::string, std::string>> renames;  // LABEL, NEW
  std::map<std::string, std::string> meanings;               // what the file has, the label that it means; an empty one: none
  bool expected = false;                                     // by the numbers in the labels
  std::string expected_values;                               // or by these, with commas between
  std::string separator = "|";                               // of several labels of a row
};

// "LEFT=RIGHT", at the first "=". Throws Error(invalid_argument), led by `flag`.
std::pair<std::string, std::string> sides(const std::string& flag, const std::string& text);

// `decision`, a plain one, with the names, merges and values that were asked for. Throws Error(invalid_argument).
void set_labels(const LabelOptions& options, Decision& decision);

// [labels] which of the model's labels the text of a column means. Throws Error(invalid_argument), led by `where`.
std::vector<std::uint8_t> truth_of(std::string_view text, const LabelOptions& options, const Decision& decision, const std::string& where);

}  // namespace filbert::cli
