// SPDX-License-Identifier: Apache-2.0
#include "objects/signature_v4.h"

#include <map>

#include "base/strings.h"
#include "base/time.h"
#include "crypto/hash.h"

namespace sluice::objects {
namespace {

/// `20130524T000000Z`, from RFC 3339.
std::string basic_time(std::int64_t seconds) {
  std::string text;
  for (const char c : format_rfc3339(seconds * 1000).substr(0, 19)) {
    if (c != '-' && c != ':') text += c;
  }
  return text + 'Z';
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign(const SignedRequest& request, const Credentials& credentials) {
  const std::string time = basic_time(request.now);
  const std::string day = time.substr(0, 8);
  const std::string content_hash = crypto::sha256_hex(request.content);

  std::map<std::string, std::string> fields{
      {"host", std::string(request.host)}, {"x-amz-content-sha256", content_hash}, {"x-amz-date", time}};
  if (!credentials.session_token.empty()) fields["x-amz-security-token"] = credentials.session_token;
  std::string lines, names;
  for (const auto& [name, value] : fields) {
    lines.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }

  std::string canonical(request.method);
  canonical.append("\n").append(request.path).append("\n").append(request.query).append("\n");
  canonical.append(lines).append("\n").append(names).append("\n").append(content_hash);
  const std::string scope =
      day + '/' + std::string(request.region) + '/' + std::string(request.service) + "/aws4_request";
  const std::string statement = "AWS4-HMAC-SHA256\n" + time + '\n' + scope + '\n' + crypto::sha256_hex(canonical);

  Secret<std::string> key("AWS4" + credentials.secret_key.reveal());
  for (const std::string_view part :
       {std::string_view(day), request.region, request.service, std::string_view("aws4_request")}) {
    key = Secret(crypto::hmac_sha256(key.reveal(), part));
  }
  const std::string signature = to_hex(crypto::hmac_sha256(key.reveal(), statement));

  fields.erase("host");  // the client says it
  std::vector<std::pair<std::string, std::string>> out(fields.begin(), fields.end());
  out.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + '/' + scope +
                                        ",SignedHeaders=" + names + ",Signature=" + signature);
  return out;
}

}  // namespace sluice::objects
