// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::entity {

struct Acl;
struct BasicauthCredential;
struct CaCertificate;
struct Certificate;
struct Consumer;
struct ConsumerGroup;
struct ConsumerGroupConsumer;
struct HmacauthCredential;
struct JwtSecret;
struct Key;
struct KeyauthCredential;
struct KeySet;
struct License;
struct MtlsAuthCredential;
struct Oauth2Credential;
struct Oauth2Token;
struct Partial;
struct Plugin;
struct Route;
struct Service;
struct Sni;
struct Target;
struct Upstream;
struct Vault;
struct Workspace;

class Catalog;
class PluginSchemas;

}  // namespace sluice::entity
