// SPDX-License-Identifier: Apache-2.0
#include "control/planes/plane_profile.h"

#include <utility>

#include "base/json.h"
#include "base/time.h"
#include "control/row_reader.h"
#include "crypto/pem.h"
#include "sync/plane_name.h"

namespace sluice::control::planes {

std::string PlaneProfile::host_prefix() const {
  return sync::plane_prefix(id);
}

std::string PlaneProfile::to_text() const {
  Json::Object tags;
  for (const auto& [key, value] : labels) tags.append(key, value);
  Json::Array urls;
  for (const ProxyUrl& url : proxy_urls) {
    urls.emplace_back(Json::Object{{"host", url.host}, {"port", url.port}, {"protocol", url.protocol}});
  }
  Json::Array ids;
  for (const Uuid& member : members) ids.emplace_back(member.to_string());
  return to_json(Json::Object{{"format", RowReader::kFormat},
                              {"id", id.to_string()},
                              {"name", name},
                              {"description", description},
                              {"labels", std::move(tags)},
                              {"cluster_type", cluster_type},
                              {"auth_type", auth_type},
                              {"cloud_gateway", cloud_gateway},
                              {"proxy_urls", std::move(urls)},
                              {"created_ms", created_ms},
                              {"updated_ms", updated_ms},
                              {"store", store},
                              {"members", std::move(ids)},
                              {"members_epoch", members_epoch}});
}

Result<PlaneProfile> PlaneProfile::parse(std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  PlaneProfile profile;
  TRY(reader.take("id", profile.id));
  reader.take("name", profile.name);
  reader.take("description", profile.description);
  reader.take("cluster_type", profile.cluster_type);
  reader.take("auth_type", profile.auth_type);
  reader.take("cloud_gateway", profile.cloud_gateway);
  reader.take("created_ms", profile.created_ms);
  reader.take("updated_ms", profile.updated_ms);
  reader.take("store", profile.store);
  std::int64_t epoch = 0;
  reader.take("members_epoch", epoch);
  profile.members_epoch = static_cast<std::uint64_t>(epoch);
  if (const Json* labels = reader.json().find("labels"); labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->as_object()) {
      if (value.is_string()) profile.labels[key] = value.as_string();
    }
  }
  for (const Json& entry : reader.list("proxy_urls")) {
    const Json* host = entry.find("host");
    const Json* port = entry.find("port");
    const Json* protocol = entry.find("protocol");
    if (host == nullptr || port == nullptr || protocol == nullptr) return fail(Errc::Invalid, "a proxy URL is cut off");
    profile.proxy_urls.push_back({host->as_string(), port->as_int(), protocol->as_string()});
  }
  for (const Json& entry : reader.list("members")) {
    TRY(const Uuid member, Uuid::parse(entry.is_string() ? std::string_view(entry.as_string()) : ""));
    profile.members.push_back(member);
  }
  return profile;
}

std::string PinnedCertificate::to_text() const {
  return to_json(Json::Object{{"format", RowReader::kFormat},
                              {"id", id.to_string()},
                              {"control_plane", control_plane.to_string()},
                              {"title", title},
                              {"cert", pem},
                              {"created_at", created_at},
                              {"updated_at", updated_at}});
}

Result<PinnedCertificate> PinnedCertificate::parse(std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  PinnedCertificate pinned;
  TRY(reader.take("id", pinned.id));
  TRY(reader.take("control_plane", pinned.control_plane));
  reader.take("title", pinned.title);
  reader.take("cert", pinned.pem);
  reader.take("created_at", pinned.created_at);
  reader.take("updated_at", pinned.updated_at);
  TRY(const auto certificate, crypto::Certificate::parse(pinned.pem));
  pinned.fingerprint = certificate.sha256_hex();
  pinned.not_after = certificate.not_after();
  return pinned;
}

Result<PinnedCertificate> PinnedCertificate::of(const Uuid& control_plane, std::string title, std::string_view pem) {
  TRY(const auto certificate, crypto::Certificate::parse(pem));
  PinnedCertificate pinned;
  pinned.id = Uuid::random();
  pinned.control_plane = control_plane;
  pinned.title = std::move(title);
  pinned.pem = pem;
  pinned.fingerprint = certificate.sha256_hex();
  pinned.not_after = certificate.not_after();
  pinned.created_at = unix_seconds();
  pinned.updated_at = pinned.created_at;
  return pinned;
}

}  // namespace sluice::control::planes
