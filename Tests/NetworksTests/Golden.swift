import Foundation
import Networks
import TestSupport
import Testing
import Torch

/// PyTorch's answers, made by Tests/Goldens/networks.py.
struct Golden {
  let tensors: [String: Tensor]
  let metadata: [String: String]

  init() throws {
    (tensors, metadata) = try Checkout.golden("networks")
  }

  subscript(name: String) -> Tensor { tensors[name]! }

  /// The tensors whose names start with `prefix`, without it.
  func group(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }
}

/// The length of the difference, relative to the length of `b` where that is above 1.
func difference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  if a.count == 0 { return 0 }
  return (a.to(.float64) - b.to(.float64)).norm().item() / Swift.max(1, b.to(.float64).norm().item())
}

/// Whether two tensors agree but for the order in which float32 sums are made, which memory layout and threads change.
func agree(_ a: Tensor, _ b: Tensor, to tolerance: Double = 2e-6) -> Bool { difference(a, b) <= tolerance }
