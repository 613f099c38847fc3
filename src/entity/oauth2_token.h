// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "entity/oauth2_credential.h"
#include "entity/service.h"
#include "schema/entity.h"

namespace sluice::entity {

/// What an application was given to act for somebody. reference/gateway.md, 1.3.
struct Oauth2Token {
  static constexpr std::string_view kName = "oauth2_tokens";

  schema::Id<Oauth2Token> id;
  std::int64_t created_at = 0;
  schema::Ref<Service> service;
  schema::Ref<Oauth2Credential> credential;
  std::string token_type = "bearer";
  std::int64_t expires_in = 0;
  std::string access_token;
  std::string refresh_token;
  std::string authenticated_userid;
  std::string scope;

  static void describe(schema::Entity<Oauth2Token>& e) {
    using schema::OnDelete;
    e.doc("What an application was given to act for somebody.");
    e.identity<&Oauth2Token::id, &Oauth2Token::access_token>("access_token", "The token; made up unless given.")
        .auto_random();
    e.created_at<&Oauth2Token::created_at>();
    e.belongs_to<&Oauth2Token::service>("service", OnDelete::Cascade, "The one service that it opens; null: all.");
    e.belongs_to<&Oauth2Token::credential>("credential", OnDelete::Cascade, "The application.").required();
    e.field<&Oauth2Token::token_type>("token_type", "How it is shown.").rule(schema::one_of({"bearer"}));
    e.field<&Oauth2Token::expires_in>("expires_in", "Seconds for which it opens; 0: for ever.").required();
    e.field<&Oauth2Token::refresh_token>("refresh_token", "What a new one is asked for with.")
        .optional()
        .unique()
        .encrypted();
    e.field<&Oauth2Token::authenticated_userid>("authenticated_userid", "For whom it acts.").optional();
    e.field<&Oauth2Token::scope>("scope", "What it may do.").optional();
    e.ttl();
  }
};

}  // namespace sluice::entity
