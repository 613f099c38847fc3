// SPDX-License-Identifier: Apache-2.0
#include "control/platform/kong_reader.h"

#include <memory>
#include <utility>

#include "base/strings.h"
#include "entity/consumer_group.h"
#include "entity/target.h"
#include "entity/upstream.h"
#include "entity/workspace.h"

namespace sluice::control::platform {
namespace {

constexpr std::size_t kMaxPage = std::size_t{16} << 20;  // octets
constexpr std::size_t kMaxAll = std::size_t{64} << 20;
constexpr std::size_t kMaxPages = 5'000;  // of one list
constexpr int kOk = 200;
constexpr int kNotFound = 404;

/// The token of the next page, which is asked for at the same place: `next` could name any other.
std::string next_of(const Json& page) {
  const Json* offset = page.find("offset");
  return offset != nullptr && offset->is_string() ? offset->as_string() : std::string();
}

Error with_path(const std::string& path, Error error) {
  error.what.insert(0, path + ": ");
  return error;
}

/// Adds to the list of that type; without an entry there is no such list.
void append_to(Json::Object& found, const std::string& type, Json::Array entries) {
  if (entries.empty()) return;
  Json* list = found.find(type);
  if (list == nullptr) return found.append(type, std::move(entries));
  for (Json& entry : entries) list->as_array().push_back(std::move(entry));
}

/// Entities are whole in a batch: what is not set is left out, and times are ours.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  Json::Object left;
  for (const auto& [name, member] : value.as_object()) {
    if (!member.is_null() && name != "created_at" && name != "updated_at") left.append(name, without_nulls(member));
  }
  return left;
}

/// As our own description has it, where it takes it; the rest is refused with its reason when it is planned.
Json taken(const schema::EntityBase& type, const Json& entry) {
  const auto canonical = type.process(entry, {.transform = false, .ignore_unknown = true});
  return without_nulls(canonical ? *canonical : entry);
}

}  // namespace

struct KongReader::Page {
  Json::Array entries;
  std::string next;
};

std::optional<std::string> wrong_with(std::string_view url) {
  const std::string_view scheme = url.starts_with("http://")    ? std::string_view("http://")
                                  : url.starts_with("https://") ? std::string_view("https://")
                                                                : std::string_view();
  if (scheme.empty()) return "must begin with http:// or https://";
  const std::string_view rest = url.substr(scheme.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty()) return "names no host";
  if (authority.contains('@')) return "must hold no name and password";
  for (const char c : rest) {
    if (c <= ' ' || c == '?' || c == '#' || c == '\\' || c == 0x7f) return "must be scheme, host, port and path alone";
  }
  return std::nullopt;
}

KongReader::KongReader(const Parts& parts, KongSource source, rt::Deadline deadline)
    : parts_(parts), source_(std::move(source)), deadline_(deadline) {}

Task<Result<std::string>> KongReader::read() {
  CO_TRY(co_await read_lists());
  CO_TRY(co_await read_targets());
  CO_TRY(co_await read_memberships());
  // It also goes away there.
  auto write = [all = std::make_shared<Json>(std::move(found_))]() mutable {
    std::string text = to_json(*all);
    all.reset();
    return text;
  };
  co_return co_await rt::offload(parts_.pool, parts_.reactor, std::move(write));
}

Task<Result<>> KongReader::read_lists() {
  for (const auto& type : parts_.catalog.types()) {
    // The ones below others come afterwards; workspaces are what a configuration is in, not what it has.
    const bool apart = type->name() == entity::Target::kName || type->name() == entity::ConsumerGroupConsumer::kName ||
                       type->name() == entity::Workspace::kName;
    if (apart) continue;
    CO_TRY(auto entries, co_await list("/" + std::string(type->url()), type.get()));
    append_to(found_, type->name(), std::move(entries));
  }
  co_return Result<>{};
}

Task<Result<>> KongReader::read_targets() {
  const auto* type = parts_.catalog.find(entity::Target::kName);
  for (const std::string& id : ids(entity::Upstream::kName)) {
    CO_TRY(auto entries, co_await list("/upstreams/" + id + "/targets", type));
    append_to(found_, type->name(), std::move(entries));
  }
  co_return Result<>{};
}

