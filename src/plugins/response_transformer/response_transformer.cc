// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/request_transformer/header_edit.h"
#include "plugins/request_transformer/operations.h"
#include "plugins/request_transformer/pair_rules.h"
#include "plugins/response_transformer/json_edit.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

constexpr std::size_t kMaxContent = std::size_t{64} << 20;  // octets; longer content passes as it is

/// Whether one of the media types in the list, parameters aside, is JSON.
bool is_json(const http::Headers& headers) {
  bool found = false;
  http::for_each_token(headers.get(http::Known::ContentType).value_or(std::string_view()), [&](std::string_view type) {
    found = found || iequals(trim(type.substr(0, type.find(';'))), "application/json");
  });
  return found;
}

}  // namespace

/// Changes headers and JSON content of a response, also of those that the gateway itself made; values are literal.
/// reference/plugins-transform-observe.md, section 2.
class ResponseTransformer final : public Plugin {
 public:
  static constexpr std::string_view kName = "response-transformer";
  static constexpr int kPriority = 800;

  struct Remove {
    std::vector<std::string> headers;
    std::vector<std::string> json;
    static void describe(schema::Record<Remove>& r);
  };
  struct Rename {
    std::vector<std::string> headers;
    std::vector<std::string> json;
    static void describe(schema::Record<Rename>& r);
  };
  struct Values {
    std::vector<std::string> json;
    std::vector<std::string> json_types;
    std::vector<std::string> headers;
    static void describe(schema::Record<Values>& r);
  };
  struct Config {
    Remove remove;
    Rename rename;
    Values replace;
    Values add;
    Values append;
    static void describe(schema::Record<Config>& r);
  };

  explicit ResponseTransformer(Config config) : config_(std::move(config)) {
    read_headers();
    read_json();
  }

  Task<Verdict> on_response(Exchange& ex) override {
    // The decision is made before the headers change, so that nobody edits what the upstream sent as something else.
    bool edit_content = !json_.empty() && is_json(ex.response.headers);
    if (auto done = edit_headers(ex.response.headers, headers_); !done) return std::move(done).error();
    if (edit_content) ex.wrap_response_body<JsonEditReader>(json_, kMaxContent);
    return Next{};
  }

 private:
  void read_headers();
  void read_json();

  const Config config_;
  RenderedOperationsView headers_;  // of config_
  JsonEdit json_;
};

void ResponseTransformer::Remove::describe(schema::Record<Remove>& r) {
  r.field<&Remove::headers>("headers", "Names of headers.");
  r.field<&Remove::json>("json", "Names of members.");
}
void ResponseTransformer::Rename::describe(schema::Record<Rename>& r) {
  r.field<&Rename::headers>("headers", "`old:new`").each(header_pair_entry());
  r.field<&Rename::json>("json", "`old:new`").each(pair_entry());
}
void ResponseTransformer::Values::describe(schema::Record<Values>& r) {
  r.field<&Values::json>("json", "`name:value`").each(pair_entry());
  r.field<&Values::json_types>("json_types", "Types of the values of `json`, in the same order.")
      .each(schema::one_of({"boolean", "number", "string"}));
  r.field<&Values::headers>("headers", "`name:value`").each(header_pair_entry());
}
void ResponseTransformer::Config::describe(schema::Record<Config>& r) {
  r.doc("Changes headers and JSON content of a response on its way to the client.");
  r.field<&Config::remove>("remove", "What is taken away first.");
  r.field<&Config::rename>("rename", "What gets another name.");
  r.field<&Config::replace>("replace", "What gets another value where it is present.");
  r.field<&Config::add>("add", "What is added where it is absent.");
  r.field<&Config::append>("append", "What is added in any case.");
}

void ResponseTransformer::read_headers() {
  auto fill = [](RenderedOperationsView::Pairs& out, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) out.push_back(PairView::split(text));
  };
  for (const std::string& text : config_.remove.headers) headers_.remove.push_back(PairView::split(text).name);
  fill(headers_.rename, config_.rename.headers);
  fill(headers_.replace, config_.replace.headers);
  fill(headers_.add, config_.add.headers);
  fill(headers_.append, config_.append.headers);
}

void ResponseTransformer::read_json() {
  auto fill = [](std::vector<JsonEdit::Value>& out, const Values& values) {
    for (std::size_t i = 0; i < values.json.size(); ++i) {
      PairView pair = PairView::split(values.json[i]);
      std::string_view type = i < values.json_types.size() ? std::string_view(values.json_types[i]) : "string";
      if (auto value = typed_value(pair.value, type)) out.emplace_back(pair.name, std::move(*value));
    }
  };
  for (const std::string& text : config_.remove.json) json_.remove.emplace_back(PairView::split(text).name);
  for (const std::string& text : config_.rename.json) {
    PairView pair = PairView::split(text);
    json_.rename.emplace_back(pair.name, pair.value);
  }
  fill(json_.replace, config_.replace);
  fill(json_.add, config_.add);
  fill(json_.append, config_.append);
}

void add_response_transformer(PluginRegistry& registry) {
  registry.add<ResponseTransformer>();
}

}  // namespace sluice::plugins
