// What operators cost, told by LibTorch's own observers.
// The wheel's classes are those of a build without assertions: some have fewer members.
#ifndef NDEBUG
#define NDEBUG
#endif
#include "Guarded.h"

#include <ATen/record_function.h>
#include <chrono>
#include <functional>
#include <map>

namespace {
using Clock = std::chrono::steady_clock;
using Values = c10::ArrayRef<const c10::IValue>;

struct Cost {
  int64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
};
// Of this thread, which runs the steps backward, too.
thread_local std::map<std::string, Cost> costs;
thread_local at::CallbackHandle handle = 0;
thread_local bool isCounting = false;

// One call of an operator, within others.
struct Call : at::ObserverContext {
  Clock::time_point begin;
  Call *parent;
  double inner = 0, flops = 0, read = 0;
  bool hasInner = false, isCounted = false;  // whether one within it has moved bytes, and told its products
  std::vector<const void *> storages;
};
thread_local Call *current = nullptr;

double bytes(const at::Tensor &t) { return t.has_storage() ? static_cast<double>(t.numel()) * t.element_size() : 0; }

void eachTensor(const c10::IValue &value, const std::function<void(const at::Tensor &)> &body) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) body(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor &t : value.toTensorList()) if (t.defined()) body(t);
  } else if (value.isList()) {
    for (const c10::IValue &inner : value.toListRef()) eachTensor(inner, body);
  }
}

double product(c10::IntArrayRef sizes) {
  double all = 1;
  for (int64_t size : sizes) all *= static_cast<double>(size);
  return all;
}

c10::IntArrayRef shape(Values in, size_t i) {
  return i < in.size() && in[i].isTensor() && in[i].toTensor().defined() ? in[i].toTensor().sizes() : c10::IntArrayRef();
}

// Multiplications and additions: two for each of a product's. Known before the call but for convolutions, which need the result.
double flopsBefore(const std::string &name, Values in) {
  if (name == "aten::mm" || name == "aten::bmm" || name == "aten::mv") {
    const auto b = shape(in, 1);
    return 2 * product(shape(in, 0)) * (b.size() > 1 ? static_cast<double>(b.back()) : 1);
  }
  if (name == "aten::addmm" || name == "aten::baddbmm" || name == "aten::addmv") {
    const auto b = shape(in, 2);
    return 2 * product(shape(in, 1)) * (b.size() > 1 ? static_cast<double>(b.back()) : 1);
  }
  if (name == "aten::linear" || name == "aten::mkldnn_linear") {
    const auto w = shape(in, 1);
    return w.empty() ? 0 : 2 * product(shape(in, 0)) * static_cast<double>(w[0]);
  }
  if (name.rfind("aten::_scaled_dot_product_", 0) == 0 || name.rfind("aten::_flash_attention_", 0) == 0) {
    const bool isBackward = name.find("backward") != std::string::npos;
    const size_t first = isBackward ? 1 : 0;
    const auto q = shape(in, first), k = shape(in, first + 1);
    if (q.size() != 4 || k.size() != 4) return 0;
    return (isBackward ? 10 : 4) * product(q) * static_cast<double>(k[2]);
  }
  if (name == "aten::convolution_backward") {
    // grad_output, input, weight, bias sizes, stride, padding, dilation, transposed, output padding, groups, which
    const auto w = shape(in, 2);
    if (w.empty() || in.size() < 11) return 0;
    const double once = 2 * product(shape(in, in[7].toBool() ? 1 : 0)) * product(w) / static_cast<double>(w[0]);
    const auto wanted = in[10].toBoolList();
    return once * ((wanted.get(0) ? 1 : 0) + (wanted.get(1) ? 1 : 0));
  }
  return 0;
}

bool isAllocation(const std::string &name) {
  return name.rfind("aten::empty", 0) == 0 || name.rfind("aten::new_empty", 0) == 0 || name == "aten::resize_" ||
         name == "aten::resize_as_" || name == "aten::set_" || name == "aten::detach_";
}

// Where `transposed` is among a convolution's arguments; 0 for what is none.
size_t transposedAt(const std::string &name) {
  if (name == "aten::convolution" || name == "aten::_convolution") return 6;
  return name == "aten::mkldnn_convolution" || name == "aten::mkldnn_convolution_pointwise" ? 99 : 0;
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction &f) {
  auto call = std::make_unique<Call>();
  call->parent = current;
  const std::string name = f.name();
  const Values in = f.inputs();
  for (const c10::IValue &value : in) {
    eachTensor(value, [&](const at::Tensor &t) {
      call->read += bytes(t);
      if (t.has_storage()) call->storages.push_back(t.storage().data());
    });
  }
  call->flops = flopsBefore(name, in);
  if (const size_t at = transposedAt(name)) {
    // input, weight, …: of a transposed one each element of the input meets the weights, else each of the result.
    const auto w = shape(in, 1);
    const double each = w.empty() ? 0 : 2 * product(w) / static_cast<double>(w[0]);
    call->flops = in.size() > at && in[at].toBool() ? each * product(shape(in, 0)) : -each;
  }
  current = call.get();
  call->begin = Clock::now();
  return call;
}

void end(const at::RecordFunction &f, at::ObserverContext *context) {
  auto *call = static_cast<Call *>(context);
  if (!call) return;  // It began before the counting.
  const double seconds = std::chrono::duration<double>(Clock::now() - call->begin).count();
  current = call->parent;
  if (current) current->inner += seconds;
  const std::string name = f.name();
  double written = 0, results = 0;
  bool isView = false;
  for (const c10::IValue &value : f.outputs()) {
    eachTensor(value, [&](const at::Tensor &t) {
      results += static_cast<double>(t.numel());
      written += bytes(t);
      for (const void *storage : call->storages) {
        isView = isView || (t.has_storage() && t.storage().data() == storage && name.back() != '_');
      }
    });
  }
  if (call->flops < 0) call->flops *= -results;
  if (call->isCounted) call->flops = 0;
  if (current && (call->isCounted || call->flops > 0)) current->isCounted = true;
  Cost &cost = costs[name];
  cost.calls += 1;
  cost.seconds += seconds - call->inner;
  cost.flops += call->flops;
  // What works by others is counted there; views, and memory that is only asked for, move nothing.
  const bool moves = !call->hasInner && !isView && !isAllocation(name) && call->read + written > 0;
  if (moves) cost.bytes += call->read + written;
  if (current && (moves || call->hasInner)) current->hasInner = true;
}
} // namespace

int ct_count_begin(void) {
  return ct::guarded([&] {
    TORCH_CHECK(!isCounting, "operators are being counted already");
    costs.clear();
    handle = at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end).needsInputs(true).needsOutputs(true).scopes(
        {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
    isCounting = true;
  });
}

int ct_count_end(ct_take_cost take, void *context) {
  return ct::guarded([&] {
    TORCH_CHECK(isCounting, "no operators are being counted");
    at::removeCallback(handle);
    isCounting = false;
    for (const auto &[name, cost] : costs) {
      take(context, {name.c_str(), cost.calls, cost.seconds, cost.flops, cost.bytes});
    }
    costs.clear();
  });
}
