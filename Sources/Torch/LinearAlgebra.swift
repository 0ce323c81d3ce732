// Decompositions and solutions of [..., n, m] matrices, differentiable.

/// x = u · diag(s) · vᵀ.
public func svd(_ x: Tensor) -> (u: Tensor, s: Tensor, vT: Tensor) {
  let r = aten.svd.list(.tensor(x), false)
  return (r[0], r[1], r[2])
}
/// In descending order.
public func singularValues(_ x: Tensor) -> Tensor { aten.svdvals(.tensor(x)) }
/// Eigenvalues in ascending order and eigenvectors in columns, of a symmetric matrix.
public func eigh(_ x: Tensor) -> (values: Tensor, vectors: Tensor) {
  // cuSOLVER's are wrong by chance for batches (pytorch issue 192483), and slow for small matrices.
  let r = aten.eigh.list(.tensor(x.device.isCPU ? x : x.to(.cpu)))
  return (r[0].to(x.device), r[1].to(x.device))
}
/// The lower triangular L with L Lᵀ = x. Traps when x isn't positive definite.
public func cholesky(_ x: Tensor) -> Tensor { aten.cholesky(.tensor(x)) }
/// As `cholesky`, of one matrix; nil when it isn't positive definite.
public func choleskyIfPositive(_ x: Tensor) -> Tensor? {
  let r = aten.choleskyEx.list(.tensor(x), false, false)
  return r[1].item() == 0 ? r[0] : nil
}
public func qr(_ x: Tensor) -> (q: Tensor, r: Tensor) {
  let r = aten.qr.list(.tensor(x))
  return (r[0], r[1])
}
/// x with a x = b.
public func solve(_ a: Tensor, _ b: Tensor) -> Tensor { aten.solve(.tensor(a), .tensor(b)) }
/// x with a x = b for a triangular a.
public func solveTriangular(_ a: Tensor, _ b: Tensor, upper: Bool) -> Tensor {
  aten.solveTriangular(.tensor(a), .tensor(b), .bool(upper))
}
public func inverse(_ x: Tensor) -> Tensor { aten.inverse(.tensor(x)) }
public func trace(_ x: Tensor) -> Tensor { aten.trace(.tensor(x)) }
