// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "control/admin/message.h"

// Errors of the platform API as its published contract has them: RFC 9457, with what is wrong about each parameter.
namespace sluice::control::platform {

using admin::Reply;
using admin::Request;

inline constexpr std::string_view kProblemType = "application/problem+json";

/// What is wrong with one member of a body, or one argument of a query.
struct InvalidParameter {
  std::string field;            // "labels.env", "proxy_urls[0].port"
  std::string rule;             // of the contract's list; empty: none of them
  std::string reason;           // "is a required field"
  std::string source = "body";  // or "query"
  Json::Array choices = {};     // of rule enum
  std::int64_t bound = 0;       // of rules min.. and max..
};

/// `detail` says what is special about this one. It carries an id by which the log can be searched.
Reply problem(int status, std::string_view detail);
Reply problem(int status, std::string_view title, std::string_view detail);
/// 400 with all that is wrong; there is something.
Reply invalid(const std::vector<InvalidParameter>& parameters);
Reply invalid(InvalidParameter parameter);
/// What became of a change that failed.
Reply problem_of(const Error& error);
/// The same in the older form, `{"message"}`, which entities, nodes and certificates have.
Reply message_of(const Error& error);
/// Turns an error of the Admin API's form into a problem; leaves everything else.
void make_problem(Reply& reply);

}  // namespace sluice::control::platform
