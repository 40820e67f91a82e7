#include "cli/partial_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/json.h"
#include "base/json_writer.h"

namespace filbert::cli {
namespace {

constexpr const char* kPartialFormat = "filbert explain --input, 1";

}  // namespace

std::string settings_line(std::string_view format, const RunSettings& settings) {
  JsonWriter json;
  json.begin_object();
  json.field("partial", format);
  for (const auto& [name, value] : settings) json.field(name, value);
  json.end_object();
  return json.take_line();
}

void check_settings(std::string_view line, std::string_view format, const RunSettings& settings, const std::filesystem::path& path) {
  const JsonDocument document(line, fmt::format("{}: line 1", path.string()));
  const JsonValue root = document.root();
  const auto found_format = root.find("partial");
  if (!found_format || !found_format->is_string() || found_format->as_string() != format) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file of another run, found something else; it is left as it is", path.string()));
  }
  for (const auto& [name, value] : settings) {
    const auto found = root.find(name);
    const std::string before = found ? std::string(found->as_string()) : std::string("none");
    if (before != value) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}: expected \"{}\", as this run has it, found \"{}\"; remove the file to begin anew",
                                                           path.string(), name, value, before));
    }
  }
}

PartialFile::PartialFile(std::filesystem::path path, const RunSettings& settings, bool resume) : path_(std::move(path)) {
  if (resume && std::filesystem::exists(path_)) {
    open(settings);
  } else {
    create(settings);
  }
}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::fail(std::string_view step) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot {}: {}", path_.string(), step, std::strerror(errno)));
}

void PartialFile::create(const RunSettings& settings) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == EEXIST) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: is there already, of a run that has not ended: --resume goes on with it; remove it "
                                                         "to begin anew", path_.string()));
  }
  if (descriptor_ < 0) fail("create it");
  append(settings_line(kPartialFormat, settings));
}

void PartialFile::open(const RunSettings& settings) {
  before_.open(path_, std::ios::binary);
  std::string line;
  std::uintmax_t whole_bytes = 0;
  while (std::getline(before_, line) && !before_.eof()) {  // eof: the last line has no end
    if (whole_bytes == 0) {
      check_settings(line, kPartialFormat, settings, path_);
    } else {
      ++rows_before_;
    }
    whole_bytes += line.size() + 1;
  }
  if (whole_bytes == 0) {  // it ended before its first line was whole
    before_.close();
    std::filesystem::remove(path_);
    return create(settings);
  }
  std::error_code error;
  std::filesystem::resize_file(path_, whole_bytes, error);
  if (error) {
    errno = error.value();
    fail("cut its last line");
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) fail("open it");
  before_.clear();
  before_.seekg(0);
  std::getline(before_, line);
}

std::optional<RowExplanation> PartialFile::next() {
  std::string line;
  if (rows_given_ == rows_before_ || !std::getline(before_, line)) return std::nullopt;
  ++rows_given_;
  return parse_row_explanation(line, fmt::format("{}: line {}", path_.string(), rows_given_ + 1));
}

void PartialFile::append(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write to it");
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartialFile::remove() { std::filesystem::remove(path_); }

}  // namespace filbert::cli
