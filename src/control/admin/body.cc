// SPDX-License-Identifier: Apache-2.0
#include "control/admin/body.h"

#include <utility>

#include "base/strings.h"
#include "control/admin/form.h"

namespace sluice::control::admin {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kMultipart = "multipart/form-data";

std::unexpected<Reply> refuse(int status, std::string_view message) {
  return std::unexpected(Reply::message(status, message));
}

}  // namespace

Task<Result<std::string>> read_body(http::ServerStream& stream, std::uint64_t limit) {
  std::string content;
  http::BodyReader* body = stream.body();
  if (body == nullptr) co_return content;
  const auto announced = body->remaining();
  if (limit != 0 && announced && *announced > limit) {
    co_return fail(Errc::TooLarge, "body is too large", Blame::Client);
  }
  if (announced) content.reserve(*announced);
  for (bool last = false; !last;) {
    CO_TRY(const http::Chunk chunk, co_await body->read());
    if (limit != 0 && content.size() + chunk.bytes.size() > limit) {
      co_return fail(Errc::TooLarge, "body is too large", Blame::Client);
    }
    content.append(chunk.bytes);
    last = chunk.last;
  }
  co_return content;
}

std::expected<Json, Reply> body_object(const Request& request) {
  if (request.body.empty()) return Json::object();
  if (request.media_type == "application/json") {
    auto parsed = parse_json(request.body);
    if (!parsed && parsed.error().what.ends_with("levels deep")) {
      return refuse(400, "Cannot parse JSON body: " + parsed.error().what);
    }
    if (!parsed || !parsed->is_object()) return refuse(400, "Cannot parse JSON body");
    return *std::move(parsed);
  }
  if (request.media_type == kForm) return form_value(Query(request.body).all());
  if (request.media_type == kMultipart) {
    const auto fields = multipart_fields(request.content_type, request.body);
    if (!fields) return refuse(400, "Cannot parse multipart body");
    return form_value(*fields);
  }
  return refuse(415, "Unsupported media type");
}

std::expected<Json, Reply> body_entity(const Request& request, const entity::Catalog& catalog,
                                       const schema::EntityBase& type, const std::string& plugin) {
  auto object = body_object(request);
  if (!object || (request.media_type != kForm && request.media_type != kMultipart)) return object;
  const Json* name = object->find("name");
  const std::string& named = name != nullptr && name->is_string() ? name->as_string() : plugin;
  coerce(*object, type, type.name() == entity::Plugin::kName && !named.empty() ? catalog.plugin(named) : nullptr);
  return object;
}

}  // namespace sluice::control::admin
