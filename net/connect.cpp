// connect(): dial, then upgrade to a link.
#include "net/dial.hpp"
#include "net/endpoint.hpp"
#include "net/websocket_link.hpp"

namespace troupe::net {

void connect(io& io, connect_options options, const net_settings& settings,
             std::function<void(result<std::shared_ptr<link>>)> callback) {
  const auto by = clock::now() + options.deadline;
  const auto host = to_string(endpoint{options.host, options.port});
  dial_target target;
  target.host = options.host;
  target.port = options.port;
  target.security =
      options.tls ? dial_target::security::cluster : dial_target::security::plain_loopback;
  if (options.tls) target.files = *options.tls;
  target.roles = {role::head};
  target.deadline = by;
  dial(io.pool(), std::move(target),
       [pool = io.pool(), settings, by, host,
        callback = std::move(callback)](result<dialled> connected) mutable {
         if (!connected) return callback(tl::unexpected(std::move(connected.error())));
         link_seed seed{std::move(connected->stream),
                        peer_info{std::move(connected->identity), std::move(connected->address)},
                        settings, by, nullptr};
         websocket_link::handshake(pool, std::move(seed), host, std::move(callback));
       });
}

}  // namespace troupe::net
