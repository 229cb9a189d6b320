#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/endpoint.hpp"
#include "net/x509.hpp"

namespace troupe::net {

namespace {

// The lightest of TLS 1.3's suites first; the peer has the others if it must.
constexpr const char* suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

tl::unexpected<failure> context_failure(const std::string& doing) {
  return fail(errc::unauthenticated, doing + ": " + openssl_words());
}

result<void> load(ssl::context& context, const tls_files& files) {
  if (auto who = check_tls_files(files); !who) return tl::unexpected(who.error());
  auto* native = context.native_handle();
  const auto& file = files.certificate;
  if (SSL_CTX_use_certificate_chain_file(native, file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(native, file.c_str(), SSL_FILETYPE_PEM) != 1)
    return context_failure("can't use " + file.string());
  if (SSL_CTX_load_verify_locations(native, files.authority.c_str(), nullptr) != 1)
    return context_failure("can't use " + files.authority.string());
  return {};
}

tls_context new_context(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  auto* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(native, suites);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

result<tls_context> context_of(ssl::context::method method, const tls_files& files) {
  auto context = new_context(method);
  if (auto ok = load(*context, files); !ok) return tl::unexpected(ok.error());
  return context;
}

// Alerts and verification errors mean that somebody's certificate is not good enough; everything
// else that TLS finds wrong is a peer that doesn't speak it.
failure tls_failure(const error_code& error, const std::string& doing) {
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return {errc::unauthenticated, doing + ": the peer requires a certificate", {}};
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return {errc::unauthenticated,
              doing + ": the peer refuses this certificate: it is of another authority",
              {}};
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return {errc::unauthenticated, doing + ": the peer says this certificate has expired", {}};
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return {errc::unauthenticated, doing + ": the peer refuses this certificate's signature", {}};
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return {
          errc::unauthenticated, doing + ": the peer's certificate is not of this authority", {}};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return {errc::unauthenticated, doing + ": the peer has no certificate", {}};
    default:
      return {errc::protocol, doing + ": no TLS 1.3 spoken here: " + error.message(), {}};
  }
}

}  // namespace

result<tls_context> server_context(const tls_files& files) {
  return context_of(ssl::context::tls_server, files);
}

result<tls_context> client_context(const tls_files& files) {
  return context_of(ssl::context::tls_client, files);
}

result<tls_context> public_client_context(const std::filesystem::path& authorities) {
  auto context = new_context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (!authorities.empty()) {
    if (SSL_CTX_load_verify_locations(context->native_handle(), authorities.c_str(), nullptr) != 1)
      return context_failure("can't use " + authorities.string());
    return context;
  }
  if (SSL_CTX_set_default_verify_paths(context->native_handle()) != 1)
    return context_failure("can't use the system's certificate authorities");
  return context;
}

result<identity> peer_identity(SSL* connection) {
  const certificate_ptr certificate(SSL_get1_peer_certificate(connection));
  if (!certificate || SSL_get_verify_result(connection) != X509_V_OK)
    return fail(errc::unauthenticated, "the peer has no valid certificate");
  return identity_of(*certificate);
}

bool expect_host(SSL* connection, const std::string& host) {
  auto* parameters = SSL_get0_param(connection);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return true;
  ERR_clear_error();
  return SSL_set_tlsext_host_name(connection, host.c_str()) == 1 &&
         SSL_set1_host(connection, host.c_str()) == 1;
}

failure socket_failure(const error_code& error, const std::string& doing) {
  if (error.category() == asio::error::get_ssl_category()) return tls_failure(error, doing);
  if (error == asio::error::eof || error == ssl::error::stream_truncated)
    return {errc::unavailable, doing + ": the peer closed the connection", {}};
  if (error == asio::error::operation_aborted)
    return {errc::unavailable, doing + ": the connection was closed here", {}};
  if (error == asio::error::host_not_found || error == asio::error::no_data)
    return {errc::unavailable, doing + ": no host of this name is known", {}};
  return {errc::unavailable, doing + ": " + error.message(), {}};
}

std::string to_text(const tcp::endpoint& e) {
  return to_string(endpoint{e.address().to_string(), e.port()});
}

}  // namespace troupe::net
