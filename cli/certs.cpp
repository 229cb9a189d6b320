// troupe certs: a cluster's own certificate authority, for people who manage certificates themselves.
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "net/certificates.hpp"

namespace troupe::cli {
namespace {

struct certs_flags {
  std::string folder = "certs", cluster = "troupe", owner, role = "worker", file;
  std::vector<std::string> names;
  std::uint32_t days = 730;
};

// Failures name the file themselves.
void or_fail(const result<void>& r) {
  if (!r) request_failed(words_of(r.error()));
}

exit_code init(context& c, const certs_flags& f) {
  net::authority_settings settings;
  settings.cluster = f.cluster;
  settings.owner = f.owner;
  settings.head_names = f.names;
  or_fail(net::ensure_authority(f.folder, settings));
  if (c.out.is_json()) c.out.print_json(json{{"folder", f.folder}});
  else if (c.out.is_quiet()) c.out.line(f.folder);
  else
    c.out.line("The authority and its certificates are in " + f.folder +
               "\n  ca.pem, ca.key   keep the key here: who has it may do anything"
               "\n  head.pem         for the machine of the scheduler"
               "\n  worker.pem       for machines of workers, with ca.pem"
               "\n  client.pem       for machines of users, with ca.pem"
               "\nName the folder in the file: security: {certs: " + f.folder + "}");
  return exit_code::done;
}

exit_code issue(context& c, const certs_flags& f) {
  net::certificate_request request;
  request.role = usage_or_throw(net::parse_role(f.role), "--role");
  request.owner = f.owner;
  request.names = f.names;
  request.validity = std::chrono::hours{24} * f.days;
  auto file = std::filesystem::absolute(f.file.empty() ? f.role + "-" + f.owner + ".pem" : f.file)
                  .lexically_normal()
                  .string();
  or_fail(net::issue_certificate(f.folder, request, file));
  if (c.out.is_json()) c.out.print_json(json{{"file", file}});
  else if (c.out.is_quiet()) c.out.line(file);
  else
    c.out.line("Wrote " + file + ": certificate and key of a " + f.role + " for " + f.owner +
               "; it is used with " + (std::filesystem::path(f.folder) / "ca.pem").string());
  return exit_code::done;
}

}  // namespace

void add_certs(command_line& line) {
  auto* group = line.add("certs", group_other, "Make certificates that you manage yourself",
                         "  troupe certs init --folder certs --host head.example\n"
                         "  troupe certs issue --folder certs --role client --owner ada\n\n"
                         "Not needed on one machine: troupe up makes its own.");
  group->require_subcommand(1);

  auto f = std::make_shared<certs_flags>();
  auto* init_command = command_line::add(
      *group, "init", "Make an authority, and a certificate for each role",
      "  troupe certs init --folder certs --host head.example --host 10.0.0.1\n\n"
      "What is there already is kept; what runs out soon is made anew.");
  init_command->add_option("--folder", f->folder, "Where (default: certs)")->type_name("FOLDER");
  init_command->add_option("--cluster-name", f->cluster, "In the authority's name, for people")
      ->type_name("NAME");
  init_command->add_option("--owner", f->owner, "Whose they are (default: this account)")
      ->type_name("USER");
  init_command->add_option("--host", f->names, "Name or address of the scheduler's machine")
      ->allow_extra_args(false)->type_name("HOST");
  line.run(init_command, [&line, f] { return init(line.c, *f); });

  auto* issue_command = command_line::add(
      *group, "issue", "One more certificate of the authority",
      "  troupe certs issue --role client --owner ada -o quiet\n"
      "  troupe certs issue --role worker --owner lab --days 30 --out lab.pem");
  issue_command->add_option("--folder", f->folder, "Of the authority (default: certs)")
      ->type_name("FOLDER");
  issue_command->add_option("--role", f->role, "head, worker or client (default: worker)")
      ->type_name("ROLE");
  issue_command->add_option("--owner", f->owner, "The user it speaks for")
      ->required()->type_name("USER");
  issue_command->add_option("--host", f->names, "Name or address it is for; may be repeated")
      ->allow_extra_args(false)->type_name("HOST");
  issue_command->add_option("--days", f->days, "How long it holds (default: 730)")
      ->check(in_range(1, 36500))->type_name("N");
  issue_command->add_option("--out", f->file, "The file (default: ROLE-OWNER.pem in the current folder)")
      ->type_name("FILE");
  line.run(issue_command, [&line, f] { return issue(line.c, *f); });
}

}  // namespace troupe::cli
