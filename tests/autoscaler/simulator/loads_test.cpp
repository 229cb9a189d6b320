// Generated loads, random numbers, waits, axes.
#include "autoscaler/simulator/axis.hpp"
#include "autoscaler/simulator/bounds.hpp"
#include "autoscaler/simulator/plot.hpp"
#include "tests/autoscaler/simulator/rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::simulator::test {

namespace {

std::vector<submission> all_of(generated_load_settings g) {
  std::vector<submission> out;
  auto l = generate(g);
  while (auto s = l->next()) out.push_back(std::move(*s));
  return out;
}

std::size_t between(const std::vector<submission>& all, duration from, duration until) {
  std::size_t n = 0;
  for (const auto& s : all)
    if (s.at >= from && s.at < until) n += s.tasks.size();
  return n;
}

}  // namespace

TEST_CASE("generated loads have their shapes") {
  generated_load_settings g;
  g.length = 10h;
  g.rate = 1;
  g.shape = load_shape::step;
  auto step = all_of(g);
  CHECK(between(step, 0h, 1h) == 0);
  CHECK(between(step, 1h, 10h) == Approx(9 * 3600).epsilon(0.03));
  g.shape = load_shape::ramp;
  auto ramp = all_of(g);
  CHECK(between(ramp, 0h, 1h) < between(ramp, 4h, 5h) / 5);
  CHECK(between(ramp, 4h, 6h) == Approx(0.9 * 2 * 3600).epsilon(0.05));
  g.shape = load_shape::burst;
  g.period = 2h;
  auto burst = all_of(g);
  CHECK(std::count_if(burst.begin(), burst.end(), [](auto& s) { return s.tasks.size() == 720; }) ==
        5);
  g.shape = load_shape::diurnal;
  g.length = 48h;
  g.period = {};
  auto day = all_of(g);
  CHECK(between(day, 11h, 13h) > 10 * between(day, 23h, 25h));
}

TEST_CASE("times of a load never fall") {
  for (auto shape : load_shapes) {
    generated_load_settings g;
    g.shape = shape;
    duration last{};
    for (const auto& s : all_of(g)) {
      CHECK(s.at >= last);
      last = s.at;
    }
  }
}

TEST_CASE("spreads are read, written and drawn") {
  CHECK(to_string(*parse_spread("30s")) == "30s");
  CHECK(to_string(*parse_spread("20s-60s")) == "20s-1m");
  CHECK(to_string(*parse_spread("40s~2m")) == "40s~2m");
  for (auto bad : {"", "30", "60s-20s", "0s~1s", "1s~", "-", "a~b"}) CHECK_FALSE(parse_spread(bad));
  random_stream random(1, "test");
  const auto tailed = *parse_spread("40s~2m");
  int below = 0, above = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto d = tailed.draw(random);
    below += d < 40s;
    above += d > 2min;
  }
  CHECK(below == Approx(5000).margin(200));
  CHECK(above == Approx(100).margin(40));
}

TEST_CASE("nothing that is drawn is longer than a simulation can hold") {
  CHECK_FALSE(parse_spread("4000d"));
  CHECK_FALSE(parse_spread("1s-4000d"));
  random_stream random(1, "test");
  const auto wild = *parse_spread("1ns~3000d");
  for (int i = 0; i < 10'000; ++i) {
    const auto d = wild.draw(random);
    CHECK((d >= 0s && d <= longest_time));
  }
  CHECK(wild.mean() <= longest_time);
}

TEST_CASE("streams of random numbers are the same everywhere and independent by use") {
  random_stream a(1, "arrivals"), again(1, "arrivals"), b(1, "boots");
  const auto first = a.next();
  CHECK(first == again.next());
  CHECK(first != b.next());
}

TEST_CASE("percentiles of waits are those of the list, to a thousandth") {
  wait_record w;
  for (int i = 1; i <= 1000; ++i) w.add(std::chrono::milliseconds{i * 10});
  CHECK(w.percentile(0.5) == Approx(5).epsilon(0.002));
  CHECK(w.percentile(0.95) == Approx(9.5).epsilon(0.002));
  CHECK(w.percentile(1) == Approx(10));
  CHECK(w.mean() == Approx(5.005));
  wait_record none;
  CHECK(none.percentile(0.95) == 0);
  none.add(0s);
  CHECK(none.percentile(0.95) == 0);
}

TEST_CASE("axes have round steps and cover what is shown") {
  CHECK(axis_up_to(7, true).top == 8);
  CHECK(axis_up_to(0, true).top == 1);
  CHECK(axis_up_to(1234, false).ticks[1] == 500);
  CHECK(time_axis_up_to(3600).ticks[1] == 600);
  CHECK(time_axis_up_to(86400).ticks[1] == 3 * 3600 + 3600);
  CHECK(tick_text(0.5) == "0.5");
  CHECK(tick_text(25000) == "25k");
}

TEST_CASE("the time line has a few hundred samples, however long the run") {
  for (auto length : {10min, 600min}) {
    generated_load_settings g;
    g.length = length;
    g.rate = 0.1;
    rig r(one_pool(0, 5), generate(g));
    const auto o = r.run();
    CHECK(o.time_line.size() > 300);
    CHECK(o.time_line.size() <= 1201);
    CHECK(o.time_line.back().cost == Approx(o.cost));
    std::uint64_t started = 0;
    for (const auto& s : o.time_line) started += s.started;
    CHECK(started == o.tasks.finished);
    const auto csv = time_line_csv(o, true);
    CHECK(std::count(csv.begin(), csv.end(), '\n') ==
          static_cast<std::ptrdiff_t>(o.time_line.size()) + 1);
    CHECK(time_line_svg(o, "a <title> & more").find("a &lt;title> &amp; more") != std::string::npos);
  }
}

}  // namespace troupe::simulator::test
