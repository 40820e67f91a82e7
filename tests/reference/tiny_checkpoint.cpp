#include "reference/tiny_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "reference/reference_bert.h"

namespace filbert::reference {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "filbert_test_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
  path_ = name;
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryDirectory::write(const std::filesystem::path& name, std::string_view content) const {
  const std::filesystem::path path = path_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::size_t Random::between(std::size_t low, std::size_t high) { return low + engine_() % (high - low + 1); }

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double Random::normal() {  // Box and Muller
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

nlohmann::ordered_json tiny_config(const TinyCheckpoint& checkpoint) {
  nlohmann::ordered_json config = {
      {"architectures", {"BertForSequenceClassification"}},
      {"model_type", "bert"},
      {"vocab_size", checkpoint.vocab_size},
      {"hidden_size", checkpoint.hidden_size},
      {"num_hidden_layers", checkpoint.num_hidden_layers},
      {"num_attention_heads", checkpoint.num_attention_heads},
      {"intermediate_size", checkpoint.intermediate_size},
      {"max_position_embeddings", checkpoint.max_position_embeddings},
      {"type_vocab_size", checkpoint.type_vocab_size},
      {"hidden_act", checkpoint.hidden_act},
      {"layer_norm_eps", checkpoint.layer_norm_eps},
  };
  for (std::size_t id = 0; id < checkpoint.labels.size(); ++id) {
    config["id2label"][std::to_string(id)] = checkpoint.labels[id];
    config["label2id"][checkpoint.labels[id]] = id;
  }
  if (checkpoint.edit_config) checkpoint.edit_config(config);
  return config;
}

Arrays tiny_tensors(const TinyCheckpoint& checkpoint) {
  Random random(checkpoint.seed);
  Arrays arrays;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, double mean, double deviation) {
    std::size_t count = 1;
    for (const std::size_t size : shape) count *= size;
    Array array{std::move(shape), std::vector<double>(count), checkpoint.dtype};
    for (double& value : array.values) value = rounded_to(mean + deviation * random.normal(), checkpoint.dtype);
    arrays.emplace(name, std::move(array));
  };
  const auto add_linear = [&](const std::string& name, std::size_t outputs, std::size_t inputs, double gain) {
    add(name + ".weight", {outputs, inputs}, 0, gain / std::sqrt(static_cast<double>(inputs)));
    add(name + ".bias", {outputs}, 0, 0.1);
  };
  const auto add_layer_norm = [&](const std::string& name) {
    add(name + (checkpoint.gamma_beta ? ".gamma" : ".weight"), {checkpoint.hidden_size}, 1, 0.1);
    add(name + (checkpoint.gamma_beta ? ".beta" : ".bias"), {checkpoint.hidden_size}, 0, 0.1);
  };

  const std::string bert = checkpoint.bert_prefix ? "bert." : "";
  const std::size_t hidden = checkpoint.hidden_size;
  add(bert + "embeddings.word_embeddings.weight", {checkpoint.vocab_size, hidden}, 0, 0.5);
  add(bert + "embeddings.position_embeddings.weight", {checkpoint.max_position_embeddings, hidden}, 0, 0.5);
  add(bert + "embeddings.token_type_embeddings.weight", {checkpoint.type_vocab_size, hidden}, 0, 0.5);
  add_layer_norm(bert + "embeddings.LayerNorm");
  for (std::size_t layer = 0; layer < checkpoint.num_hidden_layers; ++layer) {
    const std::string prefix = bert + "encoder.layer." + std::to_string(layer) + ".";
    add_linear(prefix + "attention.self.query", hidden, hidden, 1.5);  // above 1: attention that prefers some tokens
    add_linear(prefix + "attention.self.key", hidden, hidden, 1.5);
    add_linear(prefix + "attention.self.value", hidden, hidden, 1);
    add_linear(prefix + "attention.output.dense", hidden, hidden, 1);
    add_layer_norm(prefix + "attention.output.LayerNorm");
    add_linear(prefix + "intermediate.dense", checkpoint.intermediate_size, hidden, 1.5);
    add_linear(prefix + "output.dense", hidden, checkpoint.intermediate_size, 1);
    add_layer_norm(prefix + "output.LayerNorm");
  }
  add_linear(bert + "pooler.dense", hidden, hidden, 1);
  add_linear("classifier", checkpoint.labels.size(), hidden, 2);
  if (checkpoint.edit_tensors) checkpoint.edit_tensors(arrays);
  return arrays;
}

TinyCheckpoint tiny_finder(std::uint64_t seed) {
  TinyCheckpoint finder{.seed = seed, .max_position_embeddings = 24, .labels = {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}};
  finder.edit_config = [](auto& config) { config["architectures"] = {"BertForTokenClassification"}; };
  finder.edit_tensors = [](Arrays& arrays) { std::erase_if(arrays, [](const auto& array) { return array.first.find("pooler") != std::string::npos; }); };
  return finder;
}

std::string tiny_vocab(std::size_t vocab_size) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char letter = 'a'; letter <= 'z'; ++letter) tokens.push_back({letter});
  for (char letter = 'a'; letter <= 'z'; ++letter) tokens.push_back({'#', '#', letter});
  for (const char mark : std::string_view("0123456789.,!?'-")) tokens.push_back({mark});
  for (const char* word : {"the", "book", "love", "this", "really", "not", "good", "bad", "##ing", "##ed"}) {
    tokens.emplace_back(word);
  }
  std::string lines;
  for (std::size_t id = 0; id < vocab_size; ++id) {
    lines += id < tokens.size() ? tokens[id] : "word" + std::to_string(id - tokens.size());
    lines += '\n';
  }
  return lines;
}

