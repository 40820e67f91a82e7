// filbert serve: models behind HTTP, in the dialects that clients already speak.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/entities.h>
#include <filbert/error.h>
#include <filbert/pipeline.h>
#include <filbert/version.h>

#include "base/names.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/contexts_options.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "infer/architecture.h"
#include "serve/log.h"
#include "serve/server.h"

namespace filbert::cli {
namespace {

struct Options {
  std::vector<std::string> models;   // "name=checkpoint" or "checkpoint"
  HubOptions hub;
  ModelOptions loading;
  serve::ServeOptions serve;
  bool explain = false;
  bool use_decision = true;          // of what lies beside a model
  std::vector<std::string> decisions;  // "name=file", or "file" of the only model
  std::vector<std::string> indexes;    // "name=directory", or "directory" of the only model
  std::optional<std::filesystem::path> log_file;
  serve::LogLevel log_level = serve::LogLevel::info;
};

struct ModelSpec {
  std::string name;
  std::optional<std::string> checkpoint;   // absent: the model that comes with Filbert
  DecisionChoice decision = {};
  std::filesystem::path index = {};        // what filbert index has written; empty: none
};

// "name=path" in two; no name where there is none, or a slash before the equals sign makes it a part of the path.
std::pair<std::string, std::string> name_and_path(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals != 0 && text.find('/') > equals) return {text.substr(0, equals), text.substr(equals + 1)};
  return {"", text};
}

ModelSpec spec_of(const std::string& text) {
  auto [given, path] = name_and_path(text);
  if (!given.empty()) return {std::move(given), std::move(path)};
  std::string name = std::filesystem::path(text).lexically_normal().filename().string();
  if (name.empty()) name = std::filesystem::path(text).lexically_normal().parent_path().filename().string();
  return {std::move(name), text};
}

// The model that `text`, NAME=FILE or whatever `form` is, names for `flag`, gets its path; `path_of` is where a model has it.
void name_path(std::string_view flag, std::string_view form, const std::string& text, std::vector<ModelSpec>& specs,
               std::filesystem::path& (*path_of)(ModelSpec&)) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {}, found \"{}\"", flag, expected, found));
  };
  auto [name, path] = name_and_path(text);
  if (name.empty() && specs.size() > 1) refuse(fmt::format("{}, where more than one model is served", form), text);
  std::vector<std::string> names;
  for (const ModelSpec& spec : specs) names.push_back(spec.name);
  const auto found = name.empty() ? names.begin() : std::ranges::find(names, name);
  if (found == names.end()) refuse("the name of a model, one of " + first_of(names, names.size()), name);
  std::filesystem::path& of_model = path_of(specs[static_cast<std::size_t>(found - names.begin())]);
  if (!of_model.empty()) refuse("one for each model", text);
  of_model = std::move(path);
}

std::vector<ModelSpec> specs_of(const Options& options) {
  std::vector<ModelSpec> specs;
  for (const std::string& text : options.models) specs.push_back(spec_of(text));
  if (specs.empty()) specs.push_back({default_model().filename().string(), std::nullopt});
  std::map<std::string, int> seen;
  for (ModelSpec& spec : specs) {
    if (++seen[spec.name] > 1) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--model: expected a name for each model, found \"{0}\" twice; give one as NAME={1}", spec.name,
                                                           spec.checkpoint.value_or("")));
    }
    spec.decision.use = options.use_decision;
  }
  for (const std::string& text : options.decisions) {
    name_path("--decision", "NAME=FILE", text, specs, [](ModelSpec& spec) -> std::filesystem::path& {
      spec.decision.use = true;
      return spec.decision.file;
    });
  }
  for (const std::string& text : options.indexes) {
    name_path("--index", "NAME=DIR", text, specs, [](ModelSpec& spec) -> std::filesystem::path& { return spec.index; });
  }
  return specs;
}

// A snapshot of the Hub lies in a directory with its commit's name.
std::string revision_of(const std::filesystem::path& directory) {
  const std::string name = directory.filename().string();
  const bool is_commit = name.size() == 40 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_commit ? name : sha256_of_file(directory / "config.json");
}

// What its config.json says that it is for.
std::variant<TextClassificationPipeline, TokenClassificationPipeline> load(const Options& options, const ModelSpec& spec,
                                                                           const std::filesystem::path& directory) {
  if (task_of(Config::from_pretrained(directory)) == Task::token_classification) {
    if (!spec.decision.file.empty()) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--decision: expected a model that labels texts, found \"{}\", which labels tokens", spec.name));
    }
    if (!spec.index.empty()) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--index: expected a model that labels texts, found \"{}\", which labels tokens", spec.name));
    }
    return pipeline<TokenClassificationPipeline>("token-classification", directory, {}, options.loading);
  }
  auto classifier = pipeline("text-classification", directory, options.loading, spec.decision);
  classifier.tokenizer();  // throws if there is none
  return classifier;
}

