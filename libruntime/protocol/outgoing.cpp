#include "libruntime/protocol/outgoing.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include "libruntime/protocol/split.hpp"
#include "libruntime/protocol/wire.hpp"

namespace troupe::protocol {
namespace {

constexpr std::size_t chunk_header = 24;               // at most, of a blob_data message
constexpr std::size_t smallest_blob = 1024;            // of a message with too many smaller values

// Tasks and jobs share one space of keys: a task's job is never 0.
std::uint64_t key_of(task_id t) { return std::uint64_t{t.job.value} << 32 | t.index; }
std::uint64_t key_of(job_id j) { return j.value; }

bool any_above(std::size_t limit, const assignment& a) {
  return a.arguments.size() > limit ||
         std::any_of(a.inputs.begin(), a.inputs.end(),
                     [limit](const value& v) { return v.size() > limit; });
}
bool any_above(std::size_t limit, const task_result& r) { return r.result.size() > limit; }

// Moves the elements for which `p` holds out of the list; both parts keep their order.
template <class T, class P>
std::vector<T> take_if(std::vector<T>& v, P p) {
  auto from = std::stable_partition(v.begin(), v.end(), [&](const T& x) { return !p(x); });
  std::vector<T> out(std::make_move_iterator(from), std::make_move_iterator(v.end()));
  v.erase(from, v.end());
  return out;
}

}  // namespace

std::span<const std::byte> outgoing::blob::bytes() const {
  return kind == blob_kind::value ? held.data() : wire::as_bytes(owned);
}

// ---- queueing ---------------------------------------------------------------------------------

outgoing::lane_name outgoing::lane_of(const message& m) const {
  return std::visit(
      [this](const auto& x) {
        using T = std::decay_t<decltype(x)>;
        if constexpr (one_of<T, open_job, define_template, add_tasks, close_job, release_results,
                             worker_template, assign, recall, cancel_attempts, finished,
                             results>) {
          return ordered;
        } else if constexpr (std::is_same_v<T, cancel>) {
          // Single tasks may still be on their way there; a job is known once it has an id.
          return x.tasks.empty() ? urgent : ordered;
        } else if constexpr (std::is_same_v<T, request>) {
          return x.method == ordered_request ? ordered : urgent;
        } else if constexpr (std::is_same_v<T, job_finished>) {
          return bulk_keys_.contains(key_of(x.job)) ? bulk : ordered;
        } else if constexpr (std::is_same_v<T, goodbye>) {
          return bulk;  // after everything
        } else {
          return urgent;
        }
      },
      m);
}

result<void> outgoing::send(message m) {
  if (queued_ > settings_.max_queued)
    return fail(errc::overloaded, "the peer doesn't read: " + std::to_string(queued_) +
                                      " bytes wait for it");
  std::vector<prepared> list;
  if (!bulk_keys_.empty()) {
    if (auto followers = take_followers(m)) {
      if (auto done = prepare(std::move(*followers), bulk, list); !done) return done;
      if (item_count(m) == 0) return push_all(std::move(list));
    }
  }
  auto where = lane_of(m);
  if (where == bulk || !list.empty() || !append_small(where, m)) {
    if (auto done = prepare(std::move(m), where, list); !done) return done;
  }
  return push_all(std::move(list));
}

// The hot path: encodes into the last batch of the lane. False, with nothing changed, for a message
// that is long or has big values.
bool outgoing::append_small(lane_name where, const message& m) {
  auto& entries = lanes_[where].entries;
  bool fresh = entries.empty() || !entries.back().blobs.empty() ||
               entries.back().bytes.size() >= settings_.batch;
  if (fresh) push({where, {}});
  auto& bytes = entries.back().bytes;
  auto before = bytes.size();
  blob_sink sink{settings_.inline_value, next_blob_, {}};
  encode(m, bytes, &sink);
  auto size = bytes.size() - before;
  if (!sink.values.empty() || size > settings_.batch) {
    bytes.resize(before);
    if (fresh) entries.pop_back(), --lanes_[where].pushed;
    return false;
  }
  queued_ += size;
  if (bytes.size() > settings_.batch && before > 0) {
    auto moved = bytes.substr(before);
    bytes.resize(before);
    push({where, {}});
    entries.back().bytes = std::move(moved);
  }
  return true;
}

// A recall or cancellation of tasks whose assignment waits in the bulk lane must not overtake it:
// takes those items out of the message.
std::optional<message> outgoing::take_followers(message& m) const {
  auto waits = [this](const attempt_reference& r) { return bulk_keys_.contains(key_of(r.task)); };
  message followers;
  if (auto* r = std::get_if<recall>(&m)) {
    followers = recall{take_if(r->items, waits)};
  } else if (auto* c = std::get_if<cancel_attempts>(&m)) {
    followers = cancel_attempts{take_if(c->items, waits), c->reason};
  }
  if (item_count(followers) == 0) return std::nullopt;
  return followers;
}

// Turns a message into entries: items with big values on their own, long lists in pieces.
result<void> outgoing::prepare(message m, lane_name where, std::vector<prepared>& out) {
  if (auto done = prepare_items(m, out); !done) return done;
  if (auto had = item_count(m); had == 0 && (std::holds_alternative<assign>(m) ||
                                             std::holds_alternative<results>(m)))
    return {};
  auto e = make_entry(m);
  if (!e) return tl::unexpected{std::move(e.error())};
  if (auto n = item_count(m); e->bytes.size() > settings_.batch && n > 1) {
    auto rest = split_off(m, n / 2);
    if (auto done = prepare(std::move(m), where, out); !done) return done;
    return prepare(std::move(rest), where, out);
  }
  if (e->bytes.size() > settings_.batch) {
    if (e->bytes.size() > settings_.max_message || e->items > settings_.max_message_items)
      return fail(errc::too_large,
                  "a message of " + std::to_string(e->bytes.size()) + " bytes and " +
                      std::to_string(e->items) + " items; at most " +
                      std::to_string(settings_.max_message) + " and " +
                      std::to_string(settings_.max_message_items));
    blob b;
    b.number = next_blob_++;
    b.kind = blob_kind::message;
    b.owned = std::move(e->bytes);
    e->bytes.clear();
    e->blobs.push_back(std::move(b));
  }
  bool unordered = std::holds_alternative<request>(m) || std::holds_alternative<response>(m);
  if (unordered && !e->blobs.empty()) where = bulk;
  out.push_back({where, std::move(*e)});
  return {};
}

// Takes the items with big values out of an assign or results: each goes alone in the bulk lane, so
// that it holds up nobody else's.
result<void> outgoing::prepare_items(message& m, std::vector<prepared>& out) {
  auto alone = [&](message single, std::uint64_t key) -> result<void> {
    auto e = make_entry(single);
    if (!e) return tl::unexpected{std::move(e.error())};
    e->keys = {key};
    out.push_back({bulk, std::move(*e)});
    return {};
  };
  auto big = [this](const auto& item) { return any_above(settings_.inline_value, item); };
  if (auto* a = std::get_if<assign>(&m)) {
    for (auto& item : take_if(a->items, big)) {
      auto key = key_of(item.task);
      if (auto done = alone(assign{{std::move(item)}}, key); !done) return done;
    }
  } else if (auto* r = std::get_if<results>(&m)) {
    for (auto& item : take_if(r->items, big)) {
      if (auto done = alone(results{r->key, r->job, {std::move(item)}}, key_of(r->job)); !done)
        return done;
    }
  }
  return {};
}

result<outgoing::entry> outgoing::make_entry(const message& m) {
  entry e;
  blob_sink sink{settings_.inline_value, next_blob_, {}};
  e.items = encode(m, e.bytes, &sink);
  // Thousands of values that are each too small to go apart may be too much together.
  while (e.bytes.size() > settings_.max_message && item_count(m) <= 1 &&
         sink.threshold > smallest_blob) {
    sink = {std::max(sink.threshold / 8, smallest_blob), next_blob_, {}};
    e.bytes.clear();
    e.items = encode(m, e.bytes, &sink);
  }
  if (sink.values.size() > settings_.max_incoming_blobs)
    return fail(errc::too_large, "a message with " + std::to_string(sink.values.size()) +
                                     " large values; at most " +
                                     std::to_string(settings_.max_incoming_blobs));
  next_blob_ = sink.next;
  for (auto& [number, v] : sink.values) {
    if (v.size() > settings_.max_blob)
      return fail(errc::too_large, "a value of " + std::to_string(v.size()) +
                                       " bytes; at most " + std::to_string(settings_.max_blob));
    blob b;
    b.number = number;
    b.held = std::move(v);
    e.blobs.push_back(std::move(b));
  }
  return e;
}

result<void> outgoing::push_all(std::vector<prepared> list) {
  for (auto& p : list) push(std::move(p));
  return {};
}

void outgoing::push(prepared p) {
  queued_ += p.what.bytes.size();
  for (const auto& b : p.what.blobs) {
    if (b.kind == blob_kind::value) queued_blobs_ += b.held.size();
    if (b.kind == blob_kind::message) queued_ += b.owned.size();
  }
  if (p.where == bulk) {
    p.what.after = lanes_[ordered].pushed;
    for (auto key : p.what.keys) ++bulk_keys_[key];
  }
  ++lanes_[p.where].pushed;
  lanes_[p.where].entries.push_back(std::move(p.what));
}

bool outgoing::answer(ping p) {
  if (pongs_.size() >= settings_.max_unanswered_pings) return false;
  pongs_.push_back(p.number);
  return true;
}

void outgoing::granted(std::uint32_t number, std::uint64_t upto) {
  for (auto& l : lanes_) {
    if (l.entries.empty() || l.entries.front().blobs_sent()) continue;
    auto& b = l.entries.front().blobs[l.entries.front().next_blob];
    if (b.number == number) b.window = std::max(b.window, upto);
  }
}

// ---- producing --------------------------------------------------------------------------------

bool outgoing::pending() const {
  return !grants_.empty() || !pongs_.empty() ||
         std::any_of(lanes_.begin(), lanes_.end(), [](auto& l) { return !l.entries.empty(); });
}

// Less of a blob is not worth a message beside others.
std::size_t outgoing::least_chunk() const { return settings_.batch / 16; }

void outgoing::produce(std::string& out, std::size_t budget) {
  budget = std::min(std::max(budget, 4 * least_chunk()), settings_.batch);
  put_replies(out);
  auto start = out.size();
  // With a transfer under way, half of each frame is its share.
  put_entries(out, start, next_transfer() == lane_count ? budget : budget / 2);
  while (put_chunk(out, start, budget)) put_entries(out, start, budget);
}

void outgoing::put_replies(std::string& out) {
  if (grants_.empty() && pongs_.empty()) return;
  {
    wire::writer w{out};
    for (auto [number, upto] : grants_) {
      w.array(3);
      w.unsigned_integer(session_message::blob_grant);
      w.unsigned_integer(number);
      w.unsigned_integer(upto);
    }
  }
  grants_.clear();
  for (auto number : pongs_) encode(pong{number}, out);
  pongs_.clear();
}

bool outgoing::ready(lane_name where) const {
  const auto& first = lanes_[where].entries.front();
  return first.blobs_sent() && (where != bulk || lanes_[ordered].left >= first.after);
}

// Whole entries, in the order of the lanes, while they fit. One that doesn't fit lets nothing behind
// it pass; nor does an urgent one whose bytes are still being sent.
void outgoing::put_entries(std::string& out, std::size_t start, std::size_t budget) {
  for (auto where : {urgent, ordered, bulk}) {
    auto& entries = lanes_[where].entries;
    while (!entries.empty()) {
      if (!ready(where)) {
        if (where == urgent) return;
        break;
      }
      auto& bytes = entries.front().bytes;
      if (out.size() > start && out.size() - start + bytes.size() > budget) return;
      queued_ -= bytes.size();
      if (out.empty()) {
        out.swap(bytes);
      } else {
        out += bytes;
      }
      leave(where);
    }
  }
}

// The lane whose blob's turn it is; lane_count if all wait for grants or there is none.
outgoing::lane_name outgoing::next_transfer() const {
  for (std::size_t i = 1; i <= lane_count; ++i) {
    auto where = static_cast<lane_name>((last_transfer_ + i) % lane_count);
    const auto& entries = lanes_[where].entries;
    if (entries.empty() || entries.front().blobs_sent()) continue;
    const auto& b = entries.front().blobs[entries.front().next_blob];
    if (b.sent < b.window) return where;
  }
  return lane_count;
}

bool outgoing::put_chunk(std::string& out, std::size_t start, std::size_t budget) {
  auto used = out.size() - start;
  if (used > 0 && used + least_chunk() > budget) return false;
  auto where = next_transfer();
  if (where == lane_count) return false;
  last_transfer_ = where;
  auto& sender = lanes_[where].entries.front();
  auto* b = &sender.blobs[sender.next_blob];
  auto bytes = b->bytes();
  auto room = std::max(budget - std::min(budget, used), least_chunk());
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>(
      {settings_.chunk, room - std::min(room / 2, 2 * chunk_header), bytes.size() - b->sent, b->window - b->sent}));
  {
    wire::writer w{out};
    if (!std::exchange(b->opened, true)) {
      w.array(4);
      w.unsigned_integer(session_message::blob_open);
      w.unsigned_integer(b->number);
      w.unsigned_integer(bytes.size());
      w.unsigned_integer(static_cast<std::uint8_t>(b->kind));
    }
    w.array(3);
    w.unsigned_integer(session_message::blob_data);
    w.unsigned_integer(b->number);
    w.binary(bytes.subspan(b->sent, n));
  }
  b->sent += n;
  if (b->sent == bytes.size()) {
    (b->kind == blob_kind::value ? queued_blobs_ : queued_) -= bytes.size();
    b->held = {};
    b->owned = {};
    ++sender.next_blob;
  }
  return true;
}

void outgoing::leave(lane_name where) {
  auto& l = lanes_[where];
  for (auto key : l.entries.front().keys) {
    auto i = bulk_keys_.find(key);
    if (--i->second == 0) bulk_keys_.erase(i);
  }
  l.entries.pop_front();
  ++l.left;
}

}  // namespace troupe::protocol
