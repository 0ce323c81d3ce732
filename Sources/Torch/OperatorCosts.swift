import CTorch

/// What an operator of LibTorch's cost while it was watched.
public struct OperatorCost: Sendable, Equatable {
  /// For example "aten::addmm".
  public let name: String
  public let calls: Int
  /// Without the operators that it called.
  public let seconds: Double
  /// Two for each multiplication with an addition, of products of matrices, convolutions and attention; 0 for other operators.
  public let flops: Double
  /// Read and written, as if nothing stayed in a cache; views move none.
  public let bytes: Double
}

public enum OperatorCosts {
  /// Watches the operators that this thread calls, which slows small ones down.
  ///
  /// - Returns: the dearest first.
  public static func watched(_ body: () -> Void) -> [OperatorCost] {
    check(ct_count_begin(), "count")
    body()
    var costs: [OperatorCost] = []
    withUnsafeMutablePointer(to: &costs) {
      let failed = ct_count_end(
        { context, cost in
          context!.assumingMemoryBound(to: [OperatorCost].self).pointee.append(
            OperatorCost(
              name: String(cString: cost.name), calls: Int(cost.calls), seconds: cost.seconds, flops: cost.flops,
              bytes: cost.bytes))
        }, $0)
      check(failed, "count")
    }
    return costs.sorted { $0.seconds > $1.seconds }
  }
}
