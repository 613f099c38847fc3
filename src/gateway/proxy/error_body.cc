// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/error_body.h"

#include <charconv>
#include <optional>
#include <string>

#include "base/json.h"
#include "http/headers.h"

namespace sluice::gateway {
namespace {

enum class Format { Json, Html, Xml, Plain };

std::optional<Format> format_of(std::string_view type) {
  if (http::same_name(type, "application/json") || type == "*/*" || http::same_name(type, "application/*"))
    return Format::Json;
  if (http::same_name(type, "text/html") || http::same_name(type, "text/*")) return Format::Html;
  if (http::same_name(type, "application/xml") || http::same_name(type, "text/xml")) return Format::Xml;
  if (http::same_name(type, "text/plain")) return Format::Plain;
  return std::nullopt;
}

/// ";q=0.5" of one media range; 1 when there is none, 0 when it is malformed.
double quality(std::string_view parameters) {
  std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1.0;
  double value = 0;
  std::string_view text = parameters.substr(at + 2);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : 0;
}

Format choose(std::string_view accept, std::string_view fallback) {
  std::optional<Format> best;
  double best_quality = 0;
  http::for_each_token(accept, [&](std::string_view range) {
    std::size_t semicolon = range.find(';');
    std::string_view type = range.substr(0, semicolon);
    while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
    auto format = format_of(type);
    double q = semicolon == std::string_view::npos ? 1.0 : quality(range.substr(semicolon));
    if (format && q > best_quality) {
      best = format;
      best_quality = q;
    }
  });
  return best ? *best : format_of(fallback).value_or(Format::Plain);
}

std::string escape_markup(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

ErrorBody json_body(std::string_view message, std::string_view id) {
  std::string text = "{\n  \"message\":";
  append_json_string(text, message);
  text.append(",\n  \"request_id\":\"").append(id).append("\"\n}");
  return {std::move(text), "application/json; charset=utf-8"};
}

ErrorBody html_body(std::string_view message, std::string_view id) {
  std::string text =
      "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n  <body>\n"
      "    <h1>Error</h1>\n    <p>";
  text.append(escape_markup(message)).append(".</p>\n    <p>request_id: ").append(id);
  text.append("</p>\n  </body>\n</html>\n");
  return {std::move(text), "text/html; charset=utf-8"};
}

ErrorBody xml_body(std::string_view message, std::string_view id) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>";
  text.append(escape_markup(message)).append("</message>\n  <requestid>").append(id).append("</requestid>\n</error>\n");
  return {std::move(text), "application/xml; charset=utf-8"};
}

ErrorBody plain_body(std::string_view message, std::string_view id) {
  std::string text(message);
  text.append("\nrequest_id: ").append(id).append("\n");
  return {std::move(text), "text/plain; charset=utf-8"};
}

/// A custom form for `format`; empty content type: there is none.
ErrorBody from_template(const ErrorTemplates& templates, Format format, std::string_view message, std::string_view id) {
  switch (format) {
    case Format::Json: {
      if (!templates.json.is_set()) return {};
      std::string escaped;
      append_json_string(escaped, message);  // with its quotes, which the template has already
      return {templates.json.fill(std::string_view(escaped).substr(1, escaped.size() - 2), id),
              "application/json; charset=utf-8"};
    }
    case Format::Html:
      if (!templates.html.is_set()) return {};
      return {templates.html.fill(escape_markup(message), id), "text/html; charset=utf-8"};
    case Format::Xml:
      if (!templates.xml.is_set()) return {};
      return {templates.xml.fill(escape_markup(message), id), "application/xml; charset=utf-8"};
    case Format::Plain:
      if (!templates.plain.is_set()) return {};
      return {templates.plain.fill(message, id), "text/plain; charset=utf-8"};
  }
  return {};
}

}  // namespace

Result<ErrorTemplate> ErrorTemplate::parse(std::string_view text) {
  ErrorTemplate made;
  if (text.empty()) return made;
  made.pieces_.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made.pieces_.back() += text[i];
      continue;
    }
    const char next = ++i < text.size() ? text[i] : '\0';
    if (next == '%') {
      made.pieces_.back() += '%';
    } else if (next == 's') {
      made.pieces_.emplace_back();
    } else {
      return fail(Errc::Invalid, "only %s and %% may follow a per cent sign");
    }
  }
  if (made.pieces_.size() < 2 || made.pieces_.size() > 3) {
    return fail(Errc::Invalid, "needs one %s for the message, and may have another for the request's id");
  }
  return made;
}

std::string ErrorTemplate::fill(std::string_view message, std::string_view request_id) const {
  std::string text = pieces_[0];
  text.append(message).append(pieces_[1]);
  if (pieces_.size() == 3) text.append(request_id).append(pieces_[2]);
  return text;
}

ErrorBody error_body(std::string_view accept, std::string_view fallback, std::string_view message,
                     std::string_view request_id, const ErrorTemplates* templates) {
  const Format format = choose(accept, fallback);
  if (templates != nullptr) {
    ErrorBody custom = from_template(*templates, format, message, request_id);
    if (!custom.content_type.empty()) return custom;
  }
  switch (format) {
    case Format::Json:
      return json_body(message, request_id);
    case Format::Html:
      return html_body(message, request_id);
    case Format::Xml:
      return xml_body(message, request_id);
    case Format::Plain:
      return plain_body(message, request_id);
  }
  return plain_body(message, request_id);
}

std::string default_message(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 406:
      return "Not acceptable";
    case 407:
      return "Proxy authentication required";
    case 408:
      return "Request timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length required";
    case 412:
      return "Precondition failed";
    case 413:
      return "Payload too large";
    case 414:
      return "URI too long";
    case 415:
      return "Unsupported media type";
    case 416:
      return "Range not satisfiable";
    case 417:
      return "Expectation failed";
    case 421:
      return "Misdirected request";
    case 426:
      return "Upgrade required";
    case 429:
      return "Too many requests";
    case 431:
      return "Request header fields too large";
    case 494:
      return "Request header or cookie too large";
    case 500:
      return "An unexpected error occurred";
    case 501:
      return "Not implemented";
    case 502:
      return "An invalid response was received from the upstream server";
    case 503:
      return "The upstream server is currently unavailable";
    case 504:
      return "The upstream server is timing out";
    case 505:
      return "HTTP version not supported";
    default:
      return "The upstream server responded with " + std::to_string(status);
  }
}

}  // namespace sluice::gateway
