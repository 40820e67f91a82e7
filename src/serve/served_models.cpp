#include "serve/served_models.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/contexts.h>

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

std::shared_ptr<const ServedModel> ServedModels::at(std::string_view name, Task task) const {
  if (!name.empty()) return at(name);
  const auto found = std::find_if(models_.begin(), models_.end(), [&](const auto& model) { return model->task() == task; });
  return found == models_.end() ? models_.front() : *found;
}

const TextClassificationPipeline& ServedModel::classifier() const {
  if (const auto* classifier = std::get_if<TextClassificationPipeline>(&pipeline)) return *classifier;
  throw Problem(ProblemKind::unsupported, fmt::format("model: expected one that labels texts, found \"{}\", which labels tokens: /v1/entities and "
                                                      "/models/{} take it", name, name));
}

const TokenClassificationPipeline& ServedModel::finder() const {
  if (const auto* finder = std::get_if<TokenClassificationPipeline>(&pipeline)) return *finder;
  throw Problem(ProblemKind::unsupported, fmt::format("model: expected one that labels tokens, found \"{}\", which labels texts: /v1/classify and "
                                                      "/models/{} take it", name, name));
}

const PreTrainedModel& ServedModel::model() const {
  return std::visit([](const auto& of) -> const PreTrainedModel& { return of.model(); }, pipeline);
}

std::size_t ServedModel::max_length() const {
  return std::visit([](const auto& of) { return of.max_length(); }, pipeline);
}

bool ServedModel::has_tokenizer() const {
  const auto* classifier = std::get_if<TextClassificationPipeline>(&pipeline);
  return classifier == nullptr || classifier->has_tokenizer();
}

const Tokenizer& ServedModel::tokenizer() const {
  return std::visit([](const auto& of) -> const Tokenizer& { return of.tokenizer(); }, pipeline);
}

const std::map<int, std::string>& ServedModel::id2label() const {
  const auto* classifier = std::get_if<TextClassificationPipeline>(&pipeline);
  return classifier != nullptr ? classifier->id2label() : config().id2label;
}

Tensor ServedModel::logits(const BatchEncoding& inputs) const {
  return std::visit([&](const auto& of) { return of.model()(inputs).logits; }, pipeline);
}

std::pair<std::size_t, std::size_t> ServedModel::logits_of(const BatchEncoding& inputs, std::size_t row) const {
  if (task() == Task::sequence_classification) return {row, row + 1};
  return {inputs.row_starts[row], inputs.row_starts[row + 1]};
}

std::string_view task_name(const ServedModel& model) {
  return model.task() == Task::token_classification ? "token-classification" : "text-classification";
}

std::shared_ptr<const ServedModel> make_served_model(std::string name, std::string model_id, std::string revision,
                                                     std::variant<TextClassificationPipeline, TokenClassificationPipeline> pipeline,
                                                     std::shared_ptr<const ContextIndex> index) {
  ServedModel model{std::move(name), std::move(model_id), std::move(revision), std::move(pipeline)};
  if (model.has_tokenizer()) {
    model.is_unknown.resize(model.tokenizer().vocab_size());
    for (const std::string_view token : {"[UNK]", "<unk>"}) {
      const auto id = model.tokenizer().token_to_id(token);
      if (id && static_cast<std::size_t>(*id) < model.is_unknown.size()) model.is_unknown[static_cast<std::size_t>(*id)] = 1;
    }
  }
  model.fingerprint = std::make_shared<LazyFingerprint>(model.config().path.parent_path());
  if (index) {
    const auto& [weights, tokenizer] = model.fingerprint->hashes();
    index->check({weights, tokenizer});
    model.index = std::move(index);
  }
  return std::make_shared<const ServedModel>(std::move(model));
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
