// See program.hpp.
#include "cli/program.hpp"

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "cli/version.hpp"

namespace troupe::cli {
namespace {

void add_common_options(CLI::App& app, context& c) {
  app.add_option("--address", c.common.address,
                 "The cluster (default: TROUPE_ADDRESS, else the one started last)")
      ->type_name("HOST:PORT");
  app.add_option("--certs", c.common.certificates,
                 "Folder with its ca.pem and client.pem (default: TROUPE_CERTS)")
      ->type_name("FOLDER");
  auto format = [&c](const std::string& word) {
    c.out.format = word == "json"    ? output_format::json
                   : word == "quiet" ? output_format::quiet
                                     : output_format::table;
  };
  app.add_option_function<std::string>("-o,--output", format,
                                       "table (default), json, or quiet: only ids")
      ->check(one_of({"table", "json", "quiet"}))
      ->type_name("FORMAT");
  app.set_version_flag("--version", software, "Print the version");
}

const CLI::App* deepest(const CLI::App& app) {
  auto chosen = app.get_subcommands();
  return chosen.empty() ? &app : deepest(*chosen.front());
}

std::vector<std::string> names_of_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* o : app.get_options())
    for (const auto& n : o->get_lnames()) names.push_back("--" + n);
  return names;
}

// What the user may have meant by what was not expected.
std::string explain_extras(const CLI::App& app) {
  const auto* where = deepest(app);
  auto extras = app.remaining(true);
  if (extras.empty()) return "there is an argument too many";
  const auto& word = extras.front();
  std::vector<std::string> known;
  std::string kind;
  if (word.starts_with("-")) {
    kind = "there is no option ";
    known = names_of_options(*where);
    auto common = names_of_options(app);
    known.insert(known.end(), common.begin(), common.end());
  } else if (!where->get_subcommands([](const CLI::App*) { return true; }).empty()) {
    kind = "there is no command ";
    for (const auto* s : where->get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(s->get_name());
  } else if (where->get_name() == "submit") {
    return "put -- before the command: troupe submit … -- " + one_line(word) + " …";
  } else {
    return in_quotes(word) + " is an argument too many";
  }
  auto name = word.substr(0, word.find('='));
  auto hint = did_you_mean(name, known);
  return kind + in_quotes(name) + hint;
}

std::string names_of_commands(const CLI::App& app) {
  std::string list;
  for (const auto* s : app.get_subcommands([](const CLI::App*) { return true; }))
    list += (list.empty() ? "" : ", ") + s->get_name();
  return list;
}

std::string command_name(const CLI::App* app) {
  std::string name;
  for (; app; app = app->get_parent())
    name = app->get_name() + (name.empty() ? "" : " " + name);
  return name;
}

// Help and version go to stdout with exit code 0; everything else is bad usage.
exit_code report_parse_error(const CLI::App& app, const CLI::ParseError& e, output& out) {
  const auto* where = deepest(app);
  if (dynamic_cast<const CLI::CallForHelp*>(&e)) {
    out.print(where->help(where->get_parent() ? command_name(where->get_parent()) : ""));
    return exit_code::done;
  }
  if (dynamic_cast<const CLI::CallForVersion*>(&e)) {
    out.line(software);
    return exit_code::done;
  }
  std::string words = e.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&e)) words = explain_extras(app);
  if (auto commands = names_of_commands(*where); !commands.empty() && app.remaining(true).empty())
    words = "which one: " + commands + "?";
  out.error(words + "\n  see: " + command_name(where) + " --help");
  return exit_code::usage;
}

exit_code run_action(command_line& line) {
  auto& out = line.c.out;
  try {
    auto code = line.action();
    out.clear_progress();
    return code;
  } catch (const broken_pipe&) {
    return exit_code::broken_pipe;
  } catch (const command_error& e) {
    out.error(e.what());
    return e.code();
  } catch (const troupe::error& e) {
    out.error(words_of(e.why()));
    return e.code() == errc::unavailable ? exit_code::no_cluster : exit_code::failed;
  } catch (const std::exception& e) {
    out.error(std::string{"this should not happen: "} + e.what());
    return exit_code::failed;
  }
}

exit_code parse_and_run(const std::vector<std::string>& arguments, output& out,
                        services& outside) {
  context c(out, outside);
  auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> words(arguments.begin(), dashes);
  if (dashes != arguments.end()) c.trailing.assign(dashes + 1, arguments.end());

  CLI::App app("Runs tasks and graphs of tasks on clusters that grow and shrink with the work.",
               "troupe");
  app.require_subcommand(0, 1);
  app.fallthrough();  // common options may stand after the command
  add_common_options(app, c);
  app.footer("Exit codes: 0 done, 1 the task or request failed, 2 bad usage or configuration,\n"
             "3 no cluster reached. Help on a command: troupe COMMAND --help");
  command_line line{app, c, {}};
  add_all_commands(line);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    return report_parse_error(app, e, out);
  }
  if (!line.action) {
    out.print(app.help());
    return exit_code::usage;
  }
  const auto* chosen = deepest(app);
  auto takes_trailing = chosen->get_name() == "submit" || chosen->get_name() == "call";
  if (dashes != arguments.end() && !takes_trailing) {
    out.error("nothing may stand after -- here; see: " + command_name(chosen) + " --help");
    return exit_code::usage;
  }
  return run_action(line);
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, output& out, services& outside) {
  try {
    return static_cast<int>(parse_and_run(arguments, out, outside));
  } catch (const broken_pipe&) {  // while help was printed
    return static_cast<int>(exit_code::broken_pipe);
  }
}

}  // namespace troupe::cli
