// SPDX-License-Identifier: Apache-2.0
#include "control/admin/errors.h"

#include <utility>

namespace sluice::control::admin {
namespace {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::PrimaryKeyViolation:
      return "primary key violation";
    case Code::ForeignKeyViolation:
      return "foreign key violation";
    case Code::UniqueViolation:
      return "unique constraint violation";
    case Code::InvalidOffset:
      return "invalid offset";
    case Code::InvalidSize:
      return "invalid size";
    case Code::InvalidOptions:
      return "invalid options";
    case Code::OperationUnsupported:
      return "operation unsupported";
    case Code::ForeignKeysUnresolved:
      return "foreign keys unresolved";
    case Code::ReferencedByOthers:
      return "referenced by others";
  }
  return "";
}

int status_of(Code code) {
  if (code == Code::UniqueViolation) return 409;
  if (code == Code::OperationUnsupported) return 405;
  return 400;
}

Json body_of(Code code, std::string message) {
  return Json::Object{{"code", static_cast<int>(code)}, {"name", name_of(code)}, {"message", std::move(message)}};
}

}  // namespace

Reply error(Code code, std::string message) {
  return Reply::json(status_of(code), body_of(code, std::move(message)));
}

Reply error(Code code, std::string message, Json fields) {
  Json body = body_of(code, std::move(message));
  body.as_object().set("fields", std::move(fields));
  return Reply::json(status_of(code), body);
}

Reply invalid_option(std::string_view option, std::string_view why) {
  Json body = body_of(Code::InvalidOptions, "invalid option (" + std::string(option) + ": " + std::string(why) + ")");
  Json::Object options;
  options.append(std::string(option), why);
  body.as_object().set("options", std::move(options));
  return Reply::json(status_of(Code::InvalidOptions), body);
}

Reply write_refused(std::string_view verb, std::string_view type) {
  return error(Code::OperationUnsupported,
               "cannot " + std::string(verb) + " '" + std::string(type) + "' entities when not using a database");
}

Reply precondition_failed() {
  return Reply::message(412, "Precondition failed: the entity is not what it was");
}

}  // namespace sluice::control::admin
