// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/file/edit.h"

namespace sluice::cli {
namespace {

std::string version_of(const Json& document) {
  const Json* version = document.find("_format_version");
  return version != nullptr && version->is_string() ? version->as_string() : std::string();
}

bool transforms(const Json& document) {
  const Json* transform = document.find("_transform");
  return transform == nullptr || !transform->is_bool() || transform->as_bool();
}

std::string_view major_of(std::string_view version) {
  return version.substr(0, version.find('.'));
}

Result<> check_together(const Json& first, const Json& next, const std::string& name) {
  const std::string old = version_of(first);
  const std::string version = version_of(next);
  if (!old.empty() && !version.empty() && major_of(old) != major_of(version)) {
    return fail(Errc::Invalid, name + ": _format_version " + version + " does not go with " + old);
  }
  if (transforms(first) != transforms(next)) {
    return fail(Errc::Invalid, name + ": _transform differs from that of the files before");
  }
  return {};
}

}  // namespace

Result<Json> merge_documents(std::vector<Json> documents, const std::vector<std::string>& names) {
  Json merged = Json::object();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (!documents[i].is_object()) return fail(Errc::Invalid, names[i] + ": expected an object");
    if (i > 0) {
      TRY(check_together(documents.front(), documents[i], names[i]));
    }
  }
  for (const Json& document : documents) {
    for (const auto& [name, value] : document.as_object()) {
      Json& have = merged.as_object()[name];
      if (have.is_array() && value.is_array()) {
        have.as_array().insert(have.as_array().end(), value.as_array().begin(), value.as_array().end());
      } else {
        have = value;
      }
    }
  }
  return merged;
}

}  // namespace sluice::cli
