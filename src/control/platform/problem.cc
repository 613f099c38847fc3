// SPDX-License-Identifier: Apache-2.0
#include "control/platform/problem.h"

#include <utility>

#include "base/random.h"

namespace sluice::control::platform {
namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Internal Server Error";
  }
}

int status_of(const Error& error) {
  switch (error.code) {
    case Errc::Invalid:
    case Errc::TooLarge:
      return 400;
    case Errc::NotFound:
      return 404;
    case Errc::Conflict:
      return 409;
    case Errc::Forbidden:
      return 403;
    case Errc::Unavailable:
      return 503;
    default:
      return 500;
  }
}

/// What clients may be told: not how our store is doing inside.
std::string detail_of(const Error& error) {
  if (error.blame == Blame::Client) return error.what;
  return status_of(error) == 503 ? "That cannot be done now; try again in a moment." : "An unexpected error occurred.";
}

Json::Object body_of(int status, std::string_view title, std::string_view detail) {
  return {{"status", status},
          {"title", title},
          {"type", "https://httpstatuses.com/" + std::to_string(status)},
          {"instance", "kong:trace:" + std::to_string(random_u64() >> 1U)},
          {"detail", detail}};
}

Reply reply_of(int status, Json::Object body) {
  Reply reply = Reply::json(status, std::move(body));
  reply.content_type = kProblemType;
  if (status == 503) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Json to_json(const InvalidParameter& parameter) {
  Json::Object object{{"field", parameter.field}};
  if (!parameter.rule.empty()) object.append("rule", parameter.rule);
  object.append("source", parameter.source);
  object.append("reason", parameter.reason);
  if (parameter.rule == "enum") object.append("choices", parameter.choices);
  if (parameter.rule.starts_with("min_")) object.append("minimum", parameter.bound);
  if (parameter.rule.starts_with("max_")) object.append("maximum", parameter.bound);
  return object;
}

}  // namespace

Reply problem(int status, std::string_view detail) {
  return problem(status, title_of(status), detail);
}

Reply problem(int status, std::string_view title, std::string_view detail) {
  return reply_of(status, body_of(status, title, detail));
}

Reply invalid(const std::vector<InvalidParameter>& parameters) {
  Json::Array list;
  for (const InvalidParameter& parameter : parameters) list.push_back(to_json(parameter));
  Json::Object body = body_of(400, title_of(400), "Invalid Parameters");
  body.append("invalid_parameters", std::move(list));
  return reply_of(400, std::move(body));
}

Reply invalid(InvalidParameter parameter) {
  return invalid(std::vector{std::move(parameter)});
}

Reply problem_of(const Error& error) {
  const int status = status_of(error);
  if (status == 400) return invalid({.field = "object", .rule = "invalid", .reason = detail_of(error)});
  return problem(status, detail_of(error));
}

Reply message_of(const Error& error) {
  const int status = status_of(error);
  Reply reply = Reply::message(status == 409 ? 400 : status, detail_of(error));  // the contract knows no 409 there
  if (status == 503) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

void make_problem(Reply& reply) {
  if (reply.status < 400 || reply.content_type != admin::kJsonType) return;
  const auto body = parse_json(reply.body);
  const Json* message = body ? body->find("message") : nullptr;
  const bool known = message != nullptr && message->is_string();
  Reply made = problem(reply.status, known ? std::string_view(message->as_string()) : title_of(reply.status));
  for (auto& header : reply.headers) made.headers.push_back(std::move(header));
  reply = std::move(made);
}

}  // namespace sluice::control::platform
