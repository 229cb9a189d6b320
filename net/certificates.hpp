// A private certificate authority for one cluster, in a directory (0700): who holds a certificate
// of it may speak to the cluster, in the role and for the owner that its subject names (O=role,
// CN=owner). Files are written by rename; keys are 0600. Blocking file work: not for io threads.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/role.hpp"
#include "libruntime/time.hpp"

namespace troupe::net {

using protocol::role;

std::string_view to_string(role r);              // "worker"
result<role> parse_role(std::string_view text);  // of a certificate: exactly these three words

// Who runs this process: the owner of what it starts, where nobody else is named.
std::string account_name();

// What a certificate says about its holder.
struct identity {
  net::role role{};
  std::string owner;  // a user name, never empty

  friend bool operator==(const identity&, const identity&) = default;
};

// Where one side of a TLS connection finds its proof. `certificate` holds certificate and key.
struct tls_files {
  std::filesystem::path authority;
  std::filesystem::path certificate;

  friend bool operator==(const tls_files&, const tls_files&) = default;
};

struct authority_settings {
  std::string cluster = "troupe";       // in the authority's subject, for people
  std::string owner;                    // of the certificates; empty: the account's name
  std::vector<std::string> head_names;  // names and addresses of the head beyond the loopback ones
  std::chrono::hours authority_validity = std::chrono::hours{24} * 3650;
  std::chrono::hours certificate_validity = std::chrono::hours{24} * 730;
};

// The files of a directory: ca.pem, ca.key, head.pem, worker.pem, client.pem.
tls_files files_in(const std::filesystem::path& dir, role r);

// Makes what is missing and checks what is there. Certificates that are damaged by time (less than
// a third of their validity left, or a head that got new names) are made anew from the same
// authority. Failures name the file: not ours to read, open to others, key of another certificate,
// authority expired. Safe against a second process that does the same.
result<void> ensure_authority(const std::filesystem::path& dir, const authority_settings& settings);

// One more certificate of the authority in `dir`, written to `file` (0600).
struct certificate_request {
  net::role role = role::worker;
  std::string owner;
  std::vector<std::string> names = {};  // subject alternative names: host names or addresses
  std::chrono::hours validity = std::chrono::hours{24} * 730;
};
result<void> issue_certificate(const std::filesystem::path& dir, const certificate_request& request,
                               const std::filesystem::path& file);

// The same as PEM text (certificate, then key), for a worker that trades its launch token for one.
result<std::string> issue_certificate_pem(const std::filesystem::path& dir,
                                          const certificate_request& request);

// Readable, not open to others, certificate and key fit, signed by the authority, in its validity.
result<identity> check_tls_files(const tls_files& files);

}  // namespace troupe::net
