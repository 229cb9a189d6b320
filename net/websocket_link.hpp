// Private to net/: the link over Beast's WebSocket. Made by listener's connections (accept) and by
// connect() (handshake); ends in finish(), whatever the cause. Everything but send() and the
// counters happens on the io thread of its stream.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "net/io_pool.hpp"
#include "net/link.hpp"
#include "net/stream.hpp"

namespace troupe::net {

namespace beast = boost::beast;

// What both ways of making a link start from.
struct link_seed {
  any_stream stream;
  peer_info peer;
  net_settings settings;
  time_point handshake_by;         // for the upgrade
  std::shared_ptr<void> admitted;  // let go when the link ends
};
using link_callback = std::function<void(result<std::shared_ptr<link>>)>;

class websocket_link final : public link,
                             public stoppable,
                             public std::enable_shared_from_this<websocket_link> {
 public:
  using upgrade_request = beast::http::request<beast::http::string_body>;
  using upgrade_response = beast::http::response<beast::http::string_body>;

  // On the stream's io thread; so is the callback, which gets the link when the upgrade is done.
  static void accept(std::shared_ptr<io_pool> pool, link_seed seed, upgrade_request request,
                     link_callback callback);
  static void handshake(std::shared_ptr<io_pool> pool, link_seed seed, const std::string& host,
                        link_callback callback);

  websocket_link(std::shared_ptr<io_pool> pool, link_seed seed);

  using link::close;
  void start(link_handlers handlers) override;
  result<void> send(std::string message) override;
  std::size_t queued_bytes() const override { return queued_.load(std::memory_order_relaxed); }
  void pause_reading() override { paused_.store(true); }
  void resume_reading() override;
  void established() override { established_.store(true); }
  void close(failure reason) override;
  void post(std::function<void()> fn) override;
  const peer_info& peer() const override { return peer_; }

  void stop_now(const failure& why) override;

 private:
  // false_type: no compression.
  using websocket = beast::websocket::stream<any_stream, false>;

  bool begin(link_callback callback);
  void on_upgraded(error_code error, const upgrade_response* answer);
  template <class F>
  void on_io_thread(F&& f);

  void enqueue(std::string&& message);
  void write_next();
  void on_written(error_code error);

  void read_next();
  void on_read(error_code error);
  void deliver();
  void report_drained();
  template <class F>
  void guarded(const char* doing, F&& handler);
  failure read_failure(error_code error) const;

  void begin_close(failure reason);
  void say_goodbye();
  void finish(failure reason);
  void report_closed();

  void tick();
  std::optional<failure> overdue(time_point now) const;
  void ping(time_point now);

  const std::shared_ptr<io_pool> pool_;  // first: the loops outlive what lives on them
  const net_settings settings_;
  const peer_info peer_;
  websocket socket_;
  steady_timer timer_;

  // Of the io thread.
  link_callback upgraded_;  // until the upgrade is done or has failed
  upgrade_response answer_;
  link_handlers handlers_;
  beast::flat_buffer frame_;                 // being read
  std::string writing_;                      // the frame that is being written; empty: none
  std::optional<failure> closing_, closed_;  // the reasons
  time_point handshake_by_, received_, sent_, write_begun_, close_by_;
  std::shared_ptr<void> admitted_;
  io_pool::registration entry_;
  bool upgrade_done_ = false, started_ = false, reading_ = false, pinging_ = false;
  bool goodbye_said_ = false;

  std::atomic<bool> paused_{false}, established_{false};
  std::atomic<std::size_t> queued_{0};

  std::mutex mutex_;                 // guards what follows
  std::deque<std::string> waiting_;  // frames to be
  std::string spare_;                // memory of a written frame, for the next one; empty
  bool writer_active_ = false;       // a write or a call of write_next() is pending
  bool accepting_ = true;            // send() may append
  bool was_above_low_water_ = false;
};

}  // namespace troupe::net
