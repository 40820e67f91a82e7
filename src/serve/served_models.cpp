#include "serve/served_models.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "load/fingerprint.h"
#include "serve/problem.h"

namespace filbert::serve {
namespace {

std::string_view last_part(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string names_of(const std::vector<std::shared_ptr<const ServedModel>>& models) {
  std::string names;
  for (const auto& model : models) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", model->name);
  return names;
}

}  // namespace

std::shared_ptr<const ServedModel> ServedModels::at(std::string_view name) const {
  if (name.empty()) return models_.front();
  const auto exact = std::find_if(models_.begin(), models_.end(),
                                  [&](const auto& model) { return model->name == name || model->model_id == name; });
  if (exact != models_.end()) return *exact;
  const auto short_name = [&](const auto& model) { return last_part(model->name) == name; };
  const auto found = std::find_if(models_.begin(), models_.end(), short_name);
  if (found != models_.end() && std::find_if(found + 1, models_.end(), short_name) == models_.end()) return *found;
  throw Problem(ProblemKind::not_found, fmt::format("model: expected one of {}, found \"{}\"", names_of(models_), name));
}

std::shared_ptr<const ServedModel> make_served_model(std::string name, std::string model_id, std::string revision,
                                                     TextClassificationPipeline classifier) {
  std::vector<char> is_unknown;
  if (classifier.has_tokenizer()) {
    is_unknown.resize(classifier.tokenizer().vocab_size());
    for (const std::string_view token : {"[UNK]", "<unk>"}) {
      const auto id = classifier.tokenizer().token_to_id(token);
      if (id && static_cast<std::size_t>(*id) < is_unknown.size()) is_unknown[static_cast<std::size_t>(*id)] = 1;
    }
  }
  auto fingerprint = std::make_shared<LazyFingerprint>(classifier.config().path.parent_path());
  return std::make_shared<const ServedModel>(ServedModel{std::move(name), std::move(model_id), std::move(revision), std::move(classifier),
                                                         std::move(is_unknown), std::move(fingerprint)});
}

const std::pair<std::string, std::string>& LazyFingerprint::hashes() {
  std::call_once(once_, [&] {
    try {
      hashes_ = {weights_sha256(directory_), tokenizer_sha256(directory_)};
    } catch (const std::exception&) {
      hashes_ = {};
    }
  });
  return hashes_;
}

}  // namespace filbert::serve