void write_checkpoint(const TinyCheckpoint& checkpoint, const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "config.json") << tiny_config(checkpoint).dump(2);
  std::ofstream(directory / "vocab.txt") << tiny_vocab(checkpoint.vocab_size);
  std::ofstream(directory / "tokenizer_config.json") << R"({"do_lower_case": true, "tokenizer_class": "BertTokenizer"})";
  write_arrays(directory / "model.safetensors", tiny_tensors(checkpoint));
}

TemporaryDirectory write_checkpoint(const TinyCheckpoint& checkpoint) {
  TemporaryDirectory directory;
  write_checkpoint(checkpoint, directory.path());
  return directory;
}

TinyCheckpoint random_shape(Random& random) {
  TinyCheckpoint shape;
  shape.seed = random.between(1, 1u << 30);
  shape.num_hidden_layers = random.between(1, 4);
  const std::size_t head_size = random.pick<std::size_t>({8, 11, 12, 16, 20, 24, 31, 32, 33, 48, 64});
  shape.num_attention_heads = random.between(1, std::max<std::size_t>(2, 100 / head_size));  // no more, for speed
  shape.hidden_size = shape.num_attention_heads * head_size;
  shape.intermediate_size = random.between(1, 3 * shape.hidden_size);
  shape.vocab_size = random.between(5, 150);
  shape.max_position_embeddings = random.between(2, 70);
  shape.type_vocab_size = random.between(1, 3);
  shape.hidden_act = random.pick(activation_names());
  shape.layer_norm_eps = random.pick<double>({1e-12, 1e-7, 1e-5});
  shape.dtype = random.pick<std::string>({"F32", "F16", "BF16"});
  shape.bert_prefix = random.between(0, 1) == 1;
  shape.gamma_beta = random.between(0, 1) == 1;
  const std::size_t num_labels = random.pick<std::size_t>({1, 2, 3, 5, 16, 77});
  shape.labels.clear();
  for (std::size_t id = 0; id < num_labels; ++id) shape.labels.push_back("label " + std::to_string(id));
  return shape;
}

}  // namespace filbert::reference
