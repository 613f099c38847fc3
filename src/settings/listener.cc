// SPDX-License-Identifier: Apache-2.0
#include "settings/listener.h"

#include "base/strings.h"

namespace sluice::settings {
namespace {

struct Flag {
  std::string_view name;
  bool Listener::* member;
  bool http, stream;  // whether listeners of the subsystem show it
  bool ours = false;  // shown only where it is on: those who read Kong's listeners do not know it
};
constexpr Flag kFlags[] = {
    {"ssl", &Listener::ssl, true, true},
    {"http2", &Listener::http2, true, false},
    {"http3", &Listener::http3, true, false, true},
    {"udp", &Listener::udp, false, true},
    {"proxy_protocol", &Listener::proxy_protocol, true, true},
    {"deferred", &Listener::deferred, true, false},
    {"bind", &Listener::bind, true, true},
    {"reuseport", &Listener::reuseport, true, true},
};

Result<> set_switch(std::string_view word, std::string_view value, bool& member) {
  if (value != "on" && value != "off") return fail(Errc::Invalid, std::string(word) + " takes on or off");
  member = value == "on";
  return {};
}

Result<> apply_word(std::string_view word, Listener& listener) {
  for (const Flag& flag : kFlags) {
    if (word == flag.name) {
      listener.*flag.member = true;
      return {};
    }
  }
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
  if (name == "ipv6only") return set_switch(name, value, listener.ipv6only);
  if (name == "so_keepalive") return set_switch(name, value, listener.so_keepalive);
  if (name == "backlog") {
    const auto backlog = parse_int<int>(value);
    if (!backlog || *backlog < 1) return fail(Errc::Invalid, "backlog takes a positive number");
    listener.backlog = *backlog;
    return {};
  }
  if (name == "max_connections") {
    const auto most = parse_int<std::uint32_t>(value);
    if (!most || *most < 1) return fail(Errc::Invalid, "max_connections takes a positive number");
    listener.max_connections = *most;
    return {};
  }
  return fail(Errc::Invalid,
              "unknown word '" + std::string(word) +
                  "' (known: ssl, http2, http3, udp, proxy_protocol, deferred, bind, reuseport, backlog=N, "
                  "ipv6only=on|off, so_keepalive=on|off, max_connections=N)");
}

Result<IpAddress> parse_host(std::string_view host) {
  if (host == "*") return IpAddress::parse("0.0.0.0");
  if (host == "localhost") return IpAddress::parse("127.0.0.1");
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != host.contains(':')) return fail(Errc::Invalid, "an IPv6 address needs brackets");
  return IpAddress::parse(host);
}

}  // namespace

std::string Listener::to_string() const {
  std::string text = address();
  for (const Flag& flag : kFlags) {
    if (this->*flag.member) text.append(" ").append(flag.name);
  }
  if (so_keepalive) text += " so_keepalive=on";
  if (!ipv6only) text += " ipv6only=off";
  if (backlog > 0) text += " backlog=" + std::to_string(backlog);
  if (max_connections > 0) text += " max_connections=" + std::to_string(max_connections);
  return text;
}

Json Listener::to_json(Subsystem subsystem) const {
  JsonObject object{{"ip", ip.is_v4() ? ip.to_string() : "[" + ip.to_string() + "]"}, {"port", port}};
  for (const Flag& flag : kFlags) {
    const bool shown = subsystem == Subsystem::Http ? flag.http : flag.stream;
    if (shown && (!flag.ours || this->*flag.member)) object.set(flag.name, this->*flag.member);
  }
  if (backlog > 0) object.set("backlog=" + std::to_string(backlog), true);
  object.set("listener", to_string());
  return object;
}

Result<Listener> parse_listener(std::string_view text) {
  const auto words = split_list(text, ' ');
  if (words.empty()) return fail(Errc::Invalid, "an address is missing");
  const std::string_view address = words.front();
  const std::size_t colon = address.rfind(':');
  const std::string context = "'" + std::string(address) + "': ";
  if (colon == address.npos) return fail(Errc::Invalid, context + "expected IP:PORT");

  const auto ip = parse_host(address.substr(0, colon));
  if (!ip) return fail(context, ip.error());
  const auto port = parse_int<std::uint16_t>(address.substr(colon + 1));
  if (!port) return fail(Errc::Invalid, context + "a port lies between 0 and 65535");
  Listener listener{.ip = *ip, .port = *port};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (auto applied = apply_word(words[i], listener); !applied) return fail(context, std::move(applied).error());
  }
  return listener;
}

Result<std::vector<Listener>> parse_listeners(std::string_view text) {
  std::vector<Listener> listeners;
  if (trim(text) == "off") return listeners;
  for (const std::string_view piece : split_list(text)) {
    TRY(auto listener, parse_listener(piece));
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace sluice::settings
