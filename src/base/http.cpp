#include "base/http.h"

#include <array>
#include <cstdlib>
#include <exception>
#include <utility>

#include <curl/curl.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/text.h"

namespace filbert {
namespace {

// The functions of libcurl that are used here, by their types in its header.
struct Curl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_setopt) setopt;
  decltype(&::curl_easy_perform) perform;
  decltype(&::curl_easy_getinfo) getinfo;
  decltype(&::curl_easy_strerror) strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
};

Curl load_curl() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    if ((library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) != nullptr) break;
  }
  if (library == nullptr) {
    throw Error(ErrorKind::unsupported, fmt::format("downloads need libcurl, which is not installed (apt install libcurl4): {}", ::dlerror()));
  }
  Curl curl{};
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) throw Error(ErrorKind::unsupported, fmt::format("libcurl: expected the function {}, found none", name));
  };
  find(curl.global_init, "curl_global_init");
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_reset, "curl_easy_reset");
  find(curl.setopt, "curl_easy_setopt");
  find(curl.perform, "curl_easy_perform");
  find(curl.getinfo, "curl_easy_getinfo");
  find(curl.strerror, "curl_easy_strerror");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  curl.global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

const Curl& curl() {
  static const Curl functions = load_curl();  // once, whichever thread comes first
  return functions;
}

// What a request writes to while it runs.
struct Transfer {
  HttpResponse response;
  const HttpSink* sink;
  std::exception_ptr failure;  // of the sink
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::string_view line = trimmed({data, size});
  if (line.starts_with("HTTP/")) {  // the status line of this answer, or of one that another follows ("100 Continue")
    const auto space = line.find(' ');
    transfer.response = {};
    if (space != line.npos) transfer.response.status = std::strtol(line.data() + space, nullptr, 10);
  } else if (const auto colon = line.find(':'); colon != line.npos) {
    std::string name(line.substr(0, colon));
    for (char& letter : name) letter = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
    transfer.response.headers[name] = trimmed(line.substr(colon + 1));
  }
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  try {
    if (*transfer.sink) (*transfer.sink)(transfer.response, {data, size});
    return size;
  } catch (...) {
    transfer.failure = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string_view() : found->second;
}

struct HttpClient::Impl {
  CURL* handle = curl().easy_init();
  std::array<char, CURL_ERROR_SIZE> reason{};

  template <class Value>
  void set(CURLoption option, Value value) { curl().setopt(handle, option, value); }
  // Fills in everything but the callbacks. `headers` must live until the request is done.
  void prepare(const HttpRequest& request, const curl_slist* headers);
};

void HttpClient::Impl::prepare(const HttpRequest& request, const curl_slist* headers) {
  curl().easy_reset(handle);
  reason[0] = '\0';
  set(CURLOPT_ERRORBUFFER, reason.data());
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOBODY, request.head ? 1L : 0L);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_USERAGENT, "filbert/" FILBERT_VERSION);
  set(CURLOPT_CONNECTTIMEOUT, request.timeout_s);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, request.timeout_s);
  set(CURLOPT_NOSIGNAL, 1L);  // threads
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // libcurl reads the other variables itself, and NO_PROXY for this one too. It leaves HTTP_PROXY alone because a CGI program is given a request's header
  // "Proxy" by that name; Python's clients, and so huggingface_hub, leave it alone just there.
  if (const char* proxy = std::getenv("HTTP_PROXY"); proxy != nullptr && request.url.starts_with("http:") && std::getenv("http_proxy") == nullptr &&
                                                     std::getenv("REQUEST_METHOD") == nullptr) {
    set(CURLOPT_PROXY, proxy);
  }
  if (const char* certificates = std::getenv("SSL_CERT_FILE"); certificates != nullptr && *certificates != '\0') {
    set(CURLOPT_CAINFO, certificates);
  }
}

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {
  if (impl_->handle == nullptr) throw std::bad_alloc();
}

HttpClient::~HttpClient() { curl().easy_cleanup(impl_->handle); }

HttpResponse HttpClient::operator()(const HttpRequest& request, const HttpSink& sink) {
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl().slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, curl().slist_free_all);
  impl_->prepare(request, list);

  Transfer transfer{{}, &sink, nullptr};
  impl_->set(CURLOPT_HEADERFUNCTION, on_header);
  impl_->set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  impl_->set(CURLOPT_WRITEFUNCTION, on_body);
  impl_->set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  const CURLcode code = curl().perform(impl_->handle);
  if (transfer.failure) std::rethrow_exception(transfer.failure);
  if (code != CURLE_OK) {
    const char* why = impl_->reason[0] != '\0' ? impl_->reason.data() : curl().strerror(code);
    throw Error(ErrorKind::network, fmt::format("{}: {}", request.url, why));
  }
  char* redirect = nullptr;
  if (curl().getinfo(impl_->handle, CURLINFO_REDIRECT_URL, &redirect) == CURLE_OK && redirect != nullptr) {
    transfer.response.redirect_url = redirect;
  }
  curl_off_t seconds = 0;
  if (curl().getinfo(impl_->handle, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
    transfer.response.retry_after_s = static_cast<long>(seconds);
  }
  return std::move(transfer.response);
}

}  // namespace filbert
