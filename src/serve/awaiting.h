// Where coroutines of a loop meet other threads.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace filbert::serve {

namespace asio = boost::asio;

// Calls `start` with a function, and goes on in its own loop once that was called, from whatever thread, exactly once. What `start` throws is
// thrown here, if the function has not been called.
template <typename Start>
asio::awaitable<void> resumed(Start start) {
  std::exception_ptr failure;
  const auto initiate = [&](auto&& handler) {
    const auto kept = std::make_shared<std::decay_t<decltype(handler)>>(std::forward<decltype(handler)>(handler));
    const auto executor = asio::get_associated_executor(*kept);
    const std::function<void()> resume = [kept, executor] { asio::post(executor, [kept] { std::move (*kept)(); }); };
    try {
      start(resume);
    } catch (...) {
      failure = std::current_exception();
      resume();
    }
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
  if (failure) std::rethrow_exception(failure);
}

// Runs `work` in a thread of `pool`, and goes on when it is done; what it throws is thrown here.
template <typename Work>
asio::awaitable<void> elsewhere(asio::thread_pool& pool, Work& work) {
  std::exception_ptr failure;
  co_await resumed([&](const std::function<void()>& resume) {
    asio::post(pool, [&work, &failure, resume] {
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      resume();
    });
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace filbert::serve