serve::ServedModels load(const Options& options, const std::vector<ModelSpec>& specs, Session& session) {
  std::vector<std::shared_ptr<const serve::ServedModel>> models;
  for (const ModelSpec& spec : specs) {
    const std::filesystem::path directory = model_directory({spec.checkpoint, options.hub}, session);
    std::shared_ptr<const ContextIndex> index;
    if (!spec.index.empty()) index = std::make_shared<const ContextIndex>(open_index(spec.index));
    models.push_back(serve::make_served_model(spec.name, spec.checkpoint.value_or(spec.name), revision_of(directory), load(options, spec, directory),
                                              std::move(index)));
  }
  return serve::ServedModels(std::move(models));
}

std::string url_of(const serve::ServeOptions& options, unsigned short port) {
  const bool is_v6 = options.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", options.tls_certificate ? "https" : "http", is_v6 ? "[" : "", options.host, is_v6 ? "]" : "", port);
}

void check(Options& options) {
  serve::ServeOptions& serve = options.serve;
  if (serve.tls_certificate.has_value() != serve.tls_key.has_value()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{0}: expected {1} beside it, found none", serve.tls_certificate ? "--tls-certificate" : "--tls-key",
                                                         serve.tls_certificate ? "--tls-key" : "--tls-certificate"));
  }
  const char* key = std::getenv("FILBERT_API_KEY");
  if (serve.api_keys.empty() && key != nullptr && *key != '\0') serve.api_keys.emplace_back(key);
  if (serve.limits.max_total_body_bytes < serve.limits.max_body_bytes) {
    throw Error(ErrorKind::invalid_argument, fmt::format("--max-total-body-bytes: expected at least --max-body-bytes, {}, found {}", serve.limits.max_body_bytes,
                                                         serve.limits.max_total_body_bytes));
  }
  serve.explain = options.explain || serve::is_loopback(serve.host);
}

void run(Options& options, Session& session) {
  check(options);
  const std::vector<ModelSpec> specs = specs_of(options);
  serve::Log log(options.log_file, options.log_level);
  serve::Server server(options.serve, [&] { return load(options, specs, session); }, log);
  if (!serve::is_loopback(options.serve.host) && options.serve.api_keys.empty()) {
    log.event(serve::LogLevel::warning, "anybody who reaches this address may ask: no --api-key is set");
  }
  server.run([&] {
    const auto& model = specs.front();
    if (session.out.is_terminal()) {
      session.out.write(fmt::format("{} answers at {} ; Ctrl-C ends it\n", session.out.foreign(model.name), url_of(options.serve, server.port())));
      session.out.flush();
    }
    log.event(serve::LogLevel::info, "listening",
              {{"url", url_of(options.serve, server.port())}, {"version", FILBERT_VERSION}, {"model", model.name}, {"explain", options.serve.explain ? "on" : "off"}});
  });
  log.event(serve::LogLevel::info, "ended");
}

void add_limit_options(CLI::App& app, serve::ServeLimits& limits) {
  add_number(app, "--max-concurrent-requests", "Requests that are answered at once; more get 429; default: 512", {.least = 1},
             [&](std::size_t count) { limits.max_concurrent_requests = count; });
  add_number(app, "--max-queue-tokens", "Tokens that wait for the model; more get 429; default: 262144", {.least = 1},
             [&](std::size_t count) { limits.max_queue_tokens = count; });
  add_number(app, "--max-client-batch-size", "Texts of a request; default: 1024", {.least = 1},
             [&](std::size_t count) { limits.max_client_batch_size = count; });
  add_number(app, "--max-body-bytes", "Of a request; more get 413; default: 2000000", {.least = 1}, [&](std::size_t count) { limits.max_body_bytes = count; });
  add_number(app, "--max-total-body-bytes", "Of all requests that are being read or answered; more get 429; default: 200000000", {.least = 1},
             [&](std::size_t count) { limits.max_total_body_bytes = count; });
  add_number(app, "--max-connections", "Default: 65536", {.least = 1}, [&](std::size_t count) { limits.max_connections = count; });
  add_number(app, "--max-length", "Tokens of a text, special ones included; default: all the model takes", {.least = 1},
             [&](std::size_t count) { limits.max_length = count; });
  add_number(app, "--timeout-ms", "Of a request from its last byte to its answer; default: 30000", {.least = 1},
             [&](std::size_t count) { limits.timeout = std::chrono::milliseconds(count); });
  add_number(app, "--explain-timeout-ms", "The same of an explanation; default: 10000", {.least = 1},
             [&](std::size_t count) { limits.explain_timeout = std::chrono::milliseconds(count); });
  add_number(app, "--idle-timeout-ms", "Of a connection between two requests; default: 120000", {.least = 1},
             [&](std::size_t count) { limits.idle_timeout = std::chrono::milliseconds(count); });
  add_number(app, "--read-timeout-ms", "For a client to send a header, and again for a body; default: 10000", {.least = 1},
             [&](std::size_t count) { limits.read_timeout = std::chrono::milliseconds(count); });
}

