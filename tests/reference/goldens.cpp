#include "reference/goldens.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace filbert::reference {
namespace {

std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": not there; tools/make_goldens.py makes the goldens");
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_weights(const nlohmann::json& made, const std::filesystem::path& weights) {
  if (made.at("model_sha256") == sha256(file_content(weights))) return;
  throw std::runtime_error(weights.string() + ": the goldens were recorded from other weights; run tools/make_goldens.py");
}

GoldenRow golden_row(const nlohmann::json& json) {
  GoldenRow golden;
  golden.text = json.value("text", "");
  golden.row.input_ids = json.at("input_ids").get<std::vector<std::int32_t>>();
  golden.row.token_type_ids = json.value("token_type_ids", std::vector<std::int32_t>(golden.row.input_ids.size(), 0));
  golden.logits = json.at("logits").get<std::vector<double>>();
  return golden;
}

TextGoldens text_goldens(const std::string& name, const std::filesystem::path& model) {
  const std::filesystem::path path = source_directory() / "tests" / "data" / (name + ".goldens.jsonl");
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error(path.string() + ": empty or not there; run tools/make_goldens.py");
  const auto made = nlohmann::json::parse(line);
  check_weights(made, model / "model.safetensors");
  TextGoldens goldens{made.at("max_length"), {}};
  while (std::getline(file, line)) goldens.rows.push_back(golden_row(nlohmann::json::parse(line)));
  return goldens;
}

constexpr std::array<std::uint32_t, 64> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void sha256_block(const char* block, std::array<std::uint32_t, 8>& state) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) w[i] = w[i] << 8 | static_cast<unsigned char>(block[4 * i + byte]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kRoundConstants[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> sum = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += sum[i];
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::array<std::uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const std::size_t whole = bytes.size() / 64 * 64;
  for (std::size_t at = 0; at < whole; at += 64) sha256_block(bytes.data() + at, state);
  std::string rest = std::string(bytes.substr(whole)) + '\x80';
  rest.append((120 - rest.size() % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) rest.push_back(static_cast<char>(std::uint64_t{bytes.size()} * 8 >> shift & 0xFF));
  for (std::size_t at = 0; at < rest.size(); at += 64) sha256_block(rest.data() + at, state);
  std::string hex;
  for (const std::uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) hex.push_back("0123456789abcdef"[word >> shift & 15]);
  }
  return hex;
}

std::filesystem::path source_directory() { return FILBERT_SOURCE_DIR; }
std::filesystem::path stars_en_directory() { return source_directory() / "models" / "stars-en"; }
std::filesystem::path entities_en_directory() { return source_directory() / "models" / "entities-en"; }
std::filesystem::path pytorch_fixture(std::string_view name) {
  return source_directory() / "tests" / "data" / "pytorch" / name;
}

std::vector<TinyGoldens> tiny_goldens() {
  std::vector<TinyGoldens> all;
  for (const auto& entry : std::filesystem::directory_iterator(source_directory() / "tests" / "data" / "tiny")) {
    const auto json = nlohmann::json::parse(file_content(entry.path() / "goldens.json"));
    check_weights(json.at("made"), entry.path() / "model.safetensors");
    TinyGoldens goldens{entry.path(), {}};
    for (const auto& row : json.at("rows")) goldens.rows.push_back(golden_row(row));
    all.push_back(std::move(goldens));
  }
  if (all.empty()) throw std::runtime_error("tests/data/tiny is empty; tools/make_goldens.py fills it");
  std::ranges::sort(all, {}, &TinyGoldens::directory);
  return all;
}

TextGoldens stars_en_goldens() { return text_goldens("stars-en", stars_en_directory()); }
TextGoldens entities_en_goldens() { return text_goldens("entities-en", entities_en_directory()); }

}  // namespace filbert::reference
