#include "net/x509.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace troupe::net {

namespace {

using bio_ptr = std::unique_ptr<BIO, openssl_delete<BIO_free_all>>;
using number_ptr = std::unique_ptr<BIGNUM, openssl_delete<BN_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_delete<X509_EXTENSION_free>>;

// Clocks of a cluster's machines differ a little.
constexpr long clock_slack_seconds = 3600;
constexpr int serial_bits = 159;  // the most that fits in the 20 bytes RFC 5280 allows

tl::unexpected<failure> openssl_failure(const std::string& doing) {
  return fail(errc::internal, doing + ": " + openssl_words());
}

bool is_address(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// Names reach OpenSSL's configuration syntax, where a comma would begin another entry.
bool is_plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '*';
  });
}

bool add_entry(X509_NAME* name, const char* field, const std::string& text) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509& certificate, X509& issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool set_random_serial(X509& certificate) {
  const number_ptr number(BN_new());
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

// What every certificate of ours has: version, serial, validity, subject, key.
certificate_ptr begin_certificate(EVP_PKEY& key, const std::string& organisation,
                                  const std::string& common_name, std::chrono::seconds validity) {
  certificate_ptr c(X509_new());
  const bool ok = c && X509_set_version(c.get(), 2) == 1 && set_random_serial(*c) &&
                  X509_gmtime_adj(X509_getm_notBefore(c.get()), -clock_slack_seconds) &&
                  X509_gmtime_adj(X509_getm_notAfter(c.get()), validity.count()) &&
                  add_entry(X509_get_subject_name(c.get()), "O", organisation) &&
                  add_entry(X509_get_subject_name(c.get()), "CN", common_name) &&
                  X509_set_pubkey(c.get(), &key) == 1;
  return ok ? std::move(c) : nullptr;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  return text;
}

std::string take_text(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return std::string(data, static_cast<std::size_t>(std::max(size, 0L)));
}

bio_ptr open_text(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The only entry of that kind in the subject, if there is exactly one and it is plain text.
std::optional<std::string> only_entry(X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  const bool plain =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
  return plain && !text.empty() ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace

std::string openssl_words() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* words = code ? ERR_reason_error_string(code) : nullptr;
  return words ? words : "unknown error of OpenSSL";
}

result<credential> make_authority(const std::string& cluster, std::chrono::seconds validity) {
  credential c{key_ptr(EVP_EC_gen("P-256")), nullptr};
  if (!c.key) return openssl_failure("making a key");
  c.certificate = begin_certificate(*c.key, "troupe authority", cluster, validity);
  const bool ok =
      c.certificate &&
      X509_set_issuer_name(c.certificate.get(), X509_get_subject_name(c.certificate.get())) == 1 &&
      add_extension(*c.certificate, *c.certificate, NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") &&
      add_extension(*c.certificate, *c.certificate, NID_key_usage,
                    "critical,keyCertSign,cRLSign") &&
      add_extension(*c.certificate, *c.certificate, NID_subject_key_identifier, "hash") &&
      X509_sign(c.certificate.get(), c.key.get(), EVP_sha256()) > 0;
  if (!ok) return openssl_failure("making the certificate of the authority");
  return c;
}

result<credential> make_certificate(const certificate_request& request,
                                    const credential& authority) {
  if (request.owner.empty()) return fail(errc::invalid_argument, "a certificate needs an owner");
  for (const auto& name : request.names)
    if (!is_plain_name(name))
      return fail(errc::invalid_argument, "\"" + name + "\" is no host name or address");
  credential c{key_ptr(EVP_EC_gen("P-256")), nullptr};
  if (!c.key) return openssl_failure("making a key");
  c.certificate = begin_certificate(*c.key, std::string(to_string(request.role)), request.owner,
                                    request.validity);
  X509& issuer = *authority.certificate;
  // Heads and workers answer connections too, clients only make them.
  const char* use = request.role == role::client ? "clientAuth" : "serverAuth,clientAuth";
  const bool ok =
      c.certificate &&
      X509_set_issuer_name(c.certificate.get(), X509_get_subject_name(&issuer)) == 1 &&
      add_extension(*c.certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(*c.certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
      add_extension(*c.certificate, issuer, NID_ext_key_usage, use) &&
      add_extension(*c.certificate, issuer, NID_subject_key_identifier, "hash") &&
      add_extension(*c.certificate, issuer, NID_authority_key_identifier, "keyid") &&
      (request.names.empty() || add_extension(*c.certificate, issuer, NID_subject_alt_name,
                                              alternative_names(request.names))) &&
      X509_sign(c.certificate.get(), authority.key.get(), EVP_sha256()) > 0;
  if (!ok) return openssl_failure("making a certificate");
  return c;
}

std::string certificate_pem(const X509& certificate) {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), const_cast<X509*>(&certificate));
  return take_text(*bio);
}

std::string key_pem(const EVP_PKEY& key) {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), const_cast<EVP_PKEY*>(&key), nullptr, nullptr, 0, nullptr,
                           nullptr);
  return take_text(*bio);
}

certificate_ptr parse_certificate(std::string_view pem) {
  return certificate_ptr(PEM_read_bio_X509(open_text(pem).get(), nullptr, nullptr, nullptr));
}

key_ptr parse_key(std::string_view pem) {
  // Without a callback OpenSSL would ask the terminal for the passphrase of an encrypted key.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  return key_ptr(PEM_read_bio_PrivateKey(open_text(pem).get(), nullptr, no_passphrase, nullptr));
}

bool key_fits(const credential& c) {
  const bool fits = X509_check_private_key(c.certificate.get(), c.key.get()) == 1;
  ERR_clear_error();
  return fits;
}

bool signed_by(const X509& certificate, const X509& authority) {
  auto* key = X509_get0_pubkey(&authority);
  const bool ok = key && X509_verify(const_cast<X509*>(&certificate), key) == 1;
  ERR_clear_error();
  return ok;
}

validity validity_of(const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) <= 0) return validity::expired;
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) return validity::not_yet;
  return validity::now;
}

double lifetime_left(const X509& certificate) {
  const auto seconds = [](const ASN1_TIME* from, const ASN1_TIME* to) {
    int days = 0, rest = 0;
    return ASN1_TIME_diff(&days, &rest, from, to) == 1 ? days * 86400.0 + rest : 0.0;
  };
  const auto* end = X509_get0_notAfter(&certificate);
  const double whole = seconds(X509_get0_notBefore(&certificate), end);
  return whole > 0 ? std::clamp(seconds(nullptr, end) / whole, 0.0, 1.0) : 0.0;
}

std::string end_of_validity(const X509& certificate) {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), X509_get0_notAfter(&certificate));
  return take_text(*bio);
}

bool has_name(const X509& certificate, const std::string& name) {
  auto* c = const_cast<X509*>(&certificate);
  return is_address(name) ? X509_check_ip_asc(c, name.c_str(), 0) == 1
                          : X509_check_host(c, name.data(), name.size(), 0, nullptr) == 1;
}

result<identity> identity_of(const X509& certificate) {
  X509_NAME* subject = X509_get_subject_name(&certificate);
  const auto organisation = only_entry(subject, NID_organizationName);
  const auto owner = only_entry(subject, NID_commonName);
  if (!organisation || !owner)
    return fail(errc::unauthenticated,
                "the certificate's subject must have one O (the role) and one CN (the owner)");
  auto r = parse_role(*organisation);
  if (!r) return tl::unexpected(failure{errc::unauthenticated, r.error().message, {}});
  return identity{*r, *owner};
}

}  // namespace troupe::net
