// See completions.hpp.
#include "cli/completions.hpp"

#include <set>
#include <vector>

#include "cli/commands.hpp"

namespace troupe::cli {
namespace {

// One place of the tree: "troupe autoscaler" and what may follow.
struct place {
  std::string path;
  std::vector<const CLI::App*> commands;
  std::vector<const CLI::Option*> options;
};

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) {
    return o->nonpositional() && !o->get_group().empty();
  });
}

void collect(const CLI::App& app, const std::string& path, std::vector<place>& out) {
  place p{path, {}, options_of(app)};
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_group().empty()) p.commands.push_back(sub);
  out.push_back(p);
  for (const auto* sub : p.commands) collect(*sub, path + " " + sub->get_name(), out);
}

std::vector<place> places_of(const CLI::App& app) {
  std::vector<place> out;
  collect(app, "troupe", out);
  return out;
}

std::string words_of(const place& p, const std::vector<const CLI::Option*>& common) {
  std::string words;
  std::set<std::string> seen;
  auto add = [&](const std::string& w) {
    if (seen.insert(w).second) words += (words.empty() ? "" : " ") + w;
  };
  for (const auto* c : p.commands) add(c->get_name());
  for (const auto* list : {&p.options, &common})
    for (const auto* o : *list) {
      for (const auto& n : o->get_lnames()) add("--" + n);
      for (const auto& n : o->get_snames()) add("-" + n);
    }
  return words;
}

// Commands whose argument is asked from the cluster, and how; silent where there is none.
constexpr auto dynamic_words = R"sh(
_troupe_names() {
  case "$1" in
    "troupe scale") troupe pools -o quiet 2>/dev/null ;;
    "troupe drain") troupe workers -o quiet 2>/dev/null ;;
    "troupe logs"|"troupe wait"|"troupe cancel"|"troupe retry"|"troupe explain"|"troupe tasks"|"troupe result")
      troupe jobs -o quiet 2>/dev/null ;;
  esac
}
)sh";

// A path grows only by words that are commands at that place.
std::string path_finder(const std::vector<place>& places) {
  std::string text = "_troupe_step() {\n  case \"$1 $2\" in\n    ";
  bool first = true;
  for (const auto& p : places)
    for (const auto* c : p.commands) {
      text += (first ? "\"" : "|\"") + p.path + " " + c->get_name() + "\"";
      first = false;
    }
  return text + ") return 0 ;;\n  esac\n  return 1\n}\n";
}

std::string words_table(const std::vector<place>& places, const CLI::App& app) {
  auto common = options_of(app);
  std::erase_if(common, [](const CLI::Option* o) { return o->check_lname("version"); });
  std::string text = "_troupe_words() {\n  case \"$1\" in\n";
  for (const auto& p : places)
    text += "    \"" + p.path + "\") echo \"" + words_of(p, &p == &places.front()
                ? std::vector<const CLI::Option*>{} : common) + "\" ;;\n";
  return text + "  esac\n}\n";
}

}  // namespace

std::string bash_completions(const CLI::App& app) {
  auto places = places_of(app);
  return "# bash completions of troupe. Load them with: source <(troupe completions bash)\n" +
         words_table(places, app) + path_finder(places) + dynamic_words + R"sh(
_troupe() {
  local word path=troupe i
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    [[ $word == -- ]] && return
    _troupe_step "$path" "$word" && path="$path $word"
  done
  COMPREPLY=()
  case "$previous" in
    -o|--output) COMPREPLY=($(compgen -W "table json quiet" -- "$current")); return ;;
    -f|--file|--args|--each-line|--from-json|--cluster|--stdin|--module|--out)
      compopt -o default 2>/dev/null; return ;;
    --cwd|--folder|--certs|--log-dir|--scratch) compopt -o dirnames 2>/dev/null; return ;;
    --pool) COMPREPLY=($(compgen -W "$(troupe pools -o quiet 2>/dev/null)" -- "$current")); return ;;
  esac
  COMPREPLY=($(compgen -W "$(_troupe_words "$path") $([[ $current != -* ]] && _troupe_names "$path")" -- "$current"))
  [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default 2>/dev/null
}
complete -F _troupe troupe
)sh";
}

std::string zsh_completions(const CLI::App& app) {
  auto places = places_of(app);
  return "#compdef troupe\n"
         "# zsh completions of troupe. Put this into a folder of $fpath as _troupe, or load it "
         "with:\n#   source <(troupe completions zsh)\n" +
         words_table(places, app) + path_finder(places) + dynamic_words + R"sh(
_troupe() {
  local word path_=troupe i
  local current="${words[CURRENT]}" previous="${words[CURRENT-1]}"
  for ((i = 2; i < CURRENT; i++)); do
    word="${words[i]}"
    [[ $word == -- ]] && return
    _troupe_step "$path_" "$word" && path_="$path_ $word"
  done
  case "$previous" in
    -o|--output) compadd table json quiet; return ;;
    -f|--file|--args|--each-line|--from-json|--cluster|--stdin|--module|--out) _files; return ;;
    --cwd|--folder|--certs|--log-dir|--scratch) _files -/; return ;;
    --pool) compadd -- ${(f)"$(troupe pools -o quiet 2>/dev/null)"}; return ;;
  esac
  compadd -- ${=$(_troupe_words "$path_")}
  [[ $current != -* ]] && compadd -- ${(f)"$(_troupe_names "$path_")"}
  _files
}
if [[ $funcstack[1] == _troupe ]]; then _troupe "$@"; else compdef _troupe troupe; fi
)sh";
}

void add_completions(command_line& line) {
  auto* command = line.add("completions", group_other, "Print completions for a shell",
                           "  source <(troupe completions bash)      # in ~/.bashrc\n"
                           "  troupe completions zsh > ~/.zfunc/_troupe");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash or zsh")
      ->required()->check(one_of({"bash", "zsh"}))->type_name("");
  line.run(command, [&line, shell] {
    line.c.out.print(*shell == "bash" ? bash_completions(line.app) : zsh_completions(line.app));
    return exit_code::done;
  });
}

}  // namespace troupe::cli
