// The packed layers of a model in a file of $FILBERT_CACHE, so that all processes of a machine that have loaded it hold one copy of them, in the page cache.
// Each process packs its layers as ever, and gives its own memory back for the file's where that holds the same bytes. So what another version, another
// CPU, a crash or a full disk has left there costs memory and nothing else. Tested by packed_file_test.cpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/aligned.h"
#include "load/hub_cache.h"

namespace filbert {

// Of one load, by one thread. None of it throws: where something fails, nothing is shared from there on.
class PackedFile {
 public:
  // `identity`: what tells the layers of this load from those of others. Does nothing where FILBERT_CACHE is not set; waits for a process that is just
  // making the file.
  explicit PackedFile(std::string_view identity);
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;
  ~PackedFile();

  // The next layer, in the same order in each process: `buffer`, all of whose numbers are set, has the same ones afterwards, and may be read only.
  template <typename T>
  void share(AlignedBuffer<T>& buffer) {
    const std::size_t bytes = buffer.capacity() * sizeof(T);
    if (void* mapped = map_equal(buffer.data(), bytes); mapped != nullptr) buffer = AlignedBuffer<T>::of_mapping(mapped, bytes);
  }
  // There are no more: others find the file from now on.
  void finish();

 private:
  bool open_whole();
  void create();
  void close();
  void unlock();
  void* map_equal(const void* numbers, std::size_t bytes);  // null where nothing is shared

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // while the file is made here, else empty
  std::optional<FileLock> lock_;     // held as long
  int descriptor_ = -1;              // −1: nothing is shared
  std::size_t size_ = 0;             // of the file
  std::size_t offset_ = 0;           // where the next layer lies, which is on a page's boundary
};

}  // namespace filbert
