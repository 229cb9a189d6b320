// Private to net/: a failure as the reason of a WebSocket closing frame and back: "forbidden: only
// workers may …", cut to the 123 bytes that such a frame holds.
#pragma once

#include <string>
#include <string_view>

#include <boost/beast/websocket/rfc6455.hpp>

#include "libruntime/failure.hpp"

namespace troupe::net {

boost::beast::websocket::close_reason encode_close_reason(const failure& why);
// `doing` goes before the words of a peer that gave a reason: "<doing>: closed by the peer: …".
failure decode_close_reason(const boost::beast::websocket::close_reason& reason,
                            const std::string& doing);

// The longest part from the beginning that is valid UTF-8 and has at most `limit` bytes.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

}  // namespace troupe::net
