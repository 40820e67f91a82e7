// The tests' Hub as a program: hub_stand_in DIRECTORY serves the files of DIRECTORY as the model org/tiny, those that end in ".safetensors" from
// another host. Prints its URL, then a line for each line of standard input: the requests since the last one, "METHOD path".
#include <cstdio>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "base/file.h"
#include "reference/hub_stand_in.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  filbert::reference::HubStandIn hub;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const std::string name = entry.path().filename();
    hub.files[name] = filbert::read_file(entry.path());
    if (name.ends_with(".safetensors")) hub.large.insert(name);
  }
  std::cout << hub.url() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    for (const auto& requests : {hub.requests(), hub.other_requests()}) {
      for (const auto& request : requests) std::cout << request.method << ' ' << request.path << '\t';
    }
    std::cout << std::endl;
    hub.forget_requests();
  }
}
