import Torch

/// The operators that layers and optimizers need and `Torch` has no function for. All are resolved together.
struct Kernels: Sendable {
  let addScalar_ = Operator("add_", "Scalar")
  let attentionOfPlainOperators = Operator("_scaled_dot_product_attention_math")
  let diagonal = Operator("diagonal")
  let prelu = Operator("prelu")
  let sign = Operator("sign")

  let fusedAdam_ = Operator("_fused_adam_")
  let fusedAdamW_ = Operator("_fused_adamw_")
  let fusedSGD_ = Operator("_fused_sgd_")

  let foreachAdd = Operator("_foreach_add", "List")
  let foreachAddScalar_ = Operator("_foreach_add_", "Scalar")
  let foreachAddcdiv_ = Operator("_foreach_addcdiv_", "Scalar")
  let foreachAddcmul_ = Operator("_foreach_addcmul_", "Scalar")
  let foreachCopy_ = Operator("_foreach_copy_")
  let foreachLerp_ = Operator("_foreach_lerp_", "Scalar")
  let foreachMul = Operator("_foreach_mul", "Scalar")
  let foreachMul_ = Operator("_foreach_mul_", "Scalar")
  let foreachNorm = Operator("_foreach_norm", "Scalar")
  let foreachSqrt = Operator("_foreach_sqrt")
}

let kernels = Kernels()
