// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"
#include "settings/settings.h"
#include "settings/table.h"

// How each type of setting is read from text, shown as JSON, and called in the documentation.
namespace sluice::settings {

/// The spellings of an enumeration, in the order of its enumerators.
template <class E>
constexpr std::span<const std::string_view> choices_of();

template <class T>
concept Choice = std::is_enum_v<T>;

Result<std::size_t> read_choice(std::span<const std::string_view> choices, std::string_view text);

template <Choice T>
Result<> read_value(const Setting&, std::string_view text, T& out) {
  TRY(const auto index, read_choice(choices_of<T>(), text));
  out = static_cast<T>(index);
  return {};
}
Result<> read_value(const Setting& setting, std::string_view text, std::string& out);
Result<> read_value(const Setting& setting, std::string_view text, Secret<std::string>& out);
Result<> read_value(const Setting& setting, std::string_view text, bool& out);
Result<> read_value(const Setting& setting, std::string_view text, std::uint32_t& out);
Result<> read_value(const Setting& setting, std::string_view text, WorkerCount& out);
Result<> read_value(const Setting& setting, std::string_view text, Bytes& out);
Result<> read_value(const Setting& setting, std::string_view text, Millis& out);
Result<> read_value(const Setting& setting, std::string_view text, Cidr& out);
Result<> read_value(const Setting& setting, std::string_view text, PortMap& out);
Result<> read_value(const Setting& setting, std::string_view text, ResolverAddress& out);
Result<> read_value(const Setting& setting, std::string_view text, ResponseHeaders& out);
Result<> read_value(const Setting& setting, std::string_view text, UpstreamHeaders& out);
Result<> read_value(const Setting& setting, std::string_view text, TlsVersions& out);
Result<> read_value(const Setting& setting, std::string_view text, std::vector<Listener>& out);

template <class T>
Json write_value(const Setting& setting, const std::vector<T>& value);
template <Choice T>
Json write_value(const Setting&, T value) {
  return choices_of<T>()[static_cast<std::size_t>(value)];
}
Json write_value(const Setting& setting, const std::string& value);
Json write_value(const Setting& setting, const Secret<std::string>& value);
Json write_value(const Setting& setting, bool value);
Json write_value(const Setting& setting, std::uint32_t value);
Json write_value(const Setting& setting, WorkerCount value);
Json write_value(const Setting& setting, Bytes value);
Json write_value(const Setting& setting, Millis value);
Json write_value(const Setting& setting, const Cidr& value);
Json write_value(const Setting& setting, PortMap value);
Json write_value(const Setting& setting, const ResolverAddress& value);
Json write_value(const Setting& setting, const ResponseHeaders& value);
Json write_value(const Setting& setting, UpstreamHeaders value);
Json write_value(const Setting& setting, TlsVersions value);
Json write_value(const Setting& setting, const Listener& value);

/// Lists are separated by commas; `off` or nothing leaves them empty.
template <class T>
Result<> read_value(const Setting& setting, std::string_view text, std::vector<T>& out) {
  out.clear();
  if (text == "off") return {};
  for (const std::string_view piece : split_list(text)) {
    T item{};
    TRY(read_value(setting, piece, item));
    out.push_back(std::move(item));
  }
  return {};
}

template <class T>
Json write_value(const Setting& setting, const std::vector<T>& value) {
  Json::Array items;
  for (const T& item : value) items.push_back(write_value(setting, item));
  return items;
}

template <class T>
struct TypeName {
  static constexpr std::string_view kName = Choice<T> ? "choice" : "text";
};
template <class T>
struct TypeName<std::vector<T>> {
  static constexpr std::string_view kName = "list";
};
#define SLUICE_TYPE_NAME(type, text)                \
  template <>                                       \
  struct TypeName<type> {                           \
    static constexpr std::string_view kName = text; \
  }
SLUICE_TYPE_NAME(bool, "on or off");
SLUICE_TYPE_NAME(std::uint32_t, "number");
SLUICE_TYPE_NAME(WorkerCount, "number or auto");
SLUICE_TYPE_NAME(Bytes, "size");
SLUICE_TYPE_NAME(Millis, "time");
SLUICE_TYPE_NAME(ResponseHeaders, "list");
SLUICE_TYPE_NAME(UpstreamHeaders, "list");
SLUICE_TYPE_NAME(TlsVersions, "words");
SLUICE_TYPE_NAME(std::vector<Listener>, "listeners");
SLUICE_TYPE_NAME(std::vector<Cidr>, "list of address blocks");
#undef SLUICE_TYPE_NAME

namespace names {
inline constexpr std::string_view kRole[] = {"all", "control_plane", "data_plane"};
inline constexpr std::string_view kDatabase[] = {"sqlite", "postgres", "off"};
inline constexpr std::string_view kRouterFlavor[] = {"traditional", "traditional_compatible", "expressions"};
inline constexpr std::string_view kAdminAuth[] = {"off", "token"};
inline constexpr std::string_view kClusterMtls[] = {"shared", "pki"};
inline constexpr std::string_view kCipherSuite[] = {"modern", "intermediate", "custom"};
inline constexpr std::string_view kErrorType[] = {"text/plain", "application/json", "text/html", "application/xml"};
inline constexpr std::string_view kDnsRecord[] = {"LAST", "SRV", "A", "AAAA", "CNAME"};
inline constexpr std::string_view kLogFormat[] = {"auto", "text", "json"};
inline constexpr std::string_view kLogLevel[] = {"debug", "info", "notice", "warn", "error"};
}  // namespace names
template <>
constexpr std::span<const std::string_view> choices_of<Role>() {
  return names::kRole;
}
template <>
constexpr std::span<const std::string_view> choices_of<Database>() {
  return names::kDatabase;
}
template <>
constexpr std::span<const std::string_view> choices_of<RouterFlavor>() {
  return names::kRouterFlavor;
}
template <>
constexpr std::span<const std::string_view> choices_of<AdminAuth>() {
  return names::kAdminAuth;
}
template <>
constexpr std::span<const std::string_view> choices_of<ClusterMtls>() {
  return names::kClusterMtls;
}
template <>
constexpr std::span<const std::string_view> choices_of<CipherSuite>() {
  return names::kCipherSuite;
}
template <>
constexpr std::span<const std::string_view> choices_of<ErrorType>() {
  return names::kErrorType;
}
template <>
constexpr std::span<const std::string_view> choices_of<DnsRecord>() {
  return names::kDnsRecord;
}
template <>
constexpr std::span<const std::string_view> choices_of<log::Format>() {
  return names::kLogFormat;
}
template <>
constexpr std::span<const std::string_view> choices_of<log::Level>() {
  return names::kLogLevel;
}

}  // namespace sluice::settings
