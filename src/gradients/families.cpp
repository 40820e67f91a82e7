#include "gradients/families.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <variant>

#include <fmt/format.h>

#include <filbert/error.h>

#include "infer/attention.h"

namespace filbert {
namespace {

template <typename T>
typename Tape<T>::Value plain_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  return bert_layer(pass, step, keep, x);
}

template <typename T>
typename Tape<T>::Value mpnet_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  const auto& relative = std::get<RelativeBias>(pass.model.family);
  const T scale = static_cast<T>(attention_scale(pass.model.config.head_size()));
  ScoreTerms<T> terms;
  terms.add = [&relative, scale](const TapeHead<T>& head, T* scores) {
    const auto reach = static_cast<std::ptrdiff_t>(relative.reach);
    const float* bias = relative.bias.data() + head.head * (2 * relative.reach + 1) + relative.reach;  // of distance 0
    for (std::size_t query = 0; query < head.queries; ++query) {
      const auto position = static_cast<std::ptrdiff_t>(head.first_position + query);
      for (std::size_t key = 0; key < head.tokens; ++key) {
        scores[query * head.tokens + key] += static_cast<T>(bias[std::clamp(static_cast<std::ptrdiff_t>(key) - position, -reach, reach)]) / scale;
      }
    }
  };
  return bert_layer(pass, step, keep, x, terms);
}

template <typename T>
typename Tape<T>::Value nystromformer_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  const auto& convolution = std::get<ValueConvolution>(pass.model.family);
  ScoreTerms<T> terms;
  if (convolution.kernel_size > 0) {
    terms.mix = [&convolution, layer = pass.model.layer_order[step]](const TapeHead<T>& head, T* weights) {
      const std::size_t size = convolution.kernel_size, behind = size / 2;
      const float* kernel = convolution.weight[layer].data() + head.head * size;
      for (std::size_t query = 0; query < head.queries; ++query) {
        const std::size_t position = head.first_position + query;
        for (std::size_t at = 0; at < size; ++at) {
          if (position + at < behind || position + at - behind >= head.tokens) continue;
          weights[query * head.tokens + position + at - behind] += static_cast<T>(kernel[at]);
        }
      }
    };
  }
  return bert_layer(pass, step, keep, x, terms);
}

template <typename T>
constexpr TapeFamily<T> kFamilies[] = {
    {"bert", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"ernie", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"distilbert", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"roberta", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"xlm-roberta", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"camembert", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"electra", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"albert", &Config::embedding_size, embed_sums<T>, plain_layer<T>, project_embeddings<T>},
    {"mpnet", &Config::embedding_size, embed_sums<T>, mpnet_layer<T>, project_embeddings<T>},
    {"nystromformer", &Config::embedding_size, embed_sums<T>, nystromformer_layer<T>, project_embeddings<T>},
    {"roformer", &Config::embedding_size, embed_sums<T>, roformer_layer<T>, project_embeddings<T>},
    {"modernbert", &Config::embedding_size, embed_sums<T>, modernbert_layer<T>, nullptr, modernbert_leave<T>},
    {"deberta", &Config::embedding_size, embed_sums<T>, deberta_layer<T>},
    {"deberta-v2", &Config::embedding_size, embed_sums<T>, deberta_layer<T>},
    {"xlnet", &Config::embedding_size, xlnet_embed<T>, xlnet_layer<T>},
    {"convbert", &Config::embedding_size, embed_sums<T>, convbert_layer<T>, project_embeddings<T>},
    {"mobilebert", &Config::hidden_size, mobilebert_embed<T>, mobilebert_layer<T>},
};

}  // namespace

template <typename T>
const TapeFamily<T>& tape_family(const Model& model) {
  const auto* row = std::ranges::find(kFamilies<T>, std::string_view(model.config.model_type), &TapeFamily<T>::model_type);
  if (row != std::end(kFamilies<T>)) return *row;
  std::string names;
  for (const TapeFamily<T>& family : kFamilies<T>) names += (names.empty() ? "" : ", ") + std::string(family.model_type);
  throw Error(ErrorKind::unsupported, fmt::format("{}: gradients: expected a model_type of {}, found {}", model.config.path.string(), names,
                                                  model.config.model_type));
}

template const TapeFamily<float>& tape_family(const Model&);
template const TapeFamily<double>& tape_family(const Model&);

}  // namespace filbert
