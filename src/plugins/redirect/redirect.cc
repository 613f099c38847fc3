// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// What stands before the path of a URL and what follows its query, normalised as the WHATWG URL Standard writes URLs:
/// scheme and host in lower case, no default port.
struct UrlEnds {
  std::string origin;    // "https://user@host:8443"
  std::string fragment;  // with its '#'
};

std::string normal_authority(std::string_view scheme, std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  const std::size_t host_begin = at == authority.npos ? 0 : at + 1;
  std::string host = to_lower(authority.substr(host_begin));
  const std::string_view default_port = scheme == "http" ? ":80" : scheme == "https" ? ":443" : "";
  if (!default_port.empty() && host.ends_with(default_port)) host.resize(host.size() - default_port.size());
  return std::string(authority.substr(0, host_begin)) + host;
}

UrlEnds ends_of(std::string_view url) {
  UrlEnds ends;
  if (const std::size_t hash = url.find('#'); hash != url.npos) {
    ends.fragment = url.substr(hash);
    url = url.substr(0, hash);
  }
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return ends;  // the schema wants a scheme and a host
  const std::string scheme = to_lower(url.substr(0, scheme_end));
  const std::string_view rest = url.substr(scheme_end + 3);
  ends.origin = scheme + "://" + normal_authority(scheme, rest.substr(0, rest.find_first_of("/?")));
  return ends;
}

/// Octets that a URL cannot hold as they are become escapes; escapes that are there stay.
void append_escaped(std::string& out, std::string_view text, std::string_view forbidden) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet >= 0x7F || forbidden.find(c) != forbidden.npos) {
      out += '%';
      out += kHex[octet >> 4U];
      out += kHex[octet & 0x0FU];
    } else {
      out += c;
    }
  }
}

class Redirect final : public Plugin {
 public:
  static constexpr std::string_view kName = "redirect";
  static constexpr int kPriority = 779;

  struct Config {
    std::int64_t status_code = 301;
    std::string location;
    bool keep_incoming_path = false;

    static void describe(schema::Record<Config>& r) {
      r.doc("Sends clients elsewhere.");
      r.field<&Config::status_code>("status_code", "Status of the answer.").rule(schema::between(100, 599));
      r.field<&Config::location>("location", "Where to.").rule(schema::url());
      r.field<&Config::keep_incoming_path>("keep_incoming_path", "Keep path and query of the request.").optional();
    }
  };

  explicit Redirect(Config config) : config_(std::move(config)), ends_(ends_of(config_.location)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    return Reply::exit(static_cast<int>(config_.status_code), "redirecting")
        .with("Location", config_.keep_incoming_path ? follow(ex.request) : config_.location);
  }

 private:
  [[nodiscard]] std::string follow(const Request& request) const {
    std::string location = ends_.origin;
    append_escaped(location, request.path, "\"#<>?`{}");
    if (!request.query.empty()) {
      location += '?';
      append_escaped(location, request.query, "\"#<>'");
    }
    return location + ends_.fragment;
  }

  const Config config_;
  const UrlEnds ends_;
};

}  // namespace

void add_redirect(PluginRegistry& registry) {
  registry.add<Redirect>();
}

}  // namespace sluice::plugins
