// SPDX-License-Identifier: Apache-2.0
#include "entity/workspace.h"

namespace sluice::entity {

void Workspace::describe(schema::Entity<Workspace>& e) {
  e.doc("A part of the configuration with names of its own.");
  e.shared_by_workspaces();
  // A path that begins with the name of a workspace must not mean anything else.
  e.identity<&Workspace::id, &Workspace::name>("name", "What paths of the Admin API begin with.")
      .required()
      .rule(schema::utf8_name())
      .rule(schema::not_one_of({"acls",          "basic-auths",
                                "batch",         "ca_certificates",
                                "cache",         "certificates",
                                "clustering",    "config",
                                "consumers",     "consumer_groups",
                                "debug",         "endpoints",
                                "filter-chains", "explain",
                                "hmac-auths",    "jwts",
                                "key-auths",     "key-sets",
                                "keys",          "kong",
                                "license",       "licenses",
                                "metrics",       "mtls-auths",
                                "oauth2",        "oauth2_tokens",
                                "openapi.json",  "partials",
                                "plugins",       "robots.txt",
                                "routes",        "schemas",
                                "services",      "snis",
                                "status",        "tags",
                                "targets",       "timers",
                                "upstreams",     "v1",
                                "vaults",        "workspaces"}));
  e.created_at<&Workspace::created_at>();
  e.updated_at<&Workspace::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.field<&Workspace::comment>("comment", "What it is for.").optional();
  e.field<&Workspace::config>("config", "Settings that consoles keep with it.").optional();
  e.field<&Workspace::meta>("meta", "How consoles show it: a colour, a thumbnail.").optional();
}

}  // namespace sluice::entity
