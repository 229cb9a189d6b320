// What is made from the tables for people and editors: show, schema, reference.
#include <regex>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "config/yaml.hpp"
#include "libruntime/settings_options.hpp"
#include "tests/config/files.hpp"

namespace troupe {
namespace {

using namespace testing;
using nlohmann::json;
using shape = option_value::shape;

constexpr const char* full = R"(
cluster: {name: demo, state_dir: "/tmp/a: b # c"}
scheduler: {http: off, log_level: debug}
security: {tls: on}
autoscaler: {tolerance: 0.25, scale_up: {policies: [{type: percent, value: 100, period: 1m}]}}
pools:
  - name: a
    provider: {type: fake, capacity: 3, failure_rate: 0.125, failure: quota}
    max: 3
    cost_per_hour: 0.0125
    worker:
      memory: 1.5GiB
      resources: {GPU: 2, licence: 0.5}
      modules: [/a.so, "/b, c.so"]
      env: {LANG: C, EMPTY: "", QUOTE: "a \"b\" \\ c\n", YES: "yes", TOKEN_FILE: /x}
    autoscaler: {scale_down: {idle_timeout: 90s}}
  - name: b
    provider: {type: threads}
)";

config::loaded load(const std::string& yaml, const config::environment& variables = {}) {
  auto result = config::load_text(yaml, "f.yaml", variables);
  if (!result) FAIL(config::to_text(result.error()));
  return *result;
}

TEST_CASE("what is shown loads as the same settings") {
  for (std::string yaml :
       {std::string{""}, std::string{"pools: []"}, replaced(full, ", TOKEN_FILE: /x", "")}) {
    auto first = load(yaml);
    auto second = load(config::show(first));
    CHECK(config::show_json(second.settings) == config::show_json(first.settings));
  }
}

TEST_CASE("each value is shown with where it came from") {
  auto text = config::show(load(full, {{"TROUPE_POOLS_A_MIN", "1"}}));
  auto has = [&](const std::string& line) {
    return std::regex_search(text, std::regex{"(^|\n) *(- )?" + line + "(\n|$)"});
  };
  CHECK(has("name: demo +# f.yaml:2"));
  CHECK(has("listen: 127.0.0.1:7400 +# default"));
  CHECK(has("http: \"off\" +# f.yaml:3"));
  CHECK(has("min: 1 +# environment TROUPE_POOLS_A_MIN"));
  CHECK(has("name: a +# f.yaml:7"));
  CHECK(has("idle_timeout: 90s +# f.yaml:16"));
  CHECK(has("# autoscaler: as the cluster's autoscaler"));  // of pool b
}

TEST_CASE("secrets are shown neither as YAML nor as JSON") {
  auto l = load("pools: [{name: a, worker: {env: {API_TOKEN: hunter2, my_password: hunter2}}}]",
                {{"TROUPE_POOLS_A_WORKER_ENV_AWS_SECRET_ACCESS_KEY", "hunter2"}});
  CHECK(l.settings.pools.at(0).worker.env.at("API_TOKEN") == "hunter2");
  for (const auto& text : {config::show(l), config::show_json(l.settings)}) {
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find("<hidden>") != std::string::npos);
  }
  // And what was hidden is not taken for a value.
  CHECK_FALSE(config::load_text(config::show(l), "f.yaml", {}));
}

// ---- schema ----

// The part of JSON Schema that ours uses.
bool has_type(const json& v, const json& type) {
  if (type.is_array()) {
    return std::any_of(type.begin(), type.end(), [&](const auto& t) { return has_type(v, t); });
  }
  if (type == "integer") return v.is_number_integer();
  if (type == "number") return v.is_number();
  if (type == "string") return v.is_string();
  if (type == "boolean") return v.is_boolean();
  if (type == "object") return v.is_object();
  if (type == "array") return v.is_array();
  return type == "null" && v.is_null();
}

bool matches(const std::string& text, const json& pattern) {
  return std::regex_search(text, std::regex{pattern.get<std::string>()});
}

bool valid(const json& v, const json& schema);

bool valid_object(const json& v, const json& schema) {
  for (const auto& name : schema.value("required", json::array())) {
    if (!v.contains(name.get<std::string>())) return false;
  }
  auto properties = schema.value("properties", json::object());
  for (const auto& [key, child] : v.items()) {
    if (schema.contains("propertyNames") && !matches(key, schema["propertyNames"]["pattern"])) {
      return false;
    }
    if (properties.contains(key)) {
      if (!valid(child, properties[key])) return false;
      continue;
    }
    bool own = schema.contains("patternProperties") && key.starts_with("x-");
    if (own || !schema.contains("additionalProperties")) continue;
    const auto& more = schema["additionalProperties"];
    if (more.is_boolean() ? !more.get<bool>() : !valid(child, more)) return false;
  }
  return true;
}

bool valid(const json& v, const json& schema) {
  if (schema.contains("type") && !has_type(v, schema["type"])) return false;
  if (schema.contains("const") && v != schema["const"]) return false;
  if (schema.contains("enum")) {
    const auto& all = schema["enum"];
    if (std::find(all.begin(), all.end(), v) == all.end()) return false;
  }
  if (v.is_number() && schema.contains("minimum") && v < schema["minimum"]) return false;
  if (v.is_number() && schema.contains("maximum") && v > schema["maximum"]) return false;
  if (v.is_string() && schema.contains("pattern") && !matches(v, schema["pattern"])) return false;
  for (const auto* word : {"anyOf", "oneOf"}) {
    if (!schema.contains(word)) continue;
    auto n = std::count_if(schema[word].begin(), schema[word].end(),
                           [&](const auto& s) { return valid(v, s); });
    if (n == 0 || (std::string{word} == "oneOf" && n != 1)) return false;
  }
  if (v.is_array() && schema.contains("items")) {
    for (const auto& item : v) {
      if (!valid(item, schema["items"])) return false;
    }
  }
  return !v.is_object() || valid_object(v, schema);
}

