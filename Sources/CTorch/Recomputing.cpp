// Parts of a network that are computed again when their gradients are wanted (Chen et al. 2016), so that nothing within them is kept.
#include "Guarded.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace {
using torch::autograd::variable_list;

/// What is computed, and what it holds on to.
struct Part : torch::CustomClassHolder {
  ct_compute compute;
  ct_let_go letGo;
  void *context;
  Part(ct_compute compute, ct_let_go letGo, void *context) : compute(compute), letGo(letGo), context(context) {}
  ~Part() override { letGo(context); }

  at::Tensor operator()(at::TensorList inputs, size_t count) const {
    std::vector<ct_tensor> given;
    for (size_t i = 0; i < count; ++i) given.push_back(ct::give(inputs[i]));
    return at::Tensor(ct::Reference::reclaim(ct::impl(compute(context, given.data(), count))));
  }
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  // The first inputs are the part's own; the others are weights, which it finds by itself.
  static at::Tensor forward(torch::autograd::AutogradContext *context, c10::intrusive_ptr<Part> part, int64_t count,
                            at::TensorList inputs) {
    context->saved_data["part"] = c10::IValue::make_capsule(part);
    context->saved_data["count"] = count;
    const at::Tensor result = (*part)(inputs, static_cast<size_t>(count));
    context->save_for_backward(inputs.vec());
    return result;
  }

  static variable_list backward(torch::autograd::AutogradContext *context, variable_list gradients) {
    const auto part = c10::static_intrusive_pointer_cast<Part>(context->saved_data["part"].toCapsule());
    const size_t count = static_cast<size_t>(context->saved_data["count"].toInt());
    variable_list inputs = context->get_saved_variables(), wanted;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool learns = inputs[i].requires_grad();
      if (i < count) inputs[i] = inputs[i].detach().requires_grad_(learns);
      if (learns) wanted.push_back(inputs[i]);
    }
    at::Tensor result;
    {
      const at::AutoGradMode on(true);
      result = (*part)(inputs, count);
    }
    const variable_list found =
        torch::autograd::grad({result}, wanted, {gradients[0]}, std::nullopt, false, /*allow_unused=*/true);
    variable_list all(2);
    for (size_t i = 0, next = 0; i < inputs.size(); ++i) {
      all.push_back(inputs[i].requires_grad() ? found[next++] : at::Tensor());
    }
    return all;
  }
};
} // namespace

int ct_recomputed(ct_compute compute, ct_let_go letGo, void *context, const ct_tensor *inputs, size_t count,
                  const ct_tensor *weights, size_t weight_count, ct_tensor *out) {
  return ct::guarded([&] {
    const auto part = c10::make_intrusive<Part>(compute, letGo, context);
    variable_list all;
    for (size_t i = 0; i < count; ++i) all.push_back(ct::borrow(inputs[i]));
    for (size_t i = 0; i < weight_count; ++i) all.push_back(ct::borrow(weights[i]));
    // Only this type of list is seen as variables.
    *out = ct::give(Recomputed::apply(part, static_cast<int64_t>(count), at::TensorList(all)));
  });
}
