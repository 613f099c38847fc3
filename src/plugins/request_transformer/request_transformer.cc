// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/request_transformer/environment.h"
#include "plugins/request_transformer/form.h"
#include "plugins/request_transformer/header_edit.h"
#include "plugins/request_transformer/json_body.h"
#include "plugins/request_transformer/multipart.h"
#include "plugins/request_transformer/operations.h"
#include "plugins/request_transformer/pair_rules.h"
#include "plugins/request_transformer/template.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

constexpr std::size_t kMaxContent = std::size_t{8} << 20;  // octets; longer content passes as it is

enum class ContentKind : std::uint8_t { Other, Json, Form, Multipart };

ContentKind content_kind(std::string_view content_type) {
  std::string type = to_lower(content_type);
  if (type.find("application/x-www-form-urlencoded") != type.npos) return ContentKind::Form;
  if (type.find("multipart/form-data") != type.npos) return ContentKind::Multipart;
  if (type.find("application/json") != type.npos) return ContentKind::Json;
  return ContentKind::Other;
}

std::string_view content_type_of(const Exchange& ex) {
  return ex.request.headers.get(http::Known::ContentType).value_or(std::string_view());
}

/// What goes upstream as the query from now on.
void set_query(Exchange& ex, const Form& form) {
  ex.request.query = ex.arena.copy(form.encode());
  ex.request.has_query = !ex.request.query.empty();
}

bool carries_arguments_in_query(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "TRACE";
}

}  // namespace

/// Changes a request on its way upstream: path, method, headers, content and query, in this order, each by removing,
/// renaming, replacing, adding and appending. reference/plugins-transform-observe.md, section 1.
class RequestTransformer final : public Plugin {
 public:
  static constexpr std::string_view kName = "request-transformer";
  static constexpr int kPriority = 801;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};

  struct Remove {
    std::vector<std::string> body;
    std::vector<std::string> headers;
    std::vector<std::string> querystring;
    static void describe(schema::Record<Remove>& r);
  };
  struct Rename {
    std::vector<std::string> body;
    std::vector<std::string> headers;
    std::vector<std::string> querystring;
    static void describe(schema::Record<Rename>& r);
  };
  struct Replace {
    std::optional<std::string> uri;
    std::vector<std::string> body;
    std::vector<std::string> headers;
    std::vector<std::string> querystring;
    static void describe(schema::Record<Replace>& r);
  };
  struct Add {
    std::vector<std::string> body;
    std::vector<std::string> headers;
    std::vector<std::string> querystring;
    static void describe(schema::Record<Add>& r);
  };
  struct Config {
    std::optional<std::string> http_method;
    Remove remove;
    Rename rename;
    Replace replace;
    Add add;
    Add append;
    static void describe(schema::Record<Config>& r);
  };

  /// Templates that only Lua can evaluate, under the names of their fields.
  static std::vector<std::pair<std::string, std::string>> check(const Config& config);

  explicit RequestTransformer(const Config& config)
      : method_(config.http_method),
        headers_({config.remove.headers, config.rename.headers, config.replace.headers, config.add.headers,
                  config.append.headers}),
        content_({config.remove.body, config.rename.body, config.replace.body, config.add.body, config.append.body}),
        query_({config.remove.querystring, config.rename.querystring, config.replace.querystring,
                config.add.querystring, config.append.querystring}) {
    if (config.replace.uri) uri_ = Template::compile(*config.replace.uri);
  }

  Task<Verdict> on_request(Exchange& ex) override;

 private:
  /// What is to be done to this request: all values are known before anything changes.
  struct PlanView {
    std::optional<std::string_view> path;
    RenderedOperationsView headers;
    RenderedOperationsView content;
    RenderedOperationsView query;
  };
  Result<PlanView> plan(const Exchange& ex) const;
  static Result<> change_path(Exchange& ex, std::string_view path);
  static Result<> change_headers(Exchange& ex, RenderedOperationsView& operations);
  void change_query(Exchange& ex, const RenderedOperationsView& operations) const;
  Task<Verdict> change_content(Exchange& ex, PlanView plan, bool copy_to_query) const;
  static void edit_content(Exchange& ex, std::string_view content, const RenderedOperationsView& operations);

  const std::optional<std::string> method_;
  std::optional<Template> uri_;
  const Operations headers_;
  const Operations content_;
  const Operations query_;
};

void RequestTransformer::Remove::describe(schema::Record<Remove>& r) {
  r.field<&Remove::body>("body", "Names of members or arguments.");
  r.field<&Remove::headers>("headers", "Names of headers.").each(header_entry());
  r.field<&Remove::querystring>("querystring", "Names of arguments.");
}
void RequestTransformer::Rename::describe(schema::Record<Rename>& r) {
  r.field<&Rename::body>("body", "`old:new`").each(pair_entry());
  r.field<&Rename::headers>("headers", "`old:new`").each(header_rename_entry());
  r.field<&Rename::querystring>("querystring", "`old:new`").each(pair_entry());
}
void RequestTransformer::Replace::describe(schema::Record<Replace>& r) {
  r.field<&Replace::uri>("uri", "Template of the upstream path.");
  r.field<&Replace::body>("body", "`name:value`, done where the name is present.").each(pair_entry());
  r.field<&Replace::headers>("headers", "`name:value`, done where the name is present.").each(header_pair_entry());
  r.field<&Replace::querystring>("querystring", "`name:value`, done where the name is present.").each(pair_entry());
}
void RequestTransformer::Add::describe(schema::Record<Add>& r) {
  r.field<&Add::body>("body", "`name:value`").each(pair_entry());
  r.field<&Add::headers>("headers", "`name:value`").each(header_pair_entry());
  r.field<&Add::querystring>("querystring", "`name:value`").each(pair_entry());
}
void RequestTransformer::Config::describe(schema::Record<Config>& r) {
  r.doc("Changes a request on its way upstream. Values may contain $(headers.x) and other templates.");
  r.field<&Config::http_method>("http_method", "Method to send upstream.").rule(schema::http_method());
  r.field<&Config::remove>("remove", "What is taken away first.");
  r.field<&Config::rename>("rename", "What gets another name.");
  r.field<&Config::replace>("replace", "What gets another value where it is present.");
  r.field<&Config::add>("add", "What is added where it is absent.");
  r.field<&Config::append>("append", "What is added in any case.");
}