// A tree as a YAML reader with the core schema sees it.
json plain(const option_value& v) {
  if (v.is == shape::nothing) return nullptr;
  if (v.is == shape::scalar) {
    auto number = v.quoted ? json(json::value_t::discarded) : json::parse(v.text, nullptr, false);
    return number.is_discarded() || number.is_string() ? json(v.text) : number;
  }
  json out = v.is == shape::list ? json::array() : json::object();
  for (const auto& child : v.children) {
    if (v.is == shape::list) out.push_back(plain(child));
    if (v.is == shape::map) out[child.key] = plain(child);
  }
  return out;
}

json as_json(const std::string& yaml) {
  option_report report;
  auto tree = config::read_yaml(yaml, "f", report);
  REQUIRE(tree);
  return plain(*tree);
}

TEST_CASE("the schema accepts what loading accepts") {
  auto schema = json::parse(config::schema());
  CHECK(valid(as_json(full), schema));
  CHECK(valid(as_json(config::show(load(full))), schema));
  CHECK(valid(as_json(config::show(load(""))), schema));
  CHECK(valid(as_json(""), schema));
  CHECK(valid(as_json("autoscaler: {scale_up: {stabilization: 0}}"), schema));
  for (const auto& entry : std::filesystem::directory_iterator{source_dir() / "config/examples"}) {
    INFO(entry.path().string());
    CHECK(valid(as_json(read_text(entry.path())), schema));
  }
}

TEST_CASE("the schema refuses bad files, but for what only loading can know") {
  // Between options, places that a schema can't compare, and bounds of quantities with units.
  const std::vector<std::string> only_loading{
      "bad-prometheus",          "bad-resources",      "bad-schedule-of-all",
      "control-characters",      "duration-out-of-bounds", "hidden-value-put-back",
      "http-for-everybody",      "min-above-max",      "no-tls-for-everybody",
      "one-address-for-two",     "option-twice",       "pool-twice",
      "signals-without-a-server", "thresholds-in-disorder"};
  auto schema = json::parse(config::schema());
  for (const auto& entry : std::filesystem::directory_iterator{source_dir() / "tests/config/bad"}) {
    auto name = entry.path().stem().string();
    if (entry.path().extension() != ".yaml") continue;
    if (std::find(only_loading.begin(), only_loading.end(), name) != only_loading.end()) continue;
    option_report report;
    auto tree = config::read_yaml(read_text(entry.path()), "f", report);
    if (!tree || !report.ok()) continue;  // not YAML that we take
    INFO(name);
    CHECK_FALSE(valid(plain(*tree), schema));
  }
}

void check_described(const option_section& section, const json& schema, const std::string& path) {
  for (const auto& o : section.options) {
    INFO(path + o.info.name);
    CHECK(o.info.text.size() > 10);
    CHECK(o.info.text.back() == '.');
    REQUIRE(schema.contains("properties"));
    REQUIRE(schema["properties"].contains(o.info.name));
    const auto& of_option = schema["properties"][o.info.name];
    CHECK(of_option["description"].get<std::string>().starts_with(o.info.text));
    if (o.info.kind == option_kind::section) {
      check_described(*o.info.nested, of_option, path + o.info.name + ".");
    }
    if (o.info.kind == option_kind::sections) {
      check_described(*o.info.nested, of_option["items"], path + o.info.name + "[].");
    }
  }
}

TEST_CASE("every option is described, in the schema too") {
  check_described(*cluster_options().section(), json::parse(config::schema()), "");
}

TEST_CASE("the schema says the defaults, but not where a pool takes them from the cluster") {
  auto properties = json::parse(config::schema())["properties"];
  CHECK(properties["scheduler"]["properties"]["listen"]["default"] == "127.0.0.1:7400");
  CHECK(properties["scheduler"]["properties"]["crash_limit"]["default"] == 3);
  auto pool = properties["pools"]["items"]["properties"];
  CHECK(pool["max"]["default"] == "unlimited");
  CHECK_FALSE(pool["name"].contains("default"));
  CHECK_FALSE(pool["autoscaler"]["properties"]["target_duration"].contains("default"));
}

TEST_CASE("the pattern and the check of a form agree") {
  std::regex pattern{std::string{label_form.pattern}};
  for (std::string text : {"a", "a-b", "0", "local", "-a", "a-", "A", "a_b", "", "a b", "ä"}) {
    INFO(text);
    CHECK(std::regex_match(text, pattern) == is_label(text));
  }
  for (std::size_t n : {62, 63, 64}) {
    CHECK(std::regex_match(std::string(n, 'a'), pattern) == is_label(std::string(n, 'a')));
  }
}

// ---- reference ----

TEST_CASE("the reference page is what the tables say") {
  check_same_as_file(source_dir() / "docs/configuration.md", config::reference_markdown());
}

}  // namespace
}  // namespace troupe
