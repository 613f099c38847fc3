// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cluster_identity.h"

#include <utility>

#include "crypto/pem.h"
#include "net/tls/layer.h"
#include "net/tls/peer.h"

namespace sluice::dataplane {
namespace {

constexpr int kVerifyDepth = 4;

}  // namespace

Result<std::shared_ptr<const ClusterIdentity>> ClusterIdentity::make(ClusterMaterials materials, bool shared) {
  TRY(const auto chain, crypto::Certificate::parse_chain(materials.certificate));
  auto identity = net::tls::Identity::from_pem(materials.certificate, materials.key.reveal());
  if (!identity) return fail("cluster_cert: ", std::move(identity).error());
  TRY(CacheKey key, CacheKey::from_cluster_key(materials.key));
  std::shared_ptr<ClusterIdentity> made(new ClusterIdentity(std::move(materials), std::move(key), shared));
  made->not_after_ = chain.front().not_after();
  made->fingerprint_ = chain.front().sha256_hex();
  if (shared) {
    for (const auto& certificate : chain) made->known_.insert(certificate.sha256_hex());
  }

  net::tls::ClientSettings settings;
  settings.identity = std::make_shared<const net::tls::Identity>(*std::move(identity));
  settings.alpn = {"http/1.1"};
  // A shared certificate is compared as it is, by check_peer(): names and authorities say less.
  settings.verify = !shared;
  settings.verify_name = false;  // check_peer() does, where there is no better reason
  settings.verify_depth = kVerifyDepth;
  if (!shared && made->materials_.authorities.empty()) {
    TRY(settings.trust, net::tls::TrustStore::system());
  } else if (!shared) {
    TRY(settings.trust, net::tls::TrustStore::from_pem(made->materials_.authorities));
    for (const std::string& text : made->materials_.authorities) {
      TRY(const auto certificates, crypto::Certificate::parse_chain(text));
      for (const auto& certificate : certificates) made->known_.insert(certificate.sha256_hex());
    }
  }
  TRY(made->context_, net::tls::ClientContext::make(std::move(settings)));
  return made;
}

std::string ClusterIdentity::trusted_pem() const {
  if (shared_) return materials_.certificate;
  std::string all;
  for (const std::string& text : materials_.authorities) all.append(text).append("\n");
  return all;
}

Result<std::string> ClusterIdentity::check_peer(const net::Stream& stream, const std::string& server_name) const {
  const auto* layer = dynamic_cast<const net::tls::TlsLayer*>(stream.layer());
  std::string pem = layer != nullptr ? layer->peer_certificate_pem() : std::string();
  if (pem.empty()) return fail(Errc::Forbidden, "the control plane showed no certificate", Blame::Upstream);
  TRY(const auto certificate, crypto::Certificate::parse(pem));
  const std::string fingerprint = certificate.sha256_hex();
  if (!shared_) {
    // One that is trusted by itself needs no name: nobody else has its key.
    if (!known_.contains(fingerprint)) TRY(net::tls::verify_name(stream, server_name));
    return pem;
  }
  if (known_.contains(fingerprint)) return pem;
  return fail(Errc::Forbidden,
              "the control plane has another certificate (" + certificate.subject() +
                  ") than cluster_cert; with cluster_mtls=shared both must have the same",
              Blame::Upstream);
}

}  // namespace sluice::dataplane
