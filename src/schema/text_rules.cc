// SPDX-License-Identifier: Apache-2.0
// Rules for strings. What they accept and how they word a refusal: reference/gateway.md, 1.1.
#include <algorithm>
#include <expected>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/utf8.h"
#include "schema/address.h"
#include "schema/rule.h"

namespace sluice::schema {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

using Problem = std::optional<std::string>;

bool is_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  if (text.size() != kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

/// The first "%" that does not start an escape, with what follows it.
std::optional<std::string_view> bad_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return text.substr(at, 3);
  }
  return std::nullopt;
}

Problem check_path(std::string_view text) {
  if (!text.starts_with('/')) return "should start with: /";
  if (text.find("//") != std::string_view::npos) return "must not have empty segments";
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || is_one_of(c, ".-_~/%:@!$&'()*+,;="); };
  if (!std::ranges::all_of(text, allowed)) {
    return fmt::format("invalid path: '{}' (characters outside of the reserved list of RFC 3986 found)", text);
  }
  if (const auto escape = bad_escape(text)) return fmt::format("invalid url-encoded value: '{}'", *escape);
  return std::nullopt;
}

Problem check_url(std::string_view text) {
  const auto mark = text.find("://");
  const auto scheme = text.substr(0, mark == std::string_view::npos ? 0 : mark);
  const auto rest = mark == std::string_view::npos ? text : text.substr(mark + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto host = authority.substr(authority.rfind('@') == std::string_view::npos ? 0 : authority.rfind('@') + 1);
  if (mark == std::string_view::npos || host.empty() || host.front() == ':') return "missing host in url";
  const auto in_scheme = [](char c) { return is_letter(c) || is_digit(c) || is_one_of(c, "+-."); };
  if (scheme.empty() || !std::ranges::all_of(scheme, in_scheme)) return "missing scheme in url";
  return std::nullopt;
}

Problem check_host(std::string_view text) {
  const auto parsed = parse_host(text);
  if (!parsed.value && parsed.problem == HostProblem::Invalid) return fmt::format("invalid value: {}", text);
  if (!parsed.value || parsed.value->port) return "must not have a port";
  return std::nullopt;
}

Problem check_host_with_optional_port(std::string_view text) {
  const auto parsed = parse_host(text);
  if (parsed.value) return std::nullopt;
  return parsed.problem == HostProblem::Port ? "invalid port number" : fmt::format("invalid value: {}", text);
}

/// Replaces a leftmost or rightmost '*' by a plain label, so that the rest can be checked as a host. Ours, not a DNS
/// rule: Kong allows one wildcard at either end.
std::expected<std::string, std::string> without_wildcard(std::string_view text) {
  std::string plain(text);
  if (std::ranges::count(text, '*') > 1) return std::unexpected("only one wildcard must be specified");
  const auto star = plain.find('*');
  if (star == std::string::npos) return plain;
  const bool leftmost = star == 0 && (plain.size() == 1 || plain[1] == '.');
  const auto after = plain.substr(star + 1);
  const bool rightmost = star > 0 && plain[star - 1] == '.' && (after.empty() || after.front() == ':');
  if (!leftmost && !rightmost) return std::unexpected("wildcard must be leftmost or rightmost character");
  plain.replace(star, 1, "wildcard");
  return plain;
}

Problem check_wildcard_host(std::string_view text) {
  if (text == "*") return "invalid value: *";
  auto plain = without_wildcard(text);
  if (!plain) return plain.error();
  const auto parsed = parse_host(*plain);
  if (parsed.value) return std::nullopt;
  return parsed.problem == HostProblem::Port ? "invalid port number" : fmt::format("invalid value: {}", text);
}

Problem check_sni(std::string_view text) {
  const auto parsed = parse_host(text);
  if (!parsed.value && parsed.problem == HostProblem::Invalid) return fmt::format("invalid value: {}", text);
  if (parsed.value && parsed.value->kind != HostKind::Name) return "must not be an IP";
  if (!parsed.value || parsed.value->port) return "must not have a port";
  return std::nullopt;
}

Problem check_wildcard_sni(std::string_view text) {
  if (text == "*") return std::nullopt;  // the default certificate
  auto plain = without_wildcard(text);
  if (!plain) return plain.error();
  if (check_sni(*plain) == fmt::format("invalid value: {}", *plain)) return fmt::format("invalid value: {}", text);
  return check_sni(*plain);
}

Problem check_header_name(std::string_view text) {
  if (text.empty()) return "no header name provided";
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
  if (std::ranges::all_of(text, allowed)) return std::nullopt;
  return fmt::format("bad header name '{}', allowed characters are A-Z, a-z, 0-9, '_', and '-'", text);
}

/// RFC 6265, 4.1.1: a token of RFC 9110.
Problem check_cookie_name(std::string_view text) {
  if (text.empty()) return "no cookie name provided";
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || is_one_of(c, "_`!#$%&'*+-.^~|"); };
  if (std::ranges::all_of(text, allowed)) return std::nullopt;
  return fmt::format(
      "bad cookie name '{}', allowed characters are A-Z, a-z, 0-9, '_', and '-' and any of `!#$%&'*+-.^~|", text);
}

