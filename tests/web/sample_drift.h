// A report of drift made by hand, for tests of its page.
#pragma once

#include <filbert/drift.h>

namespace filbert::reference {

// Old texts and new ones that are longer, of another script, and labelled otherwise; with labels, texts and names that would be markup, were
// they not escaped, and a note.
DriftReport sample_drift();

}  // namespace filbert::reference
