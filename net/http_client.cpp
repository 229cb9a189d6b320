// http_call(): dial, write one request, read one answer.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "net/deadline.hpp"
#include "net/dial.hpp"
#include "net/endpoint.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"

namespace troupe::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

struct url_parts {
  bool secure = false;
  endpoint at;
  std::string target;
};

result<url_parts> parse_url(const std::string& url) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::invalid_argument, "\"" + url + "\" is no address to call: " + why);
  };
  url_parts parts;
  std::string_view rest(url);
  if (rest.starts_with("https://")) {
    parts.secure = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return refuse("it must begin with http:// or https://");
  }
  // What would end a line would begin a header.
  for (const unsigned char c : rest)
    if (c <= ' ' || c == 127) return refuse("it holds a blank or control character");
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string authority(rest.substr(0, end));
  rest.remove_prefix(end);
  rest = rest.substr(0, rest.find('#'));
  parts.target = (rest.empty() || rest.front() == '?' ? "/" : "") + std::string(rest);
  const auto bracket = authority.rfind(']');
  if (authority.find(':', bracket == std::string::npos ? 0 : bracket) == std::string::npos)
    authority += parts.secure ? ":443" : ":80";
  auto at = parse_endpoint(authority);
  if (!at) return refuse(at.error().message);
  parts.at = std::move(*at);
  return parts;
}

// After dialling. Kept alive by its pending operation and its deadline.
class exchange : public stoppable, public std::enable_shared_from_this<exchange> {
 public:
  exchange(std::shared_ptr<io_pool> pool, any_stream stream, http_call_options options,
           const url_parts& url, std::function<void(result<http_response>)> callback)
      : pool_(std::move(pool)),
        options_(std::move(options)),
        callback_(std::move(callback)),
        stream_(std::move(stream)),
        deadline_(
            stream_.get_executor(), [this] { return shared_from_this(); },
            [this] { done(fail(errc::unavailable, doing() + ": no answer in time")); }) {
    request_.version(11);
    request_.method_string(options_.method);
    request_.target(url.target);
    request_.set(http::field::host, to_string(url.at));
    request_.set(http::field::user_agent, "troupe");
    for (const auto& [name, value] : options_.headers) request_.set(name, value);
    request_.keep_alive(false);
    request_.body() = options_.body;
    request_.prepare_payload();
    parser_.body_limit(options_.max_body_bytes);
    if (options_.method == "HEAD") parser_.skip(true);
  }

  void begin(time_point by) {
    entry_ = pool_->add(weak_from_this());
    if (!entry_) return done(fail(errc::unavailable, "this process is stopping"));
    deadline_.set(by);
    http::async_write(stream_, request_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!self->callback_) return;
                        // A server that refuses early has answered before it read everything.
                        self->write_error_ = error;
                        self->read();
                      });
  }

  void stop_now(const failure& why) override {
    asio::post(stream_.get_executor(),
               [self = shared_from_this(), why] { self->done(tl::unexpected(why)); });
  }

 private:
  std::string doing() const { return options_.method + " " + options_.url; }

  // The head by itself first: reading all at once, Beast's parser forgets that it found the
  // announced body over the limit.
  void read() {
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (!self->callback_) return;
                              if (error) return self->on_answer(error);
                              self->read_body();
                            });
  }

  void read_body() {
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (!self->callback_) return;
                       self->on_answer(error);
                     });
  }

  void on_answer(error_code error) {
    if (error == http::error::body_limit)
      return done(fail(errc::too_large, doing() + ": the answer has more than " +
                                            std::to_string(options_.max_body_bytes) + " bytes"));
    if (error && error.category() == error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message)
      return done(fail(errc::protocol, doing() + ": the answer is not HTTP: " + error.message()));
    if (error == http::error::end_of_stream || error == http::error::partial_message)
      return done(fail(errc::unavailable, doing() + ": the answer broke off"));
    if (error)
      return done(tl::unexpected(socket_failure(write_error_ ? write_error_ : error, doing())));
    auto message = parser_.release();
    http_response answer;
    answer.status = message.result_int();
    answer.content_type.clear();
    for (const auto& field : message) {
      const std::string name(field.name_string()), value(field.value());
      if (field.name() == http::field::content_type) answer.content_type = value;
      answer.headers.emplace_back(name, value);
    }
    answer.body = std::move(message.body());
    done(std::move(answer));
  }

  void done(result<http_response> outcome) {
    if (!callback_) return;
    const auto callback = std::exchange(callback_, nullptr);
    deadline_.clear();
    stream_.close();
    entry_ = {};
    callback(std::move(outcome));
  }

  const std::shared_ptr<io_pool> pool_;  // first: the loops outlive what lives on them
  const http_call_options options_;
  std::function<void(result<http_response>)> callback_;  // empty: done
  any_stream stream_;
  deadline deadline_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  error_code write_error_;
  io_pool::registration entry_;
};

dial_target target_of(const url_parts& url, const http_call_options& options, time_point by) {
  using security = enum dial_target::security;
  dial_target target;
  target.host = url.at.host;
  target.port = url.at.port;
  target.security = !url.secure   ? security::plain
                    : options.tls ? security::cluster
                                  : security::world;
  if (options.tls) target.files = *options.tls;
  target.authorities = options.authorities;
  target.roles = {role::head, role::worker};
  target.deadline = by;
  return target;
}

}  // namespace

void http_call(io& io, http_call_options options,
               std::function<void(result<http_response>)> callback) {
  auto url = parse_url(options.url);
  if (!url)
    return io.post(
        [why = url.error(), callback = std::move(callback)] { callback(tl::unexpected(why)); });
  const auto by = clock::now() + options.deadline;
  auto target = target_of(*url, options, by);
  dial(io.pool(), std::move(target),
       [pool = io.pool(), url = std::move(*url), options = std::move(options), by,
        callback = std::move(callback)](result<dialled> connected) mutable {
         if (!connected) return callback(tl::unexpected(std::move(connected.error())));
         std::make_shared<exchange>(pool, std::move(connected->stream), std::move(options), url,
                                    std::move(callback))
             ->begin(by);
       });
}

}  // namespace troupe::net
