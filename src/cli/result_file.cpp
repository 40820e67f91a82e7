#include "cli/result_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "cli/compression.h"
#include "cli/output.h"

namespace filbert::cli {
namespace {

constexpr const char* kResultFormat = "filbert classify --input, 1";
constexpr std::chrono::seconds kBetweenSyncs{1};  // what a machine that fails may cost; a killed run costs nothing
constexpr std::size_t kSumBytes = 1 << 20;
constexpr const char* kFinished = "{\"finished\": true}\n";

std::string checkpoint_line(const RunCheckpoint& checkpoint, std::uint32_t sum) {
  JsonWriter json;
  json.begin_object();
  json.field("rows", checkpoint.rows);
  json.field("bytes", checkpoint.bytes);
  json.field("crc32", sum);
  json.field("input_crc32", checkpoint.input_crc32);
  json.key("counts");
  json.array(checkpoint.counts);
  json.end_object();
  return json.take_line();
}

RunCheckpoint parse_checkpoint(const JsonValue& line, std::uint32_t& sum) {
  RunCheckpoint checkpoint;
  const auto number = [&](const char* name) { return static_cast<std::uint64_t>(line.at(name).as_int()); };
  checkpoint.rows = number("rows");
  checkpoint.bytes = number("bytes");
  checkpoint.input_crc32 = static_cast<std::uint32_t>(number("input_crc32"));
  sum = static_cast<std::uint32_t>(number("crc32"));
  line.at("counts").for_each_element([&](const JsonValue& count) { checkpoint.counts.push_back(static_cast<std::uint64_t>(count.as_int())); });
  return checkpoint;
}

std::filesystem::path behind(const std::filesystem::path& path, const char* suffix) { return path.string() + suffix; }

}  // namespace

bool ResultFile::is_written_as_it_is(const std::filesystem::path& output) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(output, error);
  return output == "-" || (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status));
}

ResultFile::ResultFile(std::filesystem::path output, const RunSettings& settings, bool resume) : output_(std::move(output)) {
  is_kept_ = !is_written_as_it_is(output_);
  if (!is_kept_) {
    if (resume) throw Error(ErrorKind::invalid_argument, fmt::format("--resume: expected a file as --output, found \"{}\"", output_.string()));
    if (std::filesystem::is_directory(output_)) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--output: expected a file, found the directory \"{}\"", output_.string()));
    }
    partial_ = output_;
    partial_descriptor_ = output_ == "-" ? ::dup(STDOUT_FILENO) : ::open(output_.c_str(), O_WRONLY | O_CLOEXEC);
    if (partial_descriptor_ < 0) fail(output_, "open it");
    return;
  }
  std::error_code error;
  if (std::filesystem::is_symlink(output_, error)) output_ = std::filesystem::canonical(output_);  // what it points at is replaced
  partial_ = behind(output_, ".partial");
  journal_ = behind(output_, ".partial.journal");
  try {
    open_journal(resume);
    read_journal(settings);
  } catch (...) {  // the destructor of what was not made is not called
    if (partial_descriptor_ >= 0) ::close(partial_descriptor_);
    if (journal_descriptor_ >= 0) ::close(journal_descriptor_);
    throw;
  }
}

ResultFile::~ResultFile() {
  if (partial_descriptor_ >= 0) ::close(partial_descriptor_);
  if (journal_descriptor_ >= 0) ::close(journal_descriptor_);  // and with it the lock goes
}

void ResultFile::fail(const std::filesystem::path& path, std::string_view step) const {
  throw std::system_error(errno, std::generic_category(), fmt::format("{}: cannot {}", path.string(), step));
}

// Opens and locks it. A run that ends removes it, so that what was locked may no longer be what the name stands for.
void ResultFile::open_journal(bool resume) {
  while (true) {
    const int descriptor = ::open(journal_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--output: {}: {}", journal_.string(), std::strerror(errno)));
    }
    journal_descriptor_ = descriptor;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail(journal_, "lock it");
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: another run is writing it, and has locked {}", output_.string(), journal_.string()));
    }
    struct stat locked {}, named {};
    if (::fstat(descriptor, &locked) == 0 && ::stat(journal_.c_str(), &named) == 0 && locked.st_ino == named.st_ino) {
      if (locked.st_size == 0 || resume) return;
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: is there already, of a run that has not ended: --resume goes on with it; remove it and "
                                                           "{} to begin anew", journal_.string(), partial_.string()));
    }
    ::close(std::exchange(journal_descriptor_, -1));
  }
}

