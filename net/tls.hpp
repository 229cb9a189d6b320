// Private to net/: TLS contexts from files, and words for what goes wrong with sockets and TLS.
// TLS 1.3 only; no session resumption, so that every connection proves its certificate itself.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "libruntime/failure.hpp"
#include "net/asio.hpp"
#include "net/certificates.hpp"

namespace troupe::net {

using tls_context = std::shared_ptr<ssl::context>;

// Both check the files first. The peer must present a certificate of the same authority.
result<tls_context> server_context(const tls_files& files);
result<tls_context> client_context(const tls_files& files);
// Trusts the authorities of a PEM file or, where that is empty, those that the system trusts; the
// caller also sets the expected host name on the connection.
result<tls_context> public_client_context(const std::filesystem::path& authorities = {});

// Of the peer, after the handshake.
result<identity> peer_identity(SSL* connection);
// Prepares a connection to a public server: server name indication and the name to check.
bool expect_host(SSL* connection, const std::string& host);

// An error of a socket or of TLS as a failure: "<doing>: <what happened>".
failure socket_failure(const error_code& error, const std::string& doing);

std::string to_text(const tcp::endpoint& e);  // "127.0.0.1:7400", "[::1]:7400"

}  // namespace troupe::net
