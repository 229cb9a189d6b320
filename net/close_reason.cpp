#include "net/close_reason.hpp"

namespace troupe::net {

namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t max_reason_bytes = 123;  // RFC 6455, 5.5: 125 with the code

websocket::close_code close_code_of(errc code) {
  switch (code) {
    case errc::none:
      return websocket::close_code::normal;
    case errc::protocol:
    case errc::version_mismatch:
      return websocket::close_code::protocol_error;
    case errc::too_large:
      return websocket::close_code::too_big;
    case errc::forbidden:
    case errc::unauthenticated:
      return websocket::close_code::policy_error;
    case errc::overloaded:
      return websocket::close_code::try_again_later;
    case errc::unavailable:
      return websocket::close_code::going_away;
    default:
      return websocket::close_code::internal_error;
  }
}

// How many bytes the character at the beginning has; 0: it is not valid.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (size == 1) return 1;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : size;
}

}  // namespace

std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
  std::size_t end = 0;
  while (end < text.size()) {
    const auto size = character_size(text.substr(end));
    if (size == 0 || end + size > limit) break;
    end += size;
  }
  return text.substr(0, end);
}

websocket::close_reason encode_close_reason(const failure& why) {
  websocket::close_reason reason(close_code_of(why.code));
  if (why.code == errc::none) return reason;
  const auto text = std::string(to_string(why.code)) + ": " + why.message;
  const auto cut = utf8_prefix(text, max_reason_bytes);
  reason.reason.assign(cut.data(), cut.size());
  return reason;
}

failure decode_close_reason(const websocket::close_reason& reason, const std::string& doing) {
  const std::string_view text(reason.reason.data(), reason.reason.size());
  const auto colon = text.find(": ");
  if (colon != std::string_view::npos) {
    const auto name = text.substr(0, colon);
    const auto code = errc_from_string(name);
    if (to_string(code) == name && code != errc::none)
      return {code, doing + ": closed by the peer: " + std::string(text.substr(colon + 2)), {}};
  }
  if (reason.code == websocket::close_code::normal) return {errc::none, {}, {}};
  return {errc::unavailable,
          doing + ": closed by the peer" + (text.empty() ? "" : ": " + std::string(text)),
          {}};
}

}  // namespace troupe::net