Problem check_utf8_name(std::string_view text) {
  if (!is_utf8(text)) return fmt::format("invalid value '{}': it must be a valid utf-8 string", text);
  const auto allowed = [](char c) {
    return is_letter(c) || is_digit(c) || is_one_of(c, ".-_~") || static_cast<unsigned char>(c) >= 0x80;
  };
  if (!text.empty() && std::ranges::all_of(text, allowed)) return std::nullopt;
  return fmt::format("invalid value '{}': the only accepted ascii characters are alphanumerics or ., -, _, and ~",
                     text);
}

Problem check_tag(std::string_view text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == ',' || c == '/'; };
  if (!is_utf8(text)) {
    return fmt::format("invalid tag '{}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences",
                       text);
  }
  if (std::ranges::none_of(text, control)) return std::nullopt;
  return fmt::format("invalid tag '{}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences", text);
}

bool compiles_with_re2(std::string_view text) {
  // PCRE and Rust write a named group (?<n>..), this version of RE2 wants (?P<n>..); (?<= and (?<! are look-behinds.
  std::string pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    pattern += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) {
      pattern += text[++i];
    } else if (text.substr(i).starts_with("(?<") && i + 3 < text.size() && text[i + 3] != '=' && text[i + 3] != '!') {
      pattern += "?P";
      ++i;
    }
  }
  RE2::Options options;
  options.set_log_errors(false);
  return RE2(pattern, options).ok();
}

}  // namespace

Rule text(TextCheck check) {
  return {{}, {}, [check = std::move(check)](const Json& value) -> Problem {
            if (!value.is_string()) return std::nullopt;
            return check(value.as_string());
          }};
}

Rule starts_with(std::string prefix) {
  Json argument = prefix;
  return {"starts_with", std::move(argument), [prefix = std::move(prefix)](const Json& value) -> Problem {
            if (value.as_string().starts_with(prefix)) return std::nullopt;
            return "should start with: " + prefix;
          }};
}

Rule match(TextTest test, std::string pattern) {
  return {"match", std::move(pattern), [test = std::move(test)](const Json& value) -> Problem {
            if (value.is_string() && test(value.as_string())) return std::nullopt;
            return "invalid value: " + (value.is_string() ? value.as_string() : to_json(value));
          }};
}

Rule match_none(TextTest test, std::string message) {
  Json argument = Json::Array{Json(Json::Object{{"err", message}})};
  return {"match_none", std::move(argument),
          [test = std::move(test), message = std::move(message)](const Json& value) -> Problem {
            if (!test(value.as_string())) return std::nullopt;
            return message;
          }};
}

Rule is_regex(TextTest compiles) {
  return {"is_regex", true, [compiles = std::move(compiles)](const Json& value) -> Problem {
            if (compiles(value.as_string())) return std::nullopt;
            return "not a valid regex: " + value.as_string();
          }};
}

Rule is_regex() {
  return is_regex(compiles_with_re2);
}

Rule uuid() {
  return {"uuid", true, [](const Json& value) -> Problem {
            if (value.is_string() && is_uuid(value.as_string())) return std::nullopt;
            return "expected a valid UUID";
          }};
}

Rule http_method() {
  return match([](std::string_view name) { return !name.empty() && std::ranges::all_of(name, is_upper); }, "^%u+$");
}

Rule lua_code() {
  return text([](std::string_view) -> Problem { return std::nullopt; });
}

Rule header_name() {
  return text(check_header_name);
}
Rule cookie_name() {
  return text(check_cookie_name);
}
Rule path() {
  return text(check_path);
}
Rule url() {
  return text(check_url);
}
Rule host() {
  return text(check_host);
}
Rule host_with_optional_port() {
  return text(check_host_with_optional_port);
}
Rule wildcard_host() {
  return text(check_wildcard_host);
}
Rule sni() {
  return text(check_sni);
}
Rule wildcard_sni() {
  return text(check_wildcard_sni);
}
Rule utf8_name() {
  return text(check_utf8_name);
}
Rule tag() {
  return text(check_tag);
}

Rule ip() {
  return text([](std::string_view address) -> Problem {
    if (is_ip(address)) return std::nullopt;
    return fmt::format("not an ip address: {}", address);
  });
}

Rule cidr() {
  return text([](std::string_view range) -> Problem {
    if (is_cidr(range)) return std::nullopt;
    return fmt::format("invalid cidr range: {}", range);
  });
}

Rule ip_or_cidr() {
  return text([](std::string_view range) -> Problem {
    if (is_ip(range) || is_cidr(range)) return std::nullopt;
    return fmt::format("invalid ip or cidr range: '{}'", range);
  });
}

}  // namespace sluice::schema
