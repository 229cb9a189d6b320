// Private to net/: keys and certificates through OpenSSL, without files. Knows what this project
// puts into a certificate and what it reads back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "libruntime/failure.hpp"
#include "net/certificates.hpp"

namespace troupe::net {

template <auto Free>
struct openssl_delete {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_delete<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, openssl_delete<X509_free>>;

struct credential {
  key_ptr key;
  certificate_ptr certificate;
};

// Takes the oldest error off OpenSSL's queue and empties it: "key values mismatch".
std::string openssl_words();

// A new P-256 key and a certificate that signs itself.
result<credential> make_authority(const std::string& cluster, std::chrono::seconds validity);
// A new P-256 key and a certificate that `authority` signs.
result<credential> make_certificate(const certificate_request& request,
                                    const credential& authority);

std::string certificate_pem(const X509& certificate);
std::string key_pem(const EVP_PKEY& key);
// Null if the text holds none; never asks for a passphrase.
certificate_ptr parse_certificate(std::string_view pem);
key_ptr parse_key(std::string_view pem);

bool key_fits(const credential& c);
bool signed_by(const X509& certificate, const X509& authority);

enum class validity { now, not_yet, expired };
validity validity_of(const X509& certificate);
// Of its whole lifetime, 0 to 1.
double lifetime_left(const X509& certificate);
std::string end_of_validity(const X509& certificate);  // "Jan  2 15:04:05 2030 GMT"

bool has_name(const X509& certificate, const std::string& name);  // host name or address

// Exactly one O that is a role and one CN; refuses anything else.
result<identity> identity_of(const X509& certificate);

}  // namespace troupe::net
