/// Every operator that the public functions call. All are resolved together at first use, so that a misspelt name
/// fails at once.
struct Aten: Sendable {
  // Making.
  let zeros = Operator("zeros"), ones = Operator("ones"), empty = Operator("empty", "memory_format")
  let full = Operator("full"), arange = Operator("arange"), linspace = Operator("linspace"), eye = Operator("eye")
  let stack = Operator("stack"), cat = Operator("cat")
  let zerosLike = Operator("zeros_like"), onesLike = Operator("ones_like"), emptyLike = Operator("empty_like")
  let randn = Operator("randn", "generator"), rand = Operator("rand", "generator")
  let randint = Operator("randint", "generator"), randperm = Operator("randperm", "generator")

  // Type and memory.
  let toType = Operator("to", "dtype"), toOptions = Operator("to", "dtype_layout")
  let contiguous = Operator("contiguous"), clone = Operator("clone"), detach = Operator("detach")

  // Shape.
  let reshape = Operator("reshape"), flatten = Operator("flatten", "using_ints"),
    transpose = Operator("transpose", "int")
  let permute = Operator("permute"), expand = Operator("expand"), unsqueeze = Operator("unsqueeze")
  let squeeze = Operator("squeeze"), squeezeDim = Operator("squeeze", "dim"), narrow = Operator("narrow")
  let slice = Operator("slice", "Tensor")
  let flip = Operator("flip"), roll = Operator("roll"), splitSizes = Operator("split_with_sizes")
  let chunk = Operator("chunk"), unbind = Operator("unbind", "int"), select = Operator("select", "int")
  let gather = Operator("gather"), indexSelect = Operator("index_select"), repeats = Operator("repeat")
  let index = Operator("index", "Tensor"), tril = Operator("tril"), triu = Operator("triu")
  let diagonal = Operator("diagonal"), sort = Operator("sort"), searchSorted = Operator("searchsorted", "Tensor"),
    topk = Operator("topk")
  let unfold = Operator("unfold"), repeatInterleave = Operator("repeat_interleave", "self_int")

  // Arithmetic.
  let add = Operator("add", "Tensor"), sub = Operator("sub", "Tensor"), mul = Operator("mul", "Tensor")
  let div = Operator("div", "Tensor"), addScalar = Operator("add", "Scalar"), subScalar = Operator("sub", "Scalar")
  let rsubScalar = Operator("rsub", "Scalar"), mulScalar = Operator("mul", "Scalar")
  let divScalar = Operator("div", "Scalar"), neg = Operator("neg"), powScalar = Operator("pow", "Tensor_Scalar")
  let powTensor = Operator("pow", "Tensor_Tensor"), exp = Operator("exp"), log = Operator("log")
  let log1p = Operator("log1p"), sqrt = Operator("sqrt"), rsqrt = Operator("rsqrt"), abs = Operator("abs")
  let square = Operator("square"), sin = Operator("sin"), cos = Operator("cos"), atan2 = Operator("atan2")
  let floor = Operator("floor"), round = Operator("round"), sign = Operator("sign"), erf = Operator("erf")
  let remainder = Operator("remainder", "Scalar"), reciprocal = Operator("reciprocal")
  let clamp = Operator("clamp"), maximum = Operator("maximum"), minimum = Operator("minimum")
  let whereSelf = Operator("where", "self"), lerpScalar = Operator("lerp", "Scalar"),
    lerpTensor = Operator("lerp", "Tensor")
  let eq = Operator("eq", "Tensor"), ne = Operator("ne", "Tensor"), lt = Operator("lt", "Tensor")
  let le = Operator("le", "Tensor"), gt = Operator("gt", "Tensor"), ge = Operator("ge", "Tensor")
  let eqScalar = Operator("eq", "Scalar"), ltScalar = Operator("lt", "Scalar"), leScalar = Operator("le", "Scalar")
  let gtScalar = Operator("gt", "Scalar"), geScalar = Operator("ge", "Scalar")
  let and = Operator("logical_and"), or = Operator("logical_or"), not = Operator("logical_not")
  let isfinite = Operator("isfinite"), isnan = Operator("isnan")