Task<Result<>> KongReader::read_memberships() {
  for (const std::string& id : ids(entity::ConsumerGroup::kName)) {
    CO_TRY(const auto consumers, co_await list("/consumer_groups/" + id + "/consumers", nullptr));
    Json::Array members;
    for (const Json& consumer : consumers) {
      const Json* member = consumer.find("id");
      if (member == nullptr) continue;
      members.emplace_back(
          Json::Object{{"consumer_group", Json::Object{{"id", id}}}, {"consumer", Json::Object{{"id", *member}}}});
    }
    // Not as a description has them: that would give each an id, and they are known by what they join.
    append_to(found_, std::string(entity::ConsumerGroupConsumer::kName), std::move(members));
  }
  co_return Result<>{};
}

Task<Result<Json::Array>> KongReader::list(std::string path, const schema::EntityBase* type) {
  Json::Array entries;
  std::string at = path + "?size=1000";
  for (std::size_t pages = 0; !at.empty(); ++pages) {
    if (pages == kMaxPages) co_return fail(Errc::TooLarge, path + ": has no end", Blame::Upstream);
    CO_TRY(auto body, co_await get(at));
    // Other lists come and go with releases; these are everywhere, and a list that has begun does not end like that.
    if (!body && (pages > 0 || path == "/services" || path == "/routes")) {
      co_return fail(Errc::Refused, path + ": answered 404", Blame::Upstream);
    }
    if (!body) break;
    auto work = [text = *std::move(body), type] { return understand(text, type); };
    auto page = co_await rt::offload(parts_.pool, parts_.reactor, std::move(work));
    if (!page) co_return std::unexpected(with_path(path, std::move(page).error()));
    for (Json& entry : page->entries) entries.push_back(std::move(entry));
    at = page->next.empty() ? std::string() : path + "?size=1000&offset=" + percent_encode(page->next);
  }
  co_return entries;
}

/// On another thread.
Result<KongReader::Page> KongReader::understand(const std::string& body, const schema::EntityBase* type) {
  auto parsed = parse_json(body);
  if (!parsed || !parsed->is_object()) return fail(Errc::Invalid, "answered no JSON object", Blame::Upstream);
  // A group's consumers come under their own name from older releases.
  Json* data = parsed->find("data");
  if (data == nullptr) data = parsed->find("consumers");
  if (data == nullptr || !data->is_array()) return fail(Errc::Invalid, "is no list", Blame::Upstream);
  Page page;
  page.next = next_of(*parsed);
  page.entries.reserve(data->as_array().size());
  for (Json& entry : data->as_array()) {
    page.entries.push_back(type != nullptr ? taken(*type, entry) : std::move(entry));
  }
  return page;
}

Task<Result<std::optional<std::string>>> KongReader::get(std::string target) {
  const std::string path = target.substr(0, target.find('?'));  // the rest is the other side's
  http::ClientRequest request;
  request.url = source_.url + target;
  request.headers.emplace_back("Accept", "application/json");
  if (!source_.token.empty()) request.headers.emplace_back("Kong-Admin-Token", source_.token.reveal());
  request.verify_tls = source_.verify_tls;
  request.max_response = kMaxPage;
  auto response = co_await parts_.client.send(std::move(request), deadline_);
  if (!response) co_return std::unexpected(with_path(path, std::move(response).error()));
  if (response->status == kNotFound) co_return std::nullopt;
  if (response->status != kOk) {
    co_return fail(Errc::Refused, path + ": answered " + std::to_string(response->status), Blame::Upstream);
  }
  octets_ += response->body.size();
  if (octets_ > kMaxAll) co_return fail(Errc::TooLarge, "more than 64 MB of entities", Blame::Upstream);
  co_return std::move(response->body);
}

std::vector<std::string> KongReader::ids(std::string_view type) const {
  std::vector<std::string> found;
  const Json* entries = found_.find(type);
  if (entries == nullptr) return found;
  for (const Json& entry : entries->as_array()) {
    const Json* id = entry.find("id");
    // It becomes part of a path.
    if (id != nullptr && id->is_string() && Uuid::parse(id->as_string())) found.push_back(id->as_string());
  }
  return found;
}

}  // namespace sluice::control::platform
