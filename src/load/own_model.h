// Checkpoints that come with Filbert.
#pragma once

#include <filesystem>
#include <initializer_list>

namespace filbert {

// What `variable` of the environment names, if it is set; else the first of `places` that holds a config.json. Throws Error(not_found), which begins with `what`.
std::filesystem::path own_model(const char* variable, const char* what, std::initializer_list<const char*> places);

}  // namespace filbert