void add_access_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  serve::ServeOptions& serve = options->serve;
  add_text(app, "--tls-certificate", "FILE", "A certificate with its chain, PEM: answers are encrypted", [&](const std::string& file) { serve.tls_certificate = file; });
  add_text(app, "--tls-key", "FILE", "Its private key, PEM", [&](const std::string& file) { serve.tls_key = file; });
  add_texts(app, "--api-key", "KEY", "Who asks must know it; may be given several times; default: $FILBERT_API_KEY, else nobody is asked",
            [&](const std::string& key) { serve.api_keys.push_back(key); });
  add_texts(app, "--cors-origin", "ORIGIN", "Pages of this origin may ask, \"*\" of any; may be given several times; default: none",
            [&](const std::string& origin) { serve.cors_origins.push_back(origin); });
  add_flag(app, "--explain", "Offer /explain, /attention and /similar where others than this machine may ask; on a loopback address they are there anyway",
           [options] { options->explain = true; });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  serve::ServeOptions& serve = options->serve;
  add_texts(app, "--model", "DIR",
            "A checkpoint: a directory, or the name of a model on the Hugging Face Hub; NAME=DIR gives it a name of its own; may be given several times, "
            "the first is the default; default: $FILBERT_MODEL, else the one that comes with Filbert",
            [options](const std::string& model) { options->models.push_back(model); });
  add_hub_options(app, options->hub);
  add_text(app, "--host", "ADDRESS", "To listen on; default: 127.0.0.1, which this machine alone reaches", [&](const std::string& host) { serve.host = host; });
  add_number(app, "--port", "To listen on; 0: any that is free, which the log says; default: 8080", {.least = 0, .most = 65535},
             [&](std::size_t port) { serve.port = static_cast<unsigned short>(port); });
  add_access_options(app, options);
  add_limit_options(app, serve.limits);
  add_texts(app, "--decision", "NAME=FILE",
            "What filbert calibrate has found for the model of this name, FILE alone where there is but one; may be given several times; default: the "
            "filbert_decision.json beside each model, if there is one", [options](const std::string& text) { options->decisions.push_back(text); });
  add_flag(app, "--no-decision", "The models' own scores and labels: a filbert_decision.json beside them is not applied", [options] { options->use_decision = false; });
  add_texts(app, "--index", "NAME=DIR",
            "What filbert index has made with the model of this name, DIR alone where there is but one; may be given several times: /similar and the page find "
            "in it where else a word stands so; default: none", [options](const std::string& text) { options->indexes.push_back(text); });
  add_loading_options(app, options->loading);
  add_number(app, "--io-threads", "Threads that read and write; default: 1, which suffices for tens of thousands of requests a second", {.least = 1, .most = 64},
             [&](std::size_t count) { serve.io_threads = static_cast<unsigned>(count); });
  add_text(app, "--log-file", "FILE", "Where the log goes; default: standard error", [options](const std::string& file) { options->log_file = file; });
  add_choice(app, "--log-level", "debug|info|warning|error|off", "Default: info, a line for each request",
             [options](const std::string& name) { options->log_level = serve::log_level_from_name(name); });
  add_flag(app, "--log-texts", "Texts too go into the log, which otherwise holds none", [&] { serve.log_texts = true; });
  return [options](Session& session) {
    options->serve.limits.max_batch_tokens = options->loading.max_batch_tokens;
    run(*options, session);
  };
}

}  // namespace

const Command serve_command = {
    .name = "serve",
    .argument = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .summary = "Models behind HTTP, with a page",
    .description =
        "Answers over HTTP in the dialects of text-embeddings-inference, the Hugging Face Inference API, the Open Inference Protocol v2, and /v1/classify and "
        "/v1/entities, whether a model labels texts or tokens; "
        "/ is a page for people, /openapi.json says what there is, /metrics is for Prometheus. SIGTERM ends it when every request is answered, SIGHUP "
        "loads the models anew.",
    .examples =
        "  filbert serve\n"
        "  filbert serve --model my-checkpoint/ --model nli=org/name --port 8000\n"
        "  filbert serve --index reviews.index\n"
        "  curl localhost:8080/v1/classify -d '{\"input\": \"I really love this book\"}'\n"
        "  filbert serve --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
