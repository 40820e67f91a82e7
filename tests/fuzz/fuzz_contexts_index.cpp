// Any directory over any blocks as an index of contexts, its hashes made right: opened and read to the last token, or refused.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>

#include "explain/contexts_file.h"
#include "fuzz/parts.h"

namespace {

using namespace filbert;

// The file that `directory` and what lies between it and the header make.
std::string file_of(std::string_view directory, std::string_view blocks) {
  IndexHeader header;
  header.header_bytes = sizeof header;
  header.directory_begin = sizeof header + blocks.size();
  header.directory_bytes = directory.size();
  header.file_bytes = header.directory_begin + directory.size();
  header.directory_digest = digest_of(std::as_bytes(std::span(directory)));
  header.digest = digest_of(std::as_bytes(std::span(&header, 1)).first(sizeof header - sizeof header.digest));
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file += blocks;
  file += directory;
  return file;
}

void read_all(const ContextIndex& index) {
  const IndexInfo& info = index.info();
  for (std::size_t text = 0; text < std::min<std::size_t>(info.texts, 100); ++text) index.text(text);
  for (std::size_t place = 0; place < std::min<std::size_t>(info.tokens, 100); ++place) index.token(place);
  for (const IndexedLayer& layer : info.layers) {
    if (info.hidden_size > 4096 || layer.heads > 64 || layer.head_size > 64) continue;
    index.nearest(std::vector<float>(info.hidden_size, 0.5F), layer.layer, SimilarBy::embedding, {}, 3, 1);
    index.nearest(std::vector<float>(layer.heads * layer.head_size, 0.5F), layer.layer, SimilarBy::context, {}, 3, 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = filbert::parts(data, size, 2);
  const std::string file = file_of(input[0], input[1]);
  const int memory = memfd_create("index", 0);
  if (write(memory, file.data(), file.size()) == static_cast<ssize_t>(file.size())) {
    try {
      const auto index = filbert::ContextIndex::open(fmt::format("/proc/self/fd/{}", memory));
      try {
        index.verify();
      } catch (const filbert::Error&) {
      }
      read_all(index);
    } catch (const filbert::Error&) {
    }
  }
  close(memory);
  return 0;
}
