// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/time.h"
#include "control/platform/endpoints.h"

namespace sluice::control::platform {
namespace {

using planes::PinnedCertificate;

Reply not_found() {
  return Reply::message(404, "Not Found");
}

/// The control plane that the path names; nil when there is none.
Uuid plane_id(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  return id && parts.planes.book().find(*id) != nullptr ? *id : Uuid{};
}

const PinnedCertificate* find(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params[1]);
  return id ? parts.planes.book().find_certificate(plane_id(parts, request), *id) : nullptr;
}

Json show(const PinnedCertificate& certificate) {
  return Json::Object{{"id", certificate.id.to_string()},     {"cert", certificate.pem},
                      {"title", certificate.title},           {"created_at", certificate.created_at},
                      {"updated_at", certificate.updated_at}, {"fingerprint", certificate.fingerprint},
                      {"expires_at", certificate.not_after}};
}

Reply shown(int status, const PinnedCertificate& certificate) {
  return Reply::json(status, Json::Object{{"item", show(certificate)}});
}

Reply list(const Parts& parts, const Request& request) {
  const Uuid plane = plane_id(parts, request);
  if (plane.is_nil()) return not_found();
  Json::Array items;
  for (const PinnedCertificate& certificate : parts.planes.certificates(plane)) items.push_back(show(certificate));
  Json::Object page{{"total_count", items.size()}};
  return Reply::json(200, Json::Object{{"items", std::move(items)}, {"page", std::move(page)}});
}

Reply read(const Parts& parts, const Request& request) {
  const PinnedCertificate* certificate = find(parts, request);
  return certificate != nullptr ? shown(200, *certificate) : not_found();
}

/// What the body asks for, with a new id; or the reply.
std::expected<PinnedCertificate, Reply> read_body(const Uuid& plane, const Request& request) {
  const auto refuse = [](std::string_view why) { return std::unexpected(Reply::message(400, why)); };
  const auto body = parse_json(request.body);
  if (!body || !body->is_object()) return refuse("the body is no JSON object");
  const Json* cert = body->find("cert");
  const Json* title = body->find("title");
  if (cert == nullptr || !cert->is_string()) return refuse("cert: required field missing");
  if (title != nullptr && !title->is_string()) return refuse("title: expected a string");
  auto made = PinnedCertificate::of(plane, title != nullptr ? title->as_string() : "", cert->as_string());
  if (!made) return refuse("cert: " + made.error().what);
  if (made->not_after <= unix_seconds()) return refuse("cert: the certificate has expired");
  return *std::move(made);
}

Task<Reply> pin(const Parts& parts, PinnedCertificate certificate, const Request& request, int status) {
  const auto done = co_await parts.planes.pin(certificate, request.who.name);
  co_return done ? shown(status, certificate) : message_of(done.error());
}

Task<Reply> create(const Parts& parts, const Request& request) {
  const Uuid plane = plane_id(parts, request);
  if (plane.is_nil()) return not_found();
  auto certificate = read_body(plane, request);
  if (!certificate) return std::move(certificate).error();
  return pin(parts, *std::move(certificate), request, 201);
}

/// Replaces the one with that id, or makes it.
Task<Reply> put(const Parts& parts, const Request& request) {
  const Uuid plane = plane_id(parts, request);
  if (plane.is_nil()) return not_found();
  const auto id = Uuid::parse(request.params[1]);
  if (!id) return Reply::message(400, "the id of a certificate is a UUID");
  auto certificate = read_body(plane, request);
  if (!certificate) return std::move(certificate).error();
  certificate->id = *id;
  const PinnedCertificate* before = find(parts, request);
  if (before != nullptr) certificate->created_at = before->created_at;
  return pin(parts, *std::move(certificate), request, 200);
}

Task<Reply> remove(const Parts& parts, const Request& request) {
  const PinnedCertificate* certificate = find(parts, request);
  if (certificate == nullptr) co_return not_found();
  const auto done = co_await parts.planes.unpin(certificate->control_plane, certificate->id, request.who.name);
  co_return done ? Reply::empty(204) : message_of(done.error());
}

}  // namespace

void add_certificates(admin::RouteTree& tree, const Parts& parts) {
  const std::string all = "/v2/control-planes/{id}/dp-client-certificates";
  const std::string one = all + "/{certificate}";
  tree.add("GET", all, [&parts](const Request& request) { return list(parts, request); });
  tree.add("POST", all, [&parts](const Request& request) { return create(parts, request); });
  tree.add("GET", one, [&parts](const Request& request) { return read(parts, request); });
  tree.add("PUT", one, [&parts](const Request& request) { return put(parts, request); });
  tree.add("DELETE", one, [&parts](const Request& request) { return remove(parts, request); });
}

}  // namespace sluice::control::platform
