// The parts of the page of an evaluation: each appends its section, or nothing where the report does not have what it shows.
#pragma once

#include <string>
#include <string_view>

#include <filbert/evaluate.h>

namespace filbert {

// "0.712", with the ends of its interval "0.712 <…>0.69 to 0.73</…>"; "71.2 %" in running text.
std::string measure_html(const Measure& measure);
std::string percent_html(double share);
std::string change_html(const Measure& change);  // with its sign

// A bar up to the value and a line over the interval, of `most` in all; `mark` is where a thin line stands, NaN for none.
std::string measure_bar(const Measure& measure, double most, double mark = kNoNumber);

// The head of a column of bars, and what is around a table: it scrolls where it is too wide.
constexpr const char* kNoHead = "<th scope=\"col\"><span class=\"unseen-head\">Bar</span></th>";
std::string evaluation_scroll(std::string_view label);

void evaluation_head(const EvaluationReport& report, std::string& out);         // evaluation_head.cpp
void evaluation_measures(const EvaluationReport& report, std::string& out);     // evaluation_html.cpp
void evaluation_labels(const EvaluationReport& report, std::string& out);       // evaluation_html.cpp
void evaluation_confusion(const EvaluationReport& report, std::string& out);    // evaluation_plots.cpp
void evaluation_reliability(const EvaluationReport& report, std::string& out);  // evaluation_plots.cpp
void evaluation_slices(const EvaluationReport& report, std::string& out);       // evaluation_html.cpp
void evaluation_worst(const EvaluationReport& report, std::string& out);        // evaluation_notes.cpp
void evaluation_reading(const EvaluationReport& report, std::string& out);      // evaluation_notes.cpp
void evaluation_reproduce(const EvaluationReport& report, std::string& out);    // evaluation_notes.cpp

}  // namespace filbert
