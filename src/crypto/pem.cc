// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/ip.h"
#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::crypto {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A stream that reads from `text`, which outlives it.
Result<Owned<BIO>> reader_of(std::string_view text) {
  if (text.size() > INT_MAX) return fail(Errc::TooLarge, "PEM text too large");
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// Answers "no passphrase" instead of asking for one on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

KeyType type_of(const EVP_PKEY* key) {
  switch (key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return KeyType::Rsa;
    case EVP_PKEY_EC:
      return KeyType::Ec;
    case EVP_PKEY_ED25519:
      return KeyType::Ed25519;
    case EVP_PKEY_ED448:
      return KeyType::Ed448;
    default:
      return KeyType::Other;
  }
}

std::string one_line(const X509_NAME* name) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return written(out.get());
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::int64_t{::timegm(&parts)} : 0;
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* octets) {
  const auto* data = ASN1_STRING_get0_data(octets);
  const int size = ASN1_STRING_length(octets);
  if (size == 4) return IpAddress::from_v4(std::span<const std::uint8_t, 4>(data, 4)).to_string();
  if (size == 16) return IpAddress::from_v6(std::span<const std::uint8_t, 16>(data, 16)).to_string();
  return {};
}

bool has_control_octets(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// Empty for kinds that say nothing of a client (directory names, other names).
std::string identity_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return std::string(text_of(name.d.dNSName));
    case GEN_IPADD:
      return address_of(name.d.iPAddress);
    case GEN_EMAIL:
      return std::string(text_of(name.d.rfc822Name));
    case GEN_URI:
      return std::string(text_of(name.d.uniformResourceIdentifier));
    default:
      return {};
  }
}

std::vector<std::string> alternative_names(const GENERAL_NAMES* general) {
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(general); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(general, i);
    if (name->type == GEN_DNS) {
      names.emplace_back(text_of(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      if (std::string address = address_of(name->d.iPAddress); !address.empty()) names.push_back(std::move(address));
    }
  }
  return names;
}

}  // namespace

std::string_view to_string(KeyType type) {
  static constexpr std::string_view kNames[] = {"rsa", "ec", "ed25519", "ed448", "other"};
  return kNames[static_cast<std::size_t>(type)];
}

Certificate::Certificate(x509_st* owned) : handle_(owned, X509_free) {}

Certificate Certificate::share(x509_st* certificate) {
  X509_up_ref(certificate);
  return Certificate(certificate);
}

Result<std::vector<Certificate>> Certificate::parse_chain(std::string_view pem) {
  TRY(const Owned<BIO> reader, reader_of(pem));
  ERR_clear_error();
  std::vector<Certificate> chain;
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr))
    chain.push_back(Certificate(next));
  // The end of the text looks like "no start line"; anything else means that a block is damaged.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return fail(Errc::Invalid, "malformed certificate");
  if (chain.empty()) return fail(Errc::Invalid, "no certificate in the text");
  return chain;
}

Result<Certificate> Certificate::parse(std::string_view pem) {
  TRY(auto chain, parse_chain(pem));
  if (chain.size() > 1) return fail(Errc::Invalid, "more than one certificate in the text");
  return std::move(chain.front());
}

KeyType Certificate::key_type() const {
  return type_of(X509_get0_pubkey(handle()));
}

std::string Certificate::sha256_hex() const {
  unsigned char* der = nullptr;
  const int size = i2d_X509(handle(), &der);
  SLUICE_ASSERT(size > 0);
  std::string hex = crypto::sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return hex;
}

bool Certificate::is_ca() const {
  // X509_check_ca() answers 1 for CA:TRUE; larger values stand for guesses about certificates without the extension.
  return X509_check_ca(handle()) == 1;
}

std::int64_t Certificate::not_before() const {
  return seconds_of(X509_get0_notBefore(handle()));
}
std::int64_t Certificate::not_after() const {
  return seconds_of(X509_get0_notAfter(handle()));
}
std::string Certificate::subject() const {
  return one_line(X509_get_subject_name(handle()));
}
std::string Certificate::issuer() const {
  return one_line(X509_get_issuer_name(handle()));
}

std::string Certificate::serial() const {
  const Owned<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(handle()), nullptr));
  char* digits = BN_bn2hex(number.get());
  std::string text = to_lower(digits);
  OPENSSL_free(digits);
  return text;
}

std::vector<std::string> Certificate::names() const {
  const Owned<GENERAL_NAMES> general(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(handle(), NID_subject_alt_name, nullptr, nullptr)));
  if (general) return alternative_names(general.get());
  const X509_NAME* subject = X509_get_subject_name(handle());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  return {std::string(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))};
}

std::vector<std::string> Certificate::identities() const {
  std::vector<std::string> found;
  auto add = [&found](std::string name) {
    if (!name.empty() && !has_control_octets(name)) found.push_back(std::move(name));
  };
  int place = 0;  // below zero: there is no such extension, there are several, or it is malformed
  const Owned<GENERAL_NAMES> general(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(handle(), NID_subject_alt_name, &place, nullptr)));
  if (!general && place == -1) add(common_name());
  for (int i = 0; i < sk_GENERAL_NAME_num(general.get()); ++i) {
    add(identity_of(*sk_GENERAL_NAME_value(general.get(), i)));
  }
  return found;
}

std::string Certificate::common_name() const {
  const X509_NAME* subject = X509_get_subject_name(handle());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return has_control_octets(name) ? std::string() : name;
}

std::string Certificate::to_pem() const {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), handle());
  return written(out.get());
}

PrivateKey::PrivateKey(evp_pkey_st* owned) : handle_(owned, EVP_PKEY_free) {}

Result<PrivateKey> PrivateKey::parse(std::string_view pem) {
  TRY(const Owned<BIO> reader, reader_of(pem));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr);
  ERR_clear_error();
  if (key != nullptr) return PrivateKey(key);
  const bool encrypted = pem.contains("ENCRYPTED");
  return fail(Errc::Invalid, encrypted ? "encrypted private keys are not supported" : "malformed private key");
}

KeyType PrivateKey::type() const {
  return type_of(handle());
}
int PrivateKey::bits() const {
  return EVP_PKEY_get_bits(handle());
}

bool PrivateKey::belongs_to(const Certificate& certificate) const {
  const bool matches = X509_check_private_key(certificate.handle(), handle()) == 1;
  ERR_clear_error();
  return matches;
}

}  // namespace sluice::crypto
