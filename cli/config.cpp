// troupe config: the configuration, checked, shown and documented.
#include "cli/commands.hpp"

namespace troupe::cli {
namespace {

exit_code check(context& c, const std::string& file) {
  auto outcome = config::check(file, config::process_environment());
  if (c.out.is_json()) c.out.print_json(json{{"file", file}, {"ok", outcome.ok}, {"text", outcome.text}});
  else if (outcome.ok) { if (!c.out.is_quiet()) c.out.print(outcome.text); }
  else c.out.raw_error(outcome.text);
  return outcome.ok ? exit_code::done : exit_code::usage;
}

exit_code show(context& c, const std::string& file, bool of_cluster) {
  std::string yaml;
  if (of_cluster) {
    yaml = text_at(c.ask("config.show"), "yaml");
  } else {
    auto loaded = load_settings(c.out, file);
    if (c.out.is_json()) {
      c.out.line(config::show_json(loaded.settings));
      return exit_code::done;
    }
    yaml = config::show(loaded);
  }
  if (c.out.is_json()) c.out.print_json(json{{"yaml", yaml}});
  else c.out.print(yaml.ends_with('\n') ? yaml : yaml + '\n');
  return exit_code::done;
}

}  // namespace

void add_config(command_line& line) {
  auto* group = line.add("config", group_other, "Check, show and document the configuration",
                         "  troupe config check cluster.yaml\n"
                         "  troupe config show cluster.yaml     # with defaults and environment\n"
                         "  troupe config schema > troupe.schema.json");
  group->require_subcommand(1);

  auto file = std::make_shared<std::string>();
  auto* check_command = command_line::add(
      *group, "check", "Find every mistake of a file", "  troupe config check cluster.yaml\n\n"
      "Prints file:line:column of each; exit code 2 if there are any.");
  check_command->add_option("file", *file, "The cluster's YAML file")->required()->type_name("");
  line.run(check_command, [&line, file] { return check(line.c, *file); });

  auto* show_command = command_line::add(
      *group, "show", "Print the settings in effect, and where each comes from",
      "  troupe config show cluster.yaml\n"
      "  TROUPE_SCHEDULER_LISTEN=127.0.0.1:0 troupe config show cluster.yaml\n"
      "  troupe config show --cluster          # of the running cluster\n\n"
      "Environment overrides file overrides default. Secrets are hidden.");
  auto of_cluster = std::make_shared<bool>(false);
  auto* shown = show_command->add_option("file", *file, "A YAML file (default: what holds without)")
                    ->type_name("");
  show_command->add_flag("--cluster", *of_cluster, "Ask the running cluster")->excludes(shown);
  line.run(show_command, [&line, file, of_cluster] { return show(line.c, *file, *of_cluster); });

  auto* schema = command_line::add(*group, "schema", "Print a JSON Schema of the file, for editors",
                                   "  troupe config schema > troupe.schema.json");
  line.run(schema, [&line] {
    line.c.out.line(config::schema());
    return exit_code::done;
  });

  auto* reference = command_line::add(*group, "reference", "Print every option, as Markdown",
                                      "  troupe config reference | less");
  line.run(reference, [&line] {
    line.c.out.print(config::reference_markdown());
    return exit_code::done;
  });
}

}  // namespace troupe::cli
