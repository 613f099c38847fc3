// SPDX-License-Identifier: Apache-2.0
#include "control/platform/plane_view.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/time.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneProfile;

constexpr std::size_t kMaxPage = 1000;

/// The host of a URL, without its port.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  return url.starts_with('[') ? url.substr(0, url.find(']') + 1) : url.substr(0, url.find(':'));
}

/// Below which domain data planes find control planes: what the certificate for them names, else where people find the
/// console, else this machine.
std::string domain_of(const Parts& parts) {
  if (!parts.settings.cluster_server_name.empty()) return parts.settings.cluster_server_name;
  if (!parts.settings.admin_gui_url.empty()) return std::string(host_of(parts.settings.admin_gui_url.front()));
  return parts.node.hostname;
}

std::string endpoint(const Parts& parts, const PlaneProfile& profile, std::string_view kind, std::uint16_t port) {
  std::string url = "https://" + profile.host_prefix() + "." + std::string(kind) + "." + domain_of(parts);
  constexpr std::uint16_t kHttps = 443;
  return port == kHttps ? url : url + ":" + std::to_string(port);
}

std::expected<std::size_t, Reply> read_count(const admin::Query& query, std::string_view name, std::size_t standard,
                                             std::size_t most) {
  const std::string* text = query.find(name);
  if (text == nullptr || text->empty()) return standard;
  const auto number = parse_int<std::size_t>(*text);
  if (number && *number >= 1 && *number <= most) return *number;
  return std::unexpected(invalid({.field = std::string(name),
                                  .rule = "is_integer",
                                  .reason = "must be an integer between 1 and " + std::to_string(most),
                                  .source = "query"}));
}

// Filters
// -------------------------------------------------------------------------------------------------------------------

/// One condition of a query, `filter[name][eq]=x`.
struct Filter {
  std::string field;
  std::string operation;  // empty: equal
  std::string value;
};

bool is_one_of(std::string_view value, std::string_view list) {
  return std::ranges::any_of(split(list, ','), [&](std::string_view one) { return trim(one) == value; });
}

/// The text of a profile's field that can be filtered; null: it cannot.
std::optional<std::string> text_of(const PlaneProfile& profile, std::string_view field) {
  if (field == "id") return profile.id.to_string();
  if (field == "name") return profile.name;
  if (field == "cluster_type") return profile.cluster_type;
  if (field == "cloud_gateway") return profile.cloud_gateway ? "true" : "false";
  return std::nullopt;
}

bool offers(std::string_view field, std::string_view operation) {
  if (operation.empty() || operation == "eq") return true;
  if (field == "id") return operation == "oeq";
  if (field == "name") return operation == "contains" || operation == "neq" || operation == "oeq";
  return field == "cluster_type" && (operation == "neq" || operation == "oeq");
}

bool admits(const Filter& filter, const PlaneProfile& profile) {
  const std::string text = *text_of(profile, filter.field);
  if (filter.operation == "neq") return text != filter.value;
  if (filter.operation == "contains") return to_lower(text).contains(to_lower(filter.value));
  if (filter.operation == "oeq") return is_one_of(text, filter.value);
  return text == filter.value;
}

/// Of `filter[name][eq]`; nothing when the argument is no filter.
std::optional<Filter> parse_filter(const std::string& name, const std::string& value) {
  constexpr std::string_view kBegin = "filter[";
  if (!name.starts_with(kBegin) || !name.ends_with(']')) return std::nullopt;
  const std::string_view inner = std::string_view(name).substr(kBegin.size(), name.size() - kBegin.size() - 1);
  const std::size_t end = inner.find("][");
  if (end == inner.npos) return Filter{std::string(inner), "", value};
  return Filter{std::string(inner.substr(0, end)), std::string(inner.substr(end + 2)), value};
}

std::expected<std::vector<Filter>, Reply> read_filters(const admin::Query& query) {
  std::vector<Filter> filters;
  for (const auto& [name, value] : query.all()) {
    auto filter = parse_filter(name, value);
    if (!filter) continue;
    if (!text_of({}, filter->field) || !offers(filter->field, filter->operation)) {
      return std::unexpected(invalid({.field = name,
                                      .rule = "unknown_property",
                                      .reason = "control planes cannot be filtered by this",
                                      .source = "query"}));
    }
    filters.push_back(*std::move(filter));
  }
  return filters;
}

/// `labels=env:test,team`: that value, and any value.
bool has_labels(const PlaneProfile& profile, std::string_view wanted) {
  return std::ranges::all_of(split_list(wanted), [&](std::string_view one) {
    const std::size_t colon = one.find(':');
    const auto at = profile.labels.find(std::string(one.substr(0, colon)));
    return at != profile.labels.end() && (colon == one.npos || at->second == one.substr(colon + 1));
  });
}

