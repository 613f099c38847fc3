// SPDX-License-Identifier: Apache-2.0
#include "entity/oauth2_credential.h"

namespace sluice::entity {

void Oauth2Credential::describe(schema::Entity<Oauth2Credential>& e) {
  e.doc("An application that a consumer registered for OAuth 2.0.");
  e.plural("oauth2", "oauth2");
  e.identity<&Oauth2Credential::id, &Oauth2Credential::client_id>("client_id", "Its id; made up unless given.")
      .auto_random();
  e.created_at<&Oauth2Credential::created_at>();
  e.belongs_to<&Oauth2Credential::consumer>("consumer", schema::OnDelete::Cascade, "Whose it is.").required();
  e.field<&Oauth2Credential::name>("name", "The application's name.").required();
  e.field<&Oauth2Credential::client_secret>("client_secret", "Its secret; made up unless given.")
      .auto_random()
      .encrypted();
  // TODO(feature): hash it when there is a plugin that can compare with the hash; until then nobody is told it was.
  e.field<&Oauth2Credential::hash_secret>("hash_secret", "Whether the secret is kept as a hash only.")
      .rule(schema::equal_to(false));
  e.field<&Oauth2Credential::redirect_uris>("redirect_uris", "Where codes and tokens may be sent.").each(schema::url());
  e.field<&Oauth2Credential::client_type>("client_type", "Whether it can keep a secret.")
      .rule(schema::one_of({"confidential", "public"}));
  e.tags<&Oauth2Credential::tags>();
}

}  // namespace sluice::entity
