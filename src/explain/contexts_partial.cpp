// The file of an index in the making: what a run has done stays whole, whatever ends it.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/json.h"
#include "explain/contexts_writer.h"

namespace filbert {
namespace {

// What must be the same for the blocks of one run to be those of another.
std::string settings_of(const IndexInfo& info) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [key, text] : {std::pair<const char*, const std::string*>{"version", &info.version}, {"model_sha256", &info.model_sha256},
                                  {"tokenizer_sha256", &info.tokenizer_sha256}, {"dtype", &info.dtype}, {"input_sha256", &info.input_sha256},
                                  {"text_column", &info.text_column}, {"label_column", &info.label_column}}) {
    json.field(key, *text);
  }
  json.field("vector_dtype", name(info.vector_dtype));
  json.field("max_length", info.max_length);
  json.key("layers");
  json.begin_array();
  for (const IndexedLayer& layer : info.layers) json.value(layer.layer);
  json.end_array();
  json.end_object();
  return json.take_line();
}

std::span<const std::byte> bytes_of(const auto& object) { return std::as_bytes(std::span(&object, 1)); }

}  // namespace

PartialIndex::PartialIndex(std::filesystem::path path, const IndexInfo& info, bool resume)
    : path_(std::move(path)), shape_{info.vector_dtype, info.hidden_size, info.layers} {
  if (resume && std::filesystem::exists(path_)) {
    open(settings_of(info));
  } else {
    create(settings_of(info));
  }
}

PartialIndex::~PartialIndex() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  std::error_code none;
  if (!is_finished_ && blocks_.empty()) std::filesystem::remove(path_, none);
}

void PartialIndex::fail(std::string_view step) const {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot {}: {}", path_.string(), step, std::strerror(errno)));
}

void PartialIndex::create(const std::string& settings) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == EEXIST) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: is there already, of a run that has not ended: --resume goes on with it; remove it to begin anew",
                                                         path_.string()));
  }
  if (descriptor_ < 0) fail("create it");
  IndexHeader header;
  header.magic = kPartialMagic;
  header.header_bytes = sizeof header;
  write_at(0, bytes_of(header));
  end_ = sizeof header;
  std::string padded = settings;
  padded.resize(aligned(padded.size()), ' ');
  const std::span<const std::byte> bytes = std::as_bytes(std::span(padded));
  BlockHeader of_settings{.magic = kSettingsMagic, .bytes = padded.size()};
  of_settings.digest = digest_of(bytes);
  write_block(of_settings, bytes);
}

void PartialIndex::open(const std::string& settings) {
  const auto other = [&](const std::string& what) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}; remove the file to begin anew", path_.string(), what));
  };
  const MappedFile mapped(path_);
  const std::span<const std::byte> bytes = mapped.bytes();
  IndexHeader header;
  BlockHeader of_settings;
  if (bytes.size() < sizeof header + sizeof of_settings) other("expected what a run has done, found less than its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  std::memcpy(&of_settings, bytes.data() + sizeof header, sizeof of_settings);
  end_ = sizeof header + sizeof of_settings;
  if (header.magic != kPartialMagic || of_settings.magic != kSettingsMagic || of_settings.bytes > bytes.size() - end_) {
    other("expected what a run has done, found something else");
  }
  const JsonDocument before(std::string(reinterpret_cast<const char*>(bytes.data()) + end_, of_settings.bytes), path_.string());
  const JsonDocument now(settings, "settings");
  const JsonValue root = before.root();
  now.root().for_each_field([&](std::string_view key, const JsonValue& value) {
    const auto found = root.find(key);
    const std::string was = found ? simdjson::minify(found->raw()) : std::string("none"), is = simdjson::minify(value.raw());
    if (was != is) other(fmt::format("{}: expected {}, as this run has it, found {}", key, is, was));
  });
  end_ += of_settings.bytes;
  while (end_ % kIndexAlignment == 0 && bytes.size() - end_ >= sizeof(BlockHeader)) {
    BlockHeader block;
    std::memcpy(&block, bytes.data() + end_, sizeof block);
    if (block.magic != kBlockMagic || block.bytes > bytes.size() - end_ - sizeof block) break;
    const std::span<const std::byte> payload = bytes.subspan(end_ + sizeof block, block.bytes);
    if (block.heap_bytes > block.bytes || BlockLayout(shape_, block.texts, block.tokens, block.heap_bytes).bytes != block.bytes) break;
    if (digest_of(payload) != block.digest) break;
    count(block, payload);
    end_ += sizeof block + block.bytes;
    mapped.release(payload);
  }
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) fail("open it");
  if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) fail("cut what is not whole");
}

void PartialIndex::count(const BlockHeader& header, std::span<const std::byte> payload) {
  const BlockLayout layout(shape_, header.texts, header.tokens, header.heap_bytes);
  blocks_.push_back({end_, before_.texts, header.texts, before_.tokens, header.tokens, header.heap_bytes});
  before_.texts += header.texts;
  before_.tokens += header.tokens;
  for (std::size_t text = 0; text < header.texts; ++text) {
    TextRecord record;
    std::memcpy(&record, payload.data() + layout.texts + text * sizeof record, sizeof record);
    before_.truncated += record.truncated != 0;
    before_.invalid_utf8 += record.invalid_utf8 != 0;
    before_.empty += record.tokens == 0;
    before_.gold += record.gold_begin != TextRecord::kNoGold;
  }
}

void PartialIndex::write_at(std::size_t begin, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write to it");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    begin += static_cast<std::size_t>(written);
  }
}

void PartialIndex::write_block(const BlockHeader& header, std::span<const std::byte> payload) {
  write_at(end_, bytes_of(header));
  write_at(end_ + sizeof header, payload);
  end_ += sizeof header + payload.size();
}

void PartialIndex::append(const BlockHeader& header, std::span<const std::byte> payload) {
  const std::size_t first_text = blocks_.empty() ? 0 : blocks_.back().first_text + blocks_.back().texts;
  const std::size_t first_token = blocks_.empty() ? 0 : blocks_.back().first_token + blocks_.back().tokens;
  const IndexBlock block{end_, first_text, header.texts, first_token, header.tokens, header.heap_bytes};
  write_block(header, payload);
  blocks_.push_back(block);
}

void PartialIndex::finish(const IndexInfo& info, const std::filesystem::path& file) {
  const std::string directory = directory_json(info, blocks_);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(directory));
  IndexHeader header;
  header.header_bytes = sizeof header;
  header.directory_begin = end_;
  header.directory_bytes = directory.size();
  header.file_bytes = end_ + directory.size();
  header.directory_digest = digest_of(bytes);
  header.digest = digest_of(bytes_of(header).first(sizeof header - sizeof header.digest));
  write_at(end_, bytes);
  write_at(0, bytes_of(header));
  if (::fsync(descriptor_) != 0) fail("sync it");
  std::error_code error;
  std::filesystem::rename(path_, file, error);
  if (error) throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot rename it to {}: {}", path_.string(), file.string(), error.message()));
  is_finished_ = true;
}

}  // namespace filbert
