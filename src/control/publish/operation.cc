// SPDX-License-Identifier: Apache-2.0
#include "control/publish/operation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/strings.h"

namespace sluice::control::publish {
namespace {

std::string_view kind_name(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::Schema:
      return "schema violation";
    case Failure::Kind::PrimaryKey:
      return "the id is taken";
    case Failure::Kind::Unique:
      return "another one has";
    case Failure::Kind::ForeignKey:
    case Failure::Kind::Unresolved:
      return "refers to nothing";
    case Failure::Kind::Restricted:
    case Failure::Kind::Referenced:
      return "is referred to";
    case Failure::Kind::NotFound:
      return "not found";
    case Failure::Kind::Precondition:
      return "has changed meanwhile";
  }
  return "";
}

}  // namespace

std::string Refusal::text() const {
  std::string lines = declarative.all.text();
  for (const Failure& failure : failures) {
    lines += failure.type + ": ";
    lines += failure.violations.empty() ? fmt::format("{} {}\n", kind_name(failure.kind), to_json(failure.key))
                                        : failure.violations.text();
  }
  return lines + what;
}

std::string etag_of(std::string_view document) {
  return fmt::format("\"{:016x}\"", stable_hash(document));
}

std::string etag_of(const store::Version& version) {
  return '"' + store::to_string(version) + '"';
}

bool names_etag(std::string_view field, std::string_view etag) {
  if (trim(field) == "*") return true;
  const auto tags = split_list(field, ',');
  return std::ranges::any_of(tags, [&](std::string_view tag) { return trim(tag) == etag; });
}

}  // namespace sluice::control::publish
