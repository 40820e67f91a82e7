#include "reference/torch_file.h"

#include <utility>

#include "reference/array_file.h"

namespace filbert::reference {

std::string zip_bytes(const std::vector<ZipEntry>& entries, bool zip64) {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const std::size_t begin = file.size(), size = entry.bytes.size();
    const auto shown = [&](std::size_t number) { return little_endian(zip64 ? 0xFFFFFFFF : number, 4); };
    const std::string extra = zip64 ? little_endian(1, 2) + little_endian(24, 2) + little_endian(size, 8) + little_endian(size, 8) +
                                          little_endian(begin, 8)
                                    : std::string();
    const std::string flags_to_checksum = std::string("\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    file += "PK\3\4" + little_endian(0, 2) + flags_to_checksum + little_endian(size, 4) + little_endian(size, 4) +
            little_endian(entry.name.size(), 2) + little_endian(5, 2) + entry.name + std::string("FB\1\0Z", 5) + entry.bytes;
    directory += "PK\1\2" + little_endian(0, 4) + flags_to_checksum + shown(size) + shown(size) + little_endian(entry.name.size(), 2) +
                 little_endian(extra.size(), 2) + std::string(10, '\0') + shown(begin) + entry.name + extra;
  }
  const std::size_t begin = file.size(), count = entries.size();
  file += directory;
  if (zip64) {
    const std::size_t end = file.size();
    file += "PK\6\6" + little_endian(44, 8) + little_endian(0, 8) + little_endian(0, 4) + little_endian(count, 8) + little_endian(count, 8) +
            little_endian(directory.size(), 8) + little_endian(begin, 8);
    file += "PK\6\7" + little_endian(0, 4) + little_endian(end, 8) + little_endian(1, 4);
  }
  const std::size_t shown_count = zip64 ? 0xFFFF : count;
  return file + "PK\5\6" + little_endian(0, 4) + little_endian(shown_count, 2) + little_endian(shown_count, 2) +
         little_endian(zip64 ? 0xFFFFFFFF : directory.size(), 4) + little_endian(zip64 ? 0xFFFFFFFF : begin, 4) + little_endian(0, 2);
}

namespace pickle {

std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

std::string text(std::string_view text) { return "X" + little_endian(text.size(), 4) + std::string(text); }

std::string integer(std::int64_t number) { return "\x8A\x08" + little_endian(static_cast<std::uint64_t>(number), 8); }

std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}

std::string call(const std::string& callable, const std::vector<std::string>& arguments) { return callable + tuple(arguments) + "R"; }

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [name, value] : items) out += text(name) + value;
  return out + "u";
}

std::string sizes(const std::vector<std::int64_t>& sizes) {
  std::vector<std::string> items;
  for (const std::int64_t size : sizes) items.push_back(integer(size));
  return tuple(items);
}

std::string storage(std::string_view storage_class, std::string_view key, std::int64_t elements) {
  return tuple({text("storage"), global("torch", storage_class), text(key), text("cpu"), integer(elements)}) + "Q";
}

std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"), {storage, integer(offset), sizes(shape), sizes(strides), "\x89",
                                                             call(global("collections", "OrderedDict"), {})});
}

std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

std::string torch_zip(const std::string& value, const std::map<std::string, std::string>& storages) {
  std::vector<ZipEntry> entries = {{"archive/data.pkl", pickle::whole(value)}, {"archive/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) entries.push_back({"archive/data/" + key, bytes});
  entries.push_back({"archive/version", "3\n"});
  return zip_bytes(entries);
}

std::string torch_legacy(const std::string& value, const std::map<std::string, std::string>& storages, std::size_t element_bytes) {
  std::string keys = "](", data;
  for (const auto& [key, bytes] : storages) {
    keys += pickle::text(key);
    data += little_endian(bytes.size() / element_bytes, 8) + bytes;
  }
  return pickle::whole("\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19") + pickle::whole(pickle::integer(1001)) +
         pickle::whole(pickle::dict({{"protocol_version", pickle::integer(1001)}, {"little_endian", "\x88"}})) + pickle::whole(value) +
         pickle::whole(keys + "e") + data;
}

}  // namespace filbert::reference
