// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entity/certificate.h"
#include "schema/entity.h"

namespace sluice::entity {

/// A server name for which a certificate is shown; `*` is the default certificate.
struct Sni {
  static constexpr std::string_view kName = "snis";

  schema::Id<Sni> id;
  std::string name;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::vector<std::string> tags;
  schema::Ref<Certificate> certificate;

  static void describe(schema::Entity<Sni>& e) {
    e.doc("A server name for which a certificate is shown.");
    e.identity<&Sni::id, &Sni::name>("name", "The name; one `*` may stand for its first or last label.")
        .required()
        .unique_across_ws()
        .rule(schema::wildcard_sni());
    e.created_at<&Sni::created_at>();
    e.updated_at<&Sni::updated_at>();
    e.find_field("updated_at")->since = {schema::kong(3, 3)};
    e.tags<&Sni::tags>();
    e.belongs_to<&Sni::certificate>("certificate", schema::OnDelete::Cascade, "What is shown.").required();
  }
};

}  // namespace sluice::entity