void ResultFile::read_journal(const RunSettings& settings) {
  const std::string content = read_file(journal_);
  std::string_view rest = content;
  std::vector<RunCheckpoint> checkpoints;
  std::vector<std::uint32_t> sums;
  std::vector<std::uint64_t> ends;  // of the lines
  while (rest.find('\n') != std::string_view::npos) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::string where = fmt::format("{}: line {}", journal_.string(), ends.size() + 1);
    if (ends.empty()) {
      check_settings(line, kResultFormat, settings, journal_);
    } else {
      const JsonDocument document(line, where);
      was_finished_ = document.root().find("finished").has_value();
      if (was_finished_) break;
      checkpoints.push_back(parse_checkpoint(document.root(), sums.emplace_back()));
    }
    ends.push_back(content.size() - rest.size());
  }
  if (was_finished_) return;
  if (ends.empty()) {  // a new one, or one that ended before its first line was whole
    if (::ftruncate(journal_descriptor_, 0) != 0) fail(journal_, "begin it");
    if (std::filesystem::exists(partial_)) {
      if (content.empty()) std::filesystem::remove(journal_);
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: is there already, and no run is known that left it; remove it to begin anew", partial_.string()));
    }
    write(journal_descriptor_, settings_line(kResultFormat, settings), journal_);
    return open_partial();
  }
  open_partial();
  std::size_t whole = 0;
  bytes_ = whole_bytes(checkpoints, sums, whole);
  if (whole > 0) before_ = checkpoints[whole - 1];
  whole_journal_bytes_ = ends[whole];
}

// What the run before left half written goes once this one writes: until then it may yet be refused, and then nothing has changed.
void ResultFile::cut_off_halves() {
  if (!whole_journal_bytes_) return;
  if (::ftruncate(partial_descriptor_, static_cast<off_t>(bytes_)) != 0) fail(partial_, "cut off its last block");
  if (::ftruncate(journal_descriptor_, static_cast<off_t>(*whole_journal_bytes_)) != 0) fail(journal_, "cut off its last line");
  whole_journal_bytes_.reset();
}

void ResultFile::open_partial() {
  partial_descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (partial_descriptor_ < 0) fail(partial_, "open it");
}

// How many bytes of the partial file, and how many blocks, are what the journal says. A machine that failed may have kept less.
std::uint64_t ResultFile::whole_bytes(const std::vector<RunCheckpoint>& checkpoints, const std::vector<std::uint32_t>& sums, std::size_t& whole) const {
  std::uint64_t at = 0;
  std::string buffer(kSumBytes, '\0');
  for (whole = 0; whole < checkpoints.size(); ++whole) {
    std::uint32_t sum = 0;
    std::uint64_t read = at;
    while (read < checkpoints[whole].bytes) {
      const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), checkpoints[whole].bytes - read);
      const ssize_t count = ::pread(partial_descriptor_, buffer.data(), wanted, static_cast<off_t>(read));
      if (count <= 0) return at;
      sum = crc32_of(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)), sum);
      read += static_cast<std::uint64_t>(count);
    }
    if (sum != sums[whole]) return at;
    at = checkpoints[whole].bytes;
  }
  return at;
}

void ResultFile::write(int descriptor, std::string_view bytes, const std::filesystem::path& path) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE && !is_kept_) throw ClosedPipe();
    if (written < 0) fail(path, "write to it");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void ResultFile::append(std::string_view block, RunCheckpoint now) {
  cut_off_halves();
  write(partial_descriptor_, block, partial_);
  bytes_ += block.size();
  if (!is_kept_) return;
  now.bytes = bytes_;
  write(journal_descriptor_, checkpoint_line(now, crc32_of(block)), journal_);
  if (std::chrono::steady_clock::now() - synced_ >= kBetweenSyncs) sync();
}

void ResultFile::sync() {
  if (::fdatasync(partial_descriptor_) != 0) fail(partial_, "sync it");
  if (::fdatasync(journal_descriptor_) != 0) fail(journal_, "sync it");
  synced_ = std::chrono::steady_clock::now();
}

void ResultFile::finish() {
  if (!is_kept_) return;
  if (!was_finished_) {
    cut_off_halves();
    sync();
    write(journal_descriptor_, kFinished, journal_);
    if (::fdatasync(journal_descriptor_) != 0) fail(journal_, "sync it");
  }
  if (::rename(partial_.c_str(), output_.c_str()) != 0 && !(was_finished_ && errno == ENOENT)) fail(output_, "give it its name");
  const std::filesystem::path directory = output_.has_parent_path() ? output_.parent_path() : std::filesystem::path(".");
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    ::fsync(descriptor);  // some file systems cannot
    ::close(descriptor);
  }
  std::filesystem::remove(journal_);
}

std::string ResultFile::give_up() {
  if (!is_kept_) return {};
  if (bytes_ > 0) return partial_.string();
  std::error_code error;
  std::filesystem::remove(partial_, error);
  std::filesystem::remove(journal_, error);
  return {};
}

}  // namespace filbert::cli
