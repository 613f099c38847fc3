// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/certified.h"

#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

constexpr std::size_t kMostText = 65'536;  // a chain of certificates is some thousand octets

Result<std::string> long_text(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  if (member == nullptr || !member->is_string() || member->as_string().size() > kMostText) {
    return fail(Errc::Invalid, "no text \"" + std::string(name) + "\", or too long a one", Blame::Upstream);
  }
  return member->as_string();
}

}  // namespace

std::string to_text(const Certified& certified) {
  return to_json(Json::Object{{"made_by", certified.made_by},
                              {"made_at", certified.made_at},
                              {"signature", certified.signature},
                              {"certificate", certified.certificate}});
}

Result<Certified> read_certified(const Json& result) {
  Certified certified;
  TRY(certified.made_by, text_member(result, "made_by"));
  TRY(certified.signature, long_text(result, "signature"));
  TRY(certified.certificate, long_text(result, "certificate"));
  const Json* made_at = result.find("made_at");
  if (made_at == nullptr || !made_at->is_number()) {
    return fail(Errc::Invalid, "a signature without made_at", Blame::Upstream);
  }
  certified.made_at = made_at->number();
  return certified;
}

}  // namespace sluice::sync::wire
