// Checkpoints by their names, and what is read of a config.json.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filbert/config.h>
#include <filbert/hub.h>
#include <filbert/pipeline.h>

#include "bindings.h"

namespace filbert::python {
namespace {

void set_hub_options(HubOptions* self, std::string revision, std::optional<std::string> token, std::filesystem::path cache_dir, bool local_files_only,
                     bool force_download, std::string subfolder, nb::object on_progress) {
  new (self) HubOptions{.revision = std::move(revision), .token = std::move(token), .cache_dir = std::move(cache_dir), .local_files_only = local_files_only,
                        .force_download = force_download, .subfolder = std::move(subfolder)};
  if (on_progress.is_none()) return;
  // Copies are made and dropped by threads that do not hold the GIL.
  const std::shared_ptr<nb::object> call(new nb::object(std::move(on_progress)), [](nb::object* object) {
    const nb::gil_scoped_acquire gil;
    delete object;
  });
  self->on_progress = [call](const DownloadProgress& progress) {
    const nb::gil_scoped_acquire gil;
    (*call)(nb::str(progress.file.data(), progress.file.size()), progress.bytes, progress.total_bytes);
  };
}

std::filesystem::path find(const std::filesystem::path& name, HubOptions options, bool tokenizer, bool weights) {
  std::vector<std::string> warnings;
  std::mutex mutex;  // downloads run at the same time
  options.on_warning = [&](std::string_view warning) {
    const std::lock_guard lock(mutex);
    warnings.emplace_back(warning);
  };
  std::filesystem::path directory;
  {
    const nb::gil_scoped_release release;
    directory = find_checkpoint(name, options, {.tokenizer = tokenizer, .weights = weights});
  }
  for (const std::string& warning : warnings) {
    if (PyErr_WarnEx(PyExc_UserWarning, warning.c_str(), 2) != 0) throw nb::python_error();
  }
  return directory;
}

// The fields that have one name and one meaning for every family.
nb::dict common_fields(const Config& config) {
  nb::dict fields;
  fields["model_type"] = config.model_type;
  fields["architectures"] = config.architectures;
  fields["vocab_size"] = config.vocab_size;
  fields["hidden_size"] = config.hidden_size;
  fields["num_hidden_layers"] = config.num_hidden_layers;
  fields["num_attention_heads"] = config.num_attention_heads;
  fields["intermediate_size"] = config.intermediate_size;
  fields["max_position_embeddings"] = config.max_position_embeddings;
  fields["type_vocab_size"] = config.type_vocab_size;
  fields["pad_token_id"] = config.pad_token_id;
  fields["hidden_act"] = config.hidden_act;
  fields["layer_norm_eps"] = config.layer_norm_eps;
  fields["problem_type"] = config.problem_type;
  fields["id2label"] = config.id2label;
  return fields;
}

}  // namespace

void bind_hub(nb::module_& module) {
  nb::class_<HubOptions>(module, "HubOptions")
      .def("__init__", &set_hub_options, nb::arg("revision") = "main", nb::arg("token") = nb::none(), nb::arg("cache_dir") = "",
           nb::arg("local_files_only") = false, nb::arg("force_download") = false, nb::arg("subfolder") = "", nb::arg("on_progress") = nb::none());
  module.def("find_checkpoint", &find, nb::arg("name"), nb::arg("options"), nb::arg("tokenizer") = true, nb::arg("weights") = true,
             "The directory of a checkpoint: the name of one, or of a model on the Hub.");
  module.def("default_model", &default_model, "The directory of the built-in model.");
  nb::class_<Config>(module, "Config")
      .def_static("from_pretrained", [](const std::filesystem::path& directory) { return Config::from_pretrained(directory); })
      .def_ro("json", &Config::json)
      .def_ro("has_default_labels", &Config::has_default_labels)
      .def_ro("max_tokens", &Config::max_tokens)
      .def_prop_ro("default_max_length", &Config::default_max_length)
      .def_prop_ro("common_fields", &common_fields);
}

}  // namespace filbert::python
