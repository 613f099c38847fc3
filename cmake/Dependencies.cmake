# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from Debian 12 packages (docs/decisions/002-dependencies.md gives the reasons).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(GTest REQUIRED)
find_package(fmt REQUIRED)

foreach(module
    libnghttp2 libnghttp3 libngtcp2 libngtcp2_crypto_gnutls gnutls libcares yaml-0.1 re2 libpcre2-8 libxxhash zlib snappy
    sqlite3 libpq protobuf libsodium)
  string(MAKE_C_IDENTIFIER "${module}" target)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET ${module})
endforeach()
set(NGHTTP2 PkgConfig::libnghttp2)
set(NGHTTP3 PkgConfig::libnghttp3)
set(QUIC PkgConfig::libngtcp2_crypto_gnutls PkgConfig::libngtcp2 PkgConfig::gnutls)
set(CARES PkgConfig::libcares)
set(YAML PkgConfig::yaml_0_1)
set(RE2 PkgConfig::re2)
set(PCRE2 PkgConfig::libpcre2_8)
set(XXHASH PkgConfig::libxxhash)
set(ZLIB PkgConfig::zlib)
set(SNAPPY PkgConfig::snappy)
set(SQLITE PkgConfig::sqlite3)
set(POSTGRES PkgConfig::libpq)
set(PROTOBUF PkgConfig::protobuf)
set(SODIUM PkgConfig::libsodium)
set(FMT fmt::fmt)
set(BOOST_JSON boost_json)
set(CLI11_INCLUDE "/usr/include/CLI")
