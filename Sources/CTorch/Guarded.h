// What the shim's files share: handles, and errors that don't leave C++.
#pragma once
#include "CTorch.h"

#include <ATen/core/Tensor.h>
#include <string>

namespace ct {
std::string &lastError();  // this thread's

template <class Body> int guarded(Body body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error &e) {
    lastError() = e.what_without_backtrace();
  } catch (const std::exception &e) {
    lastError() = e.what();
  } catch (...) {
    lastError() = "unknown C++ exception";
  }
  return 1;
}

using Reference = c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;

inline at::TensorImpl *impl(ct_tensor t) { return reinterpret_cast<at::TensorImpl *>(t); }
inline at::Tensor borrow(ct_tensor t) { return t ? at::Tensor(Reference::reclaim_copy(impl(t))) : at::Tensor(); }
inline ct_tensor give(at::Tensor t) {
  return t.defined() ? reinterpret_cast<ct_tensor>(t.unsafeReleaseTensorImpl()) : nullptr;
}
} // namespace ct
