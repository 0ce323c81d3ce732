// Several processes that train together, over LibTorch's own collectives (c10d with Gloo).
#define USE_C10D_GLOO
#include "CTorch.h"
#include "Guarded.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unistd.h>

using Backend = c10::intrusive_ptr<c10d::Backend>;
using Work = c10::intrusive_ptr<c10d::Work>;

namespace {
using ct::borrow;
using ct::give;
using ct::guarded;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

struct Store {
  c10::intrusive_ptr<c10d::TCPStore> store;
  std::string host;
  int port;
};
struct Group {
  c10::intrusive_ptr<c10d::TCPStore> store;
  Backend backend;
  int rank, count;
};
Store &store(ct_store s) { return *reinterpret_cast<Store *>(s); }
Group &group(ct_group g) { return *reinterpret_cast<Group *>(g); }

/// The address of this machine from which packets to the first process leave: the one that the others reach it by.
std::string ownAddress(const std::string &host, int port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  TORCH_CHECK(getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) == 0 && found,
              "there is no machine called ", host);
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  for (addrinfo *one = found; one; one = one->ai_next) {
    // Nothing is sent: it only asks which way a packet would go.
    const int s = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) continue;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    char words[NI_MAXHOST];
    const bool isKnown =
        connect(s, one->ai_addr, one->ai_addrlen) == 0 && getsockname(s, reinterpret_cast<sockaddr *>(&own), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr *>(&own), size, words, sizeof words, nullptr, 0, NI_NUMERICHOST) == 0;
    close(s);
    if (isKnown) return words;
  }
  TORCH_CHECK(false, "there is no way to ", host);
}

/// Sums a tensor over all processes. The gradient of a sum is the sum of the gradients.
struct Sum : torch::autograd::Function<Sum> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, at::Tensor x, int64_t g) {
    context->saved_data["group"] = g;
    std::vector<at::Tensor> sum{x.detach().contiguous().clone()};
    reinterpret_cast<Group *>(g)->backend->allreduce(sum)->wait();
    return sum[0];
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    return {Sum::apply(gradients[0], context->saved_data["group"].toInt()), at::Tensor()};
  }
};

/// All processes' rows, the first one's first.
struct Gather : torch::autograd::Function<Gather> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, at::Tensor x, int64_t g) {
    auto &group = *reinterpret_cast<Group *>(g);
    context->saved_data["group"] = g;
    context->saved_data["rows"] = x.size(0);
    std::vector<at::Tensor> own{x.detach().contiguous()};
    std::vector<std::vector<at::Tensor>> all(1);
    for (int i = 0; i < group.count; ++i) all[0].push_back(at::empty_like(own[0]));
    group.backend->allgather(all, own)->wait();
    return at::cat(all[0]);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const int64_t g = context->saved_data["group"].toInt(), rows = context->saved_data["rows"].toInt();
    const int64_t rank = reinterpret_cast<Group *>(g)->rank;
    return {Sum::apply(gradients[0], g).narrow(0, rank * rows, rows), at::Tensor()};
  }
};
} // namespace

extern "C" {
int ct_store_open(const char *host, int port, bool serves, double seconds, ct_store *out, int *found) {
  return guarded([&] {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serves;
    options.waitWorkers = false;
    options.timeout = milliseconds(seconds);
    auto made = std::make_unique<Store>(Store{c10::make_intrusive<c10d::TCPStore>(host, options), host, 0});
    *found = made->port = made->store->getPort();
    *out = reinterpret_cast<ct_store>(made.release());
  });
}
void ct_store_close(ct_store s) { delete &store(s); }

int ct_group_join(ct_store s, const char *name, int rank, int count, double seconds, ct_group *out) {
  return guarded([&] {
    auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(seconds));
    options->devices.push_back(
        c10d::ProcessGroupGloo::createDeviceForHostname(ownAddress(store(s).host, store(s).port)));
    auto own = c10::make_intrusive<c10d::PrefixStore>(name, store(s).store);
    auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(own, rank, count, options);
    *out = reinterpret_cast<ct_group>(new Group{store(s).store, backend, rank, count});
  });
}
void ct_group_leave(ct_group g) {
  // A peer that is gone is no reason to fail on the way out.
  guarded([&] { delete &group(g); });
}

int ct_group_sum(ct_group g, ct_tensor t) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{borrow(t)};
    group(g).backend->allreduce(tensors)->wait();
  });
}
int ct_group_broadcast(ct_group g, ct_tensor t, int from) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{borrow(t)};
    c10d::BroadcastOptions options;
    options.rootRank = from;
    group(g).backend->broadcast(tensors, options)->wait();
  });
}
int ct_group_summed(ct_group g, ct_tensor t, ct_tensor *out) {
  return guarded([&] { *out = give(Sum::apply(borrow(t), reinterpret_cast<int64_t>(g))); });
}
int ct_group_gathered(ct_group g, ct_tensor t, ct_tensor *out) {
  return guarded([&] { *out = give(Gather::apply(borrow(t), reinterpret_cast<int64_t>(g))); });
}
}