/// `created_at desc`, `name`: the only attributes there are. The default: as they were made.
std::expected<void, Reply> sort(std::vector<const PlaneProfile*>& profiles, const admin::Query& query) {
  const std::string* text = query.find("sort");
  const std::string_view order = text != nullptr ? trim(*text) : std::string_view("created_at");
  const std::size_t blank = order.find(' ');
  const std::string_view attribute = order.substr(0, blank);
  const std::string_view direction = blank == order.npos ? "asc" : trim(order.substr(blank));
  const bool known = (attribute == "created_at" || attribute == "name") && (direction == "asc" || direction == "desc");
  if (!known) {
    return std::unexpected(invalid({.field = "sort",
                                    .rule = "invalid",
                                    .reason = "must be created_at or name, with asc or desc behind it if need be",
                                    .source = "query"}));
  }
  if (attribute == "name") {
    std::ranges::sort(profiles, {}, &PlaneProfile::name);
  } else {
    std::ranges::sort(profiles, {}, [](const PlaneProfile* one) { return std::pair(one->created_ms, one->id); });
  }
  if (direction == "desc") std::ranges::reverse(profiles);
  return {};
}

}  // namespace

Json show(const Parts& parts, const PlaneProfile& profile) {
  constexpr std::uint16_t kTelemetryPort = 8006;
  const auto& listeners = parts.settings.cluster_listen;
  constexpr std::uint16_t kClusterPort = 8005;
  const std::uint16_t port = listeners.empty() ? kClusterPort : listeners.front().port;
  Json::Object labels;
  for (const auto& [key, text] : profile.labels) labels.append(key, text);
  Json::Array urls;
  for (const planes::ProxyUrl& url : profile.proxy_urls) {
    urls.emplace_back(Json::Object{{"host", url.host}, {"port", url.port}, {"protocol", url.protocol}});
  }
  Json::Object config{{"control_plane_endpoint", endpoint(parts, profile, "cp", port)},
                      {"telemetry_endpoint", endpoint(parts, profile, "tp", kTelemetryPort)},
                      {"cluster_type", profile.cluster_type},
                      {"auth_type", profile.auth_type},
                      {"cloud_gateway", profile.cloud_gateway},
                      {"proxy_urls", std::move(urls)}};
  return Json::Object{{"id", profile.id.to_string()},
                      {"name", profile.name},
                      {"description", profile.description},
                      {"labels", std::move(labels)},
                      {"config", std::move(config)},
                      {"created_at", format_rfc3339(profile.created_ms)},
                      {"updated_at", format_rfc3339(profile.updated_ms)}};
}

std::expected<PageNumber, Reply> PageNumber::parse(const admin::Query& query) {
  PageNumber page;
  const auto size = read_count(query, "page[size]", page.size, kMaxPage);
  if (!size) return std::unexpected(size.error());
  constexpr std::size_t kMaxNumber = 1'000'000;
  const auto number = read_count(query, "page[number]", page.number, kMaxNumber);
  if (!number) return std::unexpected(number.error());
  return PageNumber{*size, *number};
}

std::expected<PageAfter, Reply> PageAfter::parse(const admin::Query& query) {
  PageAfter page;
  const auto size = read_count(query, "page[size]", page.size, kMaxPage);
  if (!size) return std::unexpected(size.error());
  page.size = *size;
  if (const std::string* after = query.find("page[after]")) page.after = *after;
  return page;
}

Reply list_planes(const Parts& parts, const admin::Query& query) {
  const auto page = PageNumber::parse(query);
  if (!page) return page.error();
  const auto filters = read_filters(query);
  if (!filters) return filters.error();
  const std::string* labels = query.find("labels");
  std::vector<const PlaneProfile*> found;
  for (const auto& [id, profile] : parts.planes.book().planes()) {
    const auto let_through = [&](const Filter& filter) { return admits(filter, profile); };
    if (!std::ranges::all_of(*filters, let_through)) continue;
    if (labels == nullptr || has_labels(profile, *labels)) found.push_back(&profile);
  }
  if (auto sorted = sort(found, query); !sorted) return std::move(sorted).error();
  Json::Array data;
  for (const PlaneProfile* profile :
       found | std::views::drop((page->number - 1) * page->size) | std::views::take(page->size)) {
    data.push_back(show(parts, *profile));
  }
  Json::Object numbers{{"number", page->number}, {"size", page->size}, {"total", found.size()}};
  return Reply::json(200,
                     Json::Object{{"meta", Json::Object{{"page", std::move(numbers)}}}, {"data", std::move(data)}});
}

}  // namespace sluice::control::platform
