// SPDX-License-Identifier: Apache-2.0
#include "settings/value.h"

#include <algorithm>

namespace sluice::settings {
namespace {

struct ChoiceSynonym {
  std::string_view from;
  std::string_view to;
};
/// Spellings that people have in their files for the same thing.
constexpr ChoiceSynonym kSynonyms[] = {
    {"traditional", "all"}, {"crit", "error"}, {"alert", "error"}, {"emerg", "error"}};

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

struct TimeUnit {
  std::string_view suffix;
  std::uint64_t millis;
};
constexpr TimeUnit kTimeUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

struct Token {
  std::string_view name;
  std::string_view header;  // as the Admin API spells it
  bool ResponseHeaders::* member;
};
constexpr Token kHeaders[] = {
    {"server", "Server", &ResponseHeaders::server},
    {"via", "Via", &ResponseHeaders::via},
    {"x-kong-proxy-latency", "X-Kong-Proxy-Latency", &ResponseHeaders::proxy_latency},
    {"x-kong-upstream-latency", "X-Kong-Upstream-Latency", &ResponseHeaders::upstream_latency},
    {"x-kong-response-latency", "X-Kong-Response-Latency", &ResponseHeaders::response_latency},
    {"x-kong-admin-latency", "X-Kong-Admin-Latency", &ResponseHeaders::admin_latency},
    {"x-kong-upstream-status", "X-Kong-Upstream-Status", &ResponseHeaders::upstream_status},
    {"x-kong-request-id", "X-Kong-Request-Id", &ResponseHeaders::request_id},
};

/// Sets what one word of `headers` stands for; false for an unknown word.
bool apply_header_word(std::string_view word, ResponseHeaders& out) {
  if (iequals(word, "server_tokens")) {
    out.server = out.via = true;
    return true;
  }
  if (iequals(word, "latency_tokens")) {
    out.proxy_latency = out.upstream_latency = out.response_latency = out.admin_latency = true;
    return true;
  }
  for (const Token& token : kHeaders) {
    if (iequals(word, token.name)) {
      out.*token.member = true;
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::size_t> read_choice(std::span<const std::string_view> choices, std::string_view text) {
  const auto index_of = [&](std::string_view name) -> std::size_t {
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (iequals(choices[i], name)) return i;
    }
    return choices.size();
  };
  std::size_t index = index_of(text);
  for (const ChoiceSynonym& synonym : kSynonyms) {
    if (index == choices.size() && iequals(text, synonym.from)) index = index_of(synonym.to);
  }
  if (index < choices.size()) return index;
  return fail(Errc::Invalid, "expected one of " + join(choices, ", ") + ", not " + quoted(text));
}

Result<> read_value(const Setting&, std::string_view text, std::string& out) {
  out = text;
  return {};
}

Result<> read_value(const Setting&, std::string_view text, Secret<std::string>& out) {
  out = Secret(std::string(text));
  return {};
}

Result<> read_value(const Setting&, std::string_view text, bool& out) {
  const bool on = iequals(text, "on") || iequals(text, "true") || iequals(text, "yes");
  const bool off = iequals(text, "off") || iequals(text, "false") || iequals(text, "no");
  if (!on && !off) return fail(Errc::Invalid, "expected on or off, not " + quoted(text));
  out = on;
  return {};
}

Result<> read_value(const Setting& setting, std::string_view text, std::uint32_t& out) {
  const auto number = parse_int<std::uint64_t>(text);
  if (!number || *number < setting.least || *number > setting.most) {
    return fail(Errc::Invalid, "expected a number from " + std::to_string(setting.least) + " to " +
                                   std::to_string(setting.most) + ", not " + quoted(text));
  }
  out = static_cast<std::uint32_t>(*number);
  return {};
}

Result<> read_value(const Setting& setting, std::string_view text, WorkerCount& out) {
  std::uint32_t count = 0;
  if (text != "auto") TRY(read_value(setting, text, count));
  out.count = count;
  return {};
}

Result<> read_value(const Setting&, std::string_view text, Bytes& out) {
  TRY(out, parse_bytes(text));
  return {};
}

Result<> read_value(const Setting& setting, std::string_view text, Millis& out) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view suffix = text.substr(digits);
  std::uint64_t unit = suffix.empty() ? (setting.bare_millis ? 1 : 1000) : 0;
  for (const TimeUnit& known : kTimeUnits) {
    if (suffix == known.suffix) unit = known.millis;
  }
  constexpr std::uint64_t kLongest = std::uint64_t{100} * 365 * 86'400'000;
  const auto number = parse_int<std::uint64_t>(text.substr(0, digits));
  if (!number || unit == 0 || *number > kLongest / unit) {
    return fail(Errc::Invalid, "expected a time such as 500ms, 10s, 5m, 1h or 1d, not " + quoted(text));
  }
  out = Millis(static_cast<std::int64_t>(*number * unit));
  return {};
}

Result<> read_value(const Setting&, std::string_view text, Cidr& out) {
  TRY(out, Cidr::parse(text));
  return {};
}

Result<> read_value(const Setting&, std::string_view text, PortMap& out) {
  const std::size_t colon = text.find(':');
  const auto outside = parse_int<std::uint16_t>(text.substr(0, colon));
  const auto inside = parse_int<std::uint16_t>(colon == text.npos ? std::string_view() : text.substr(colon + 1));
  if (!outside || !inside || *outside == 0 || *inside == 0) {
    return fail(Errc::Invalid, "expected OUTSIDE:INSIDE such as 80:8000, not " + quoted(text));
  }
  out = {*outside, *inside};
  return {};
}

Result<> read_value(const Setting&, std::string_view text, ResolverAddress& out) {
  if (const auto ip = IpAddress::parse(text)) {
    out = {*ip, 53};
    return {};
  }
  const auto listener = parse_listener(text);
  if (!listener || listener->port == 0) return fail(Errc::Invalid, "expected IP or IP:PORT, not " + quoted(text));
  out = {listener->ip, listener->port};
  return {};
}

Result<> read_value(const Setting&, std::string_view text, ResponseHeaders& out) {
  out = {};
  if (iequals(text, "off")) return {};
  for (const std::string_view word : split_list(text)) {
    if (!apply_header_word(word, out)) {
      return fail(Errc::Invalid, "unknown header " + quoted(word) +
                                     " (known: off, server_tokens, latency_tokens, Server, Via, X-Kong-Proxy-Latency, "
                                     "X-Kong-Upstream-Latency, X-Kong-Response-Latency, X-Kong-Admin-Latency, "
                                     "X-Kong-Upstream-Status, X-Kong-Request-Id)");
    }
  }
  return {};
}

Result<> read_value(const Setting&, std::string_view text, UpstreamHeaders& out) {
  out = {};
  if (iequals(text, "off")) return {};
  for (const std::string_view word : split_list(text)) {
    if (!iequals(word, "x-kong-request-id")) {
      return fail(Errc::Invalid, "unknown header " + quoted(word) + " (known: off, X-Kong-Request-Id)");
    }
    out.request_id = true;
  }
  return {};
}

Result<> read_value(const Setting&, std::string_view text, TlsVersions& out) {
  out = {};
  for (const std::string_view word : split_list(text, ' ')) {
    if (word == "TLSv1.2") {
      out.v1_2 = true;
    } else if (word == "TLSv1.3") {
      out.v1_3 = true;
    } else {
      return fail(Errc::Invalid, "expected TLSv1.2, TLSv1.3 or both, not " + quoted(word));
    }
  }
  return {};
}

Result<> read_value(const Setting&, std::string_view text, std::vector<Listener>& out) {
  TRY(out, parse_listeners(text));
  return {};
}

Json write_value(const Setting&, const std::string& value) {
  return value.empty() ? Json() : Json(value);
}
Json write_value(const Setting&, const Secret<std::string>& value) {
  return value.empty() ? Json() : Json(value.reveal());
}
Json write_value(const Setting&, bool value) {
  return value;
}
Json write_value(const Setting&, std::uint32_t value) {
  return value;
}
Json write_value(const Setting&, WorkerCount value) {
  return value.count == 0 ? Json("auto") : Json(value.count);
}
Json write_value(const Setting&, Bytes value) {
  return to_string(value);
}

Json write_value(const Setting& setting, Millis value) {
  const std::int64_t bare = setting.bare_millis ? 1 : 1000;
  if (value.count() % bare == 0) return value.count() / bare;
  return std::to_string(value.count()) + "ms";
}

Json write_value(const Setting&, const Cidr& value) {
  return value.to_string();
}
Json write_value(const Setting&, PortMap value) {
  return std::to_string(value.outside) + ":" + std::to_string(value.inside);
}
Json write_value(const Setting&, const ResolverAddress& value) {
  return sluice::to_string(value.ip, value.port);
}

Json write_value(const Setting&, const ResponseHeaders& value) {
  Json::Array names;
  for (const Token& token : kHeaders) {
    if (value.*token.member) names.emplace_back(token.header);
  }
  return names;
}

Json write_value(const Setting&, UpstreamHeaders value) {
  Json::Array names;
  if (value.request_id) names.emplace_back("X-Kong-Request-Id");
  return names;
}

Json write_value(const Setting&, TlsVersions value) {
  return value.v1_2 && value.v1_3 ? "TLSv1.2 TLSv1.3" : value.v1_2 ? "TLSv1.2" : "TLSv1.3";
}

Json write_value(const Setting&, const Listener& value) {
  return value.to_string();
}

}  // namespace sluice::settings