std::vector<std::pair<std::string, std::string>> RequestTransformer::check(const Config& config) {
  std::vector<std::pair<std::string, std::string>> problems;
  auto look = [&](const std::string& field, std::string_view text) {
    if (auto parsed = Template::parse(text); !parsed) problems.emplace_back(field, parsed.error().what);
  };
  auto look_at_all = [&](const std::string& field, const auto& part) {
    for (const std::string& text : part.headers) look(field + ".headers", PairView::split(text).value);
    for (const std::string& text : part.querystring) look(field + ".querystring", PairView::split(text).value);
    for (const std::string& text : part.body) look(field + ".body", PairView::split(text).value);
  };
  if (config.replace.uri) look("replace.uri", *config.replace.uri);
  look_at_all("rename", config.rename);
  look_at_all("replace", config.replace);
  look_at_all("add", config.add);
  look_at_all("append", config.append);
  return problems;
}

Result<RequestTransformer::PlanView> RequestTransformer::plan(const Exchange& ex) const {
  ExchangeEnvironment environment(ex);
  PlanView made;
  if (uri_) {
    TRY(made.path, uri_->render(environment, ex.arena));
  }
  TRY(made.headers, headers_.render(environment, ex.arena));
  TRY(made.content, content_.render(environment, ex.arena));
  TRY(made.query, query_.render(environment, ex.arena));
  return made;
}

Task<Verdict> RequestTransformer::on_request(Exchange& ex) {
  auto made = plan(ex);
  if (!made) return std::move(made).error();
  if (made->path) {
    if (auto done = change_path(ex, *made->path); !done) return std::move(done).error();
  }
  bool copy_to_query = false;
  if (method_) {
    ex.request.method = ex.arena.copy(*method_);
    copy_to_query = carries_arguments_in_query(*method_) && content_kind(content_type_of(ex)) == ContentKind::Form;
  }
  if (auto done = change_headers(ex, made->headers); !done) return std::move(done).error();
  if (copy_to_query || !content_.empty()) return change_content(ex, std::move(*made), copy_to_query);
  change_query(ex, made->query);
  return Next{};
}

Result<> RequestTransformer::change_path(Exchange& ex, std::string_view path) {
  if (!path.starts_with('/')) return fail(Errc::Invalid, fmt::format("path '{}' does not start with '/'", path));
  // The text is a path only: what would begin a query, or is no URI character, is encoded. RFC 3986, 3.3.
  ex.request.upstream_path = ex.arena.copy(percent_encode(path, "!$&'()*+,;=:@/%"));
  return {};
}

/// Host is special: it may be replaced, and nothing else.
Result<> RequestTransformer::change_headers(Exchange& ex, RenderedOperationsView& operations) {
  auto is_host = [](const PairView& pair) { return iequals(pair.name, "host") || iequals(pair.value, "host"); };
  auto named_host = [](const PairView& pair) { return iequals(pair.name, "host"); };
  for (const PairView& pair : operations.replace) {
    if (named_host(pair)) ex.request.upstream_host = ex.arena.copy(safe_header_value(ex.arena, pair.value));
  }
  std::erase_if(operations.remove, [](std::string_view name) { return iequals(name, "host"); });
  std::erase_if(operations.rename, is_host);
  std::erase_if(operations.replace, named_host);
  std::erase_if(operations.add, named_host);
  std::erase_if(operations.append, named_host);
  return edit_headers(ex.request.headers, operations);
}

void RequestTransformer::change_query(Exchange& ex, const RenderedOperationsView& operations) const {
  if (query_.empty()) return;
  Form form = Form::parse(ex.request.query);
  form.edit(operations);
  set_query(ex, form);
}

Task<Verdict> RequestTransformer::change_content(Exchange& ex, PlanView plan, bool copy_to_query) const {
  auto content = co_await ex.read_body(kMaxContent);
  if (!content && content.error().code != Errc::TooLarge) co_return std::move(content).error();
  if (content) {  // too long: goes upstream as it came
    if (copy_to_query) {
      Form form = Form::parse(ex.request.query);
      form.append(Form::parse(*content));
      set_query(ex, form);
    }
    if (!content_.empty()) edit_content(ex, *content, plan.content);
  }
  change_query(ex, plan.query);
  co_return Next{};
}

void RequestTransformer::edit_content(Exchange& ex, std::string_view content,
                                      const RenderedOperationsView& operations) {
  std::string_view type = content_type_of(ex);
  std::optional<std::string> edited;
  switch (content_kind(type)) {
    case ContentKind::Json:
      edited = edit_json(content, operations);
      break;
    case ContentKind::Multipart:
      edited = edit_multipart(content, type, operations);
      break;
    case ContentKind::Form: {
      Form form = Form::parse(content);
      form.edit(operations);
      edited = form.encode();
      break;
    }
    case ContentKind::Other:
      break;
  }
  if (edited && *edited != content) ex.replace_body(ex.arena.copy(*edited));
}

void add_request_transformer(PluginRegistry& registry) {
  registry.add<RequestTransformer>();
}

}  // namespace sluice::plugins