  // Reductions.
  let sum = Operator("sum"), sumDims = Operator("sum", "dim_IntList"), mean = Operator("mean")
  let meanDims = Operator("mean", "dim"), variance = Operator("var", "dim"), std = Operator("std", "dim")
  let maxAll = Operator("max"), minAll = Operator("min"), maxDim = Operator("max", "dim"),
    minDim = Operator("min", "dim")
  let amax = Operator("amax"), amin = Operator("amin"), argmax = Operator("argmax"), argmin = Operator("argmin")
  let any = Operator("any"), all = Operator("all"), norm = Operator("norm", "Scalar"), cumsum = Operator("cumsum")
  let bincount = Operator("bincount"), logsumexp = Operator("logsumexp"), cdist = Operator("cdist")

  // Networks.
  let relu = Operator("relu"), leakyRelu = Operator("leaky_relu"), elu = Operator("elu"), gelu = Operator("gelu")
  let silu = Operator("silu"), mish = Operator("mish"), tanh = Operator("tanh"), sigmoid = Operator("sigmoid")
  let softplus = Operator("softplus"), logSigmoid = Operator("log_sigmoid"), hardtanh = Operator("hardtanh")
  let softmax = Operator("softmax", "int"), logSoftmax = Operator("log_softmax", "int"), glu = Operator("glu")
  let matmul = Operator("matmul"), einsum = Operator("einsum"), linear = Operator("linear"), bmm = Operator("bmm")
  let conv1d = Operator("conv1d"), conv2d = Operator("conv2d"), conv3d = Operator("conv3d")
  let convTranspose1d = Operator("conv_transpose1d"), convTranspose2d = Operator("conv_transpose2d", "input")
  let convTranspose3d = Operator("conv_transpose3d", "input")
  let batchNorm = Operator("batch_norm"), instanceNorm = Operator("instance_norm"), groupNorm = Operator("group_norm")
  let layerNorm = Operator("layer_norm"), embedding = Operator("embedding")
  let attention = Operator("scaled_dot_product_attention")
  let upsampleNearest = Operator("upsample_nearest2d", "vec"), upsampleBilinear = Operator("upsample_bilinear2d", "vec")
  let upsampleBicubic = Operator("upsample_bicubic2d", "vec")
  let upsampleBilinearAA = Operator("_upsample_bilinear2d_aa", "vec")
  let upsampleBicubicAA = Operator("_upsample_bicubic2d_aa", "vec")
  let upsampleLinear = Operator("upsample_linear1d", "vec"), upsampleTrilinear = Operator("upsample_trilinear3d", "vec")
  let avgPool2d = Operator("avg_pool2d"), maxPool2d = Operator("max_pool2d")
  let adaptiveAvgPool2d = Operator("adaptive_avg_pool2d"), pixelShuffle = Operator("pixel_shuffle")
  let pixelUnshuffle = Operator("pixel_unshuffle"), pad = Operator("pad"),
    affineGrid = Operator("affine_grid_generator")
  let gridSampler = Operator("grid_sampler"), oneHot = Operator("one_hot")
  let bce = Operator("binary_cross_entropy"), bceWithLogits = Operator("binary_cross_entropy_with_logits")
  let mse = Operator("mse_loss"), l1 = Operator("l1_loss"), crossEntropy = Operator("cross_entropy_loss")
  let smoothL1 = Operator("smooth_l1_loss"), im2col = Operator("im2col"), col2im = Operator("col2im")

  // Linear algebra.
  let svd = Operator("linalg_svd"), svdvals = Operator("linalg_svdvals"), eigh = Operator("linalg_eigh"),
    cholesky = Operator("linalg_cholesky")
  let qr = Operator("linalg_qr"), solve = Operator("linalg_solve"), inverse = Operator("linalg_inv")
  let choleskyEx = Operator("linalg_cholesky_ex")
  let solveTriangular = Operator("linalg_solve_triangular"), trace = Operator("trace")

  // Fourier transforms.
  let rfft2 = Operator("fft_rfft2"), irfft2 = Operator("fft_irfft2")

  // In place.
  let copy_ = Operator("copy_"), fill_ = Operator("fill_", "Scalar"), zero_ = Operator("zero_")
  let add_ = Operator("add_", "Tensor"), mulScalar_ = Operator("mul_", "Scalar"), mul_ = Operator("mul_", "Tensor"),
    silu_ = Operator("silu_"),
    lerp_ = Operator("lerp_", "Scalar")
}

let aten = Aten()
